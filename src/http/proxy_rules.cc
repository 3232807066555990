#include "http/proxy_rules.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "http/curl_handles.h"
#include "sys/ascii.h"

namespace kite::http {

namespace {

struct Given {
  std::string text;
  std::string variable;
};

/// The variable in lower case, else in upper case; an empty one counts as unset.
std::optional<Given> find(const sys::Environment& environment, std::string_view lower_name) {
  std::string upper_name(lower_name);
  for (char& c : upper_name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  for (const std::string& name : {std::string(lower_name), upper_name}) {
    if (auto text = environment.get_non_empty(name)) return Given{*std::move(text), name};
  }
  return std::nullopt;
}

std::string part(CURLU* url, CURLUPart what, unsigned int flags) {
  char* text = nullptr;
  if (curl_url_get(url, what, &text, flags) != CURLUE_OK) return {};
  return CurlText(text).get();
}

/// "proxy:3128" and "http://user:password@proxy:3128/" alike.
sys::Result<ProxyServer> parse_proxy(const Given& given) {
  const bool has_scheme = given.text.find("://") != std::string::npos;
  const std::string whole = has_scheme ? given.text : "http://" + given.text;
  const CurlUrl url(curl_url());
  KITE_CHECK(url != nullptr, "out of memory");
  const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, whole.c_str(), 0);
  if (code != CURLUE_OK || part(url.get(), CURLUPART_SCHEME, 0) != "http") {
    return sys::Error{given.variable +
                      " is not a proxy that can be used: write http://host:port (proxies that are "
                      "spoken to over https or SOCKS are not supported)"};
  }
  ProxyServer proxy;
  proxy.host = part(url.get(), CURLUPART_HOST, 0);
  if (proxy.host.starts_with('[')) proxy.host = proxy.host.substr(1, proxy.host.size() - 2);
  proxy.port = part(url.get(), CURLUPART_PORT, 0);
  if (proxy.port.empty()) proxy.port = "80";
  proxy.user = part(url.get(), CURLUPART_USER, CURLU_URLDECODE);
  proxy.password = part(url.get(), CURLUPART_PASSWORD, CURLU_URLDECODE);
  proxy.variable = given.variable;
  return proxy;
}

/// The bytes of a literal address, 4 or 16; empty for a name.
std::string address_bytes(std::string_view host) {
  const sys::Result<sys::Endpoint> address = sys::Endpoint::parse(host, 0);
  if (!address.ok()) return {};
  sockaddr_storage storage{};
  address->to_sockaddr(storage);
  std::string bytes;
  if (address->is_v6()) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    bytes.assign(reinterpret_cast<const char*>(&v6.sin6_addr), sizeof v6.sin6_addr);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    bytes.assign(reinterpret_cast<const char*>(&v4.sin_addr), sizeof v4.sin_addr);
  }
  return bytes;
}

bool same_network(std::string_view a, std::string_view b, size_t bits) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size() && bits > 0; ++i) {
    const size_t here = std::min<size_t>(bits, 8);
    const auto mask = static_cast<unsigned char>(0xff00U >> here);
    if (((a[i] ^ b[i]) & mask) != 0) return false;
    bits -= here;
  }
  return true;
}

/// Where loopback, the metadata services and the credential endpoints are.
bool is_local(std::string_view host, std::string_view address) {
  const std::string_view name = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  const auto within = [address](std::string_view network, size_t bits) {
    return same_network(address, network, bits);
  };
  using namespace std::string_view_literals;
  return within("\x7f\0\0\0"sv, 8) || within("\xa9\xfe\0\0"sv, 16) ||
         within("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"sv, 128) ||
         within("\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0"sv, 10) ||
         within("\xfd\0\x0e\xc2\0\0\0\0\0\0\0\0\0\0\0\0"sv, 32);
}

}  // namespace

std::string ProxyServer::text() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  return (is_v6 ? "[" + host + "]" : host) + ":" + port + " (" + variable + ")";
}

sys::Result<ProxyRules> ProxyRules::read(const sys::Environment& environment) {
  ProxyRules rules;
  for (const bool https : {true, false}) {
    const auto given = find(environment, https ? "https_proxy" : "http_proxy");
    if (!given) continue;
    auto proxy = parse_proxy(*given);
    if (!proxy.ok()) return proxy.error();
    (https ? rules.https_proxy_ : rules.http_proxy_) = *std::move(proxy);
  }
  const auto given = find(environment, "no_proxy");
  if (!given) return rules;
  std::string_view rest = given->text;
  while (!rest.empty()) {  // ends: each round takes an entry off
    const size_t end = std::min(rest.find_first_of(", \t"), rest.size());
    const std::string_view entry = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    rules.none_ |= entry == "*";
    if (auto exception = parse_exception(entry)) rules.exceptions_.push_back(*exception);
  }
  return rules;
}

/// Nothing for an entry that means nothing: what one program writes for another is often odd.
std::optional<ProxyRules::Exception> ProxyRules::parse_exception(std::string_view text) {
  Exception exception;
  const size_t slash = text.find('/');
  exception.network = address_bytes(text.substr(0, slash));
  if (slash != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto [stop, failure] =
        std::from_chars(text.data() + slash + 1, end, exception.network_bits);
    const bool usable = failure == std::errc() && stop == end &&
                        exception.network_bits <= exception.network.size() * 8;
    return usable && !exception.network.empty() ? std::optional(exception) : std::nullopt;
  }
  if (exception.network.empty()) {
    const size_t colon = text.rfind(':');
    if (colon != std::string_view::npos) {
      exception.port = text.substr(colon + 1);
      text = text.substr(0, colon);
      exception.network = address_bytes(text);
    }
  }
  exception.network_bits = exception.network.size() * 8;
  if (!exception.network.empty()) return exception;
  if (text.starts_with("*.")) text.remove_prefix(1);
  exception.itself = !text.starts_with('.');
  if (!exception.itself) text.remove_prefix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  exception.name = sys::ascii_lower(text);
  return exception.name.empty() ? std::nullopt : std::optional(exception);
}

bool ProxyRules::fits(const Exception& exception, std::string_view host, std::string_view address) {
  if (!exception.network.empty()) {
    return same_network(exception.network, address, exception.network_bits);
  }
  if (host == exception.name) return exception.itself;
  return host.size() > exception.name.size() && host.ends_with(exception.name) &&
         host[host.size() - exception.name.size() - 1] == '.';
}

const ProxyServer* ProxyRules::proxy_for(bool https, std::string_view host,
                                         std::string_view port) const {
  const std::optional<ProxyServer>& proxy = https ? https_proxy_ : http_proxy_;
  if (!proxy || none_) return nullptr;
  std::string name = sys::ascii_lower(host);
  const std::string address = address_bytes(name);
  if (is_local(name, address)) return nullptr;
  if (name.ends_with('.')) name.pop_back();
  for (const Exception& exception : exceptions_) {
    const bool any_port = exception.port.empty() || exception.port == port;
    if (any_port && fits(exception, name, address)) return nullptr;
  }
  return &*proxy;
}

}  // namespace kite::http
