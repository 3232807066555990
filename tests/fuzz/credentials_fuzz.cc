#include <curl/curl.h>
#include <strings.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/container_credentials.h"
#include "aws/credentials_document.h"
#include "aws/endpoints.h"
#include "aws/instance_credentials.h"
#include "aws/sts_wire.h"
#include "aws/task_metadata.h"
#include "sys/check.h"
#include "sys/endpoint.h"

namespace {

using namespace kite::aws;

void check_credentials(const kite::sys::Result<Credentials>& credentials) {
  if (!credentials.ok()) {
    const std::string& sentence = credentials.error().message;
    KITE_CHECK(sentence.size() < 1000, "sentences are bounded");
    for (const char c : sentence) KITE_CHECK(c >= ' ', "sentences are one line of ASCII");
    return;
  }
  KITE_CHECK(!credentials->access_key_id.empty(), "keys that are taken are whole");
  KITE_CHECK(!credentials->secret_access_key.empty(), "keys that are taken are whole");
  for (const std::string& part :
       {credentials->access_key_id, credentials->session_token.reveal()}) {
    for (const char c : part) KITE_CHECK(c > ' ' && c < 0x7f, "header lines stay whole");
  }
}

/// The host as curl, which will send the request, reads it.
std::string host_by_curl(const std::string& url) {
  CURLU* parsed = curl_url();
  std::string host;
  char* text = nullptr;
  if (curl_url_set(parsed, CURLUPART_URL, url.c_str(), CURLU_DISALLOW_USER) == CURLUE_OK &&
      curl_url_get(parsed, CURLUPART_HOST, &text, 0) == CURLUE_OK) {
    host = text;
    curl_free(text);
  }
  curl_url_cleanup(parsed);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_allowed(const std::string& host) {
  if (host.empty()) return true;  // curl refuses the URL
  if (::strcasecmp(host.c_str(), "localhost") == 0) return true;
  const auto address = kite::sys::Endpoint::parse(host, 0);
  return address.ok() && (address->is_loopback() || host == "169.254.170.2" ||
                          host == "169.254.170.23" || address->address_text() == "fd00:ec2::23");
}

/// Two readers of one URL must not disagree on where the token goes.
void check_endpoints(std::string_view text) {
  for (const char* variable :
       {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"}) {
    const kite::sys::Environment environment({{variable, std::string(text)}});
    const auto endpoint = plan_container_endpoint(environment);
    if (!endpoint.ok() || !endpoint->has_value()) continue;
    const std::string& url = (*endpoint.operator->())->url;
    if (::strncasecmp(url.c_str(), "https://", 8) == 0) continue;
    KITE_CHECK(is_allowed(host_by_curl(url)), "plain http goes to loopback and the agents only");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  check_credentials(parse_credentials_document(body, "the fuzzer"));
  check_credentials(parse_assumed_role("AssumeRole", body));
  const auto metadata = parse_task_metadata(body);
  if (metadata.ok()) KITE_CHECK(is_region(metadata->region), "a region fits a host name");
  const auto role = parse_role_list(body);
  if (role.ok()) KITE_CHECK(role->find('/') == std::string::npos, "a role is one path segment");
  check_endpoints(body);
  return 0;
}
