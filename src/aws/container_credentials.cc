#include "aws/container_credentials.h"

#include <strings.h>

#include <string_view>
#include <utility>

#include "aws/call_later.h"
#include "aws/credentials_document.h"
#include "aws/json_value.h"
#include "aws/retried_request.h"
#include "sys/endpoint.h"
#include "sys/small_file.h"

namespace kite::aws {

namespace {

constexpr const char* kAgentOrigin = "http://169.254.170.2";
constexpr const char* kRelativeUri = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* kFullUri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* kToken = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
constexpr const char* kTokenFile = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
constexpr size_t kTokenBytesMax = 16U << 10;
constexpr size_t kAnswerBytesMax = 64U << 10;
constexpr std::chrono::milliseconds kTimeout{2000};

bool starts_without_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         ::strncasecmp(text.data(), prefix.data(), prefix.size()) == 0;
}

/// Bytes that have no place in a URL, and the ones on which URL readers disagree.
bool is_plain_url(std::string_view url) {
  for (const char byte : url) {
    if (byte <= ' ' || byte >= 0x7f || byte == '\\') return false;
  }
  return true;
}

/// The host of "host:port" or "[v6]:port"; empty if there is none or a user name before it.
std::string_view host_of(std::string_view authority) {
  if (authority.find('@') != std::string_view::npos) return {};
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    return end == std::string_view::npos ? std::string_view() : authority.substr(1, end - 1);
  }
  return authority.substr(0, authority.find(':'));
}

bool may_be_asked_in_the_clear(std::string_view host) {
  if (host.size() == 9 && starts_without_case(host, "localhost")) return true;
  const sys::Result<sys::Endpoint> address = sys::Endpoint::parse(host, 0);
  if (!address.ok()) return false;
  if (address->is_loopback()) return true;
  for (const char* agent : {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}) {
    if (*address.operator->() == sys::Endpoint::parse(agent, 0).value()) return true;
  }
  return false;
}

sys::Result<sys::Done> check_full_uri(const std::string& url) {
  const std::string variable = kFullUri;
  const bool https = starts_without_case(url, "https://");
  if (!https && !starts_without_case(url, "http://")) {
    return sys::Error{variable + " must be an http or https URL"};
  }
  const std::string_view rest = std::string_view(url).substr(https ? 8 : 7);
  const std::string_view host = host_of(rest.substr(0, rest.find_first_of("/?#")));
  if (host.empty() || !is_plain_url(url)) {
    return sys::Error{variable + " must be a URL with a host, without a user name"};
  }
  if (https || may_be_asked_in_the_clear(host)) return sys::Done{};
  return sys::Error{variable + " names the host " + quoted_briefly(host) +
                    ", which may not be asked for credentials over plain http; use https, a "
                    "loopback address, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]"};
}

sys::Result<Secret> read_token_file(const std::string& path) {
  auto text = sys::read_small_file(path, kTokenBytesMax);
  if (text.ok()) return Secret(*std::move(text));
  return sys::Error{text.error().message + " (" + kTokenFile + ")"};
}

std::string status_text(const http::Response& response) {
  std::string text = "HTTP " + std::to_string(response.status);
  static constexpr std::string_view kNames[] = {"code", "message"};
  const sys::Result<JsonDocument> document = JsonDocument::parse(response.body, kNames);
  if (!document.ok()) return text;
  for (const std::string_view name : kNames) {
    const std::string_view value = document->root().member(name).text();
    if (!value.empty()) text += " " + quoted_briefly(value);
  }
  return text;
}

sys::Result<Credentials> read_answer(const http::Outcome& outcome, const std::string& name) {
  if (!outcome.ok()) {
    return sys::Error{"no credentials from the " + name + ": " + outcome.error().message};
  }
  if (outcome->status != 200) {
    return sys::Error{"no credentials from the " + name + ": " +
                      status_text(*outcome.operator->())};
  }
  return parse_credentials_document(outcome->body, "the " + name);
}

}  // namespace

sys::Result<std::optional<ContainerEndpoint>> plan_container_endpoint(
    const sys::Environment& environment) {
  ContainerEndpoint endpoint;
  if (const auto relative = environment.get_non_empty(kRelativeUri)) {
    if (!relative->starts_with('/') || !is_plain_url(*relative)) {
      return sys::Error{std::string(kRelativeUri) + " must be a path that starts with a slash"};
    }
    endpoint.url = kAgentOrigin + *relative;
  } else if (const auto full = environment.get_non_empty(kFullUri)) {
    const sys::Result<sys::Done> allowed = check_full_uri(*full);
    if (!allowed.ok()) return allowed.error();
    endpoint.url = *full;
  } else {
    return std::optional<ContainerEndpoint>();
  }
  endpoint.token_file = environment.get_non_empty(kTokenFile).value_or("");
  endpoint.token = Secret(environment.get_non_empty(kToken).value_or(""));
  return std::optional(std::move(endpoint));
}

ContainerCredentials::ContainerCredentials(http::Client& client, ContainerEndpoint endpoint)
    : client_(client), endpoint_(std::move(endpoint)) {}

std::string ContainerCredentials::name() const {
  return "container endpoint " + origin_of(endpoint_.url);
}

/// Sent verbatim: no scheme is added and nothing is trimmed, as the SDKs do. A line break would
/// let the file write headers of its own.
sys::Result<Secret> ContainerCredentials::authorization() const {
  std::string origin = kToken;
  Secret token = endpoint_.token;
  if (!endpoint_.token_file.empty()) {
    sys::Result<Secret> from_file = read_token_file(endpoint_.token_file);
    if (!from_file.ok()) return from_file;
    token = std::move(*from_file);
    origin = endpoint_.token_file + " (" + kTokenFile + ")";
    if (token.empty()) return sys::Error{"the token in " + origin + " is empty"};
  }
  if (token.reveal().find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return sys::Error{"the token in " + origin +
                      " holds a line break; write it without one (printf, not echo)"};
  }
  return token;
}

std::unique_ptr<Call> ContainerCredentials::fetch(OnCredentials on_credentials) {
  const sys::Result<Secret> token = authorization();
  if (!token.ok()) {
    return call_later(client_, [on_credentials = std::move(on_credentials), error = token.error()] {
      on_credentials(error);
    });
  }
  http::Request request;
  request.direct = true;
  request.url = endpoint_.url;
  request.timeout = kTimeout;
  request.response_bytes_max = kAnswerBytesMax;
  request.headers = {{"Accept", "application/json"}};
  if (!token->empty()) request.headers.push_back({"Authorization", token->reveal()});
  return std::make_unique<RetriedRequest>(
      client_, std::move(request), RetriedRequest::Tries{},
      [on_credentials = std::move(on_credentials), name = name()](http::Outcome outcome) {
        on_credentials(read_answer(outcome, name));
      });
}

}  // namespace kite::aws
