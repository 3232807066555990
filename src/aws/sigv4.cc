#include "aws/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "sys/ascii.h"
#include "sys/check.h"

namespace kite::aws {
namespace {

using Digest = std::array<unsigned char, 32>;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";

std::string hex(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const unsigned char byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

Digest hmac_sha256(std::string_view key, std::string_view message) {
  Digest digest{};
  unsigned int digest_bytes = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
  const bool worked = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes,
                           message.size(), digest.data(), &digest_bytes) != nullptr;
  KITE_CHECK(worked && digest_bytes == digest.size(), "HMAC-SHA256 is part of every OpenSSL");
  return digest;
}

std::string_view view(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Trimmed, each inner run of white space one blank, quotes or not.
std::string canonical_value(std::string_view value) {
  std::string result;
  for (const char c : value) {
    if (!is_space(c)) {
      result += c;
    } else if (!result.empty() && result.back() != ' ') {
      result += ' ';
    }
  }
  if (!result.empty() && result.back() == ' ') result.pop_back();
  return result;
}

/// Headers that proxies and client libraries add, change or drop on the way.
bool is_never_signed(std::string_view lower_name) {
  constexpr std::array<std::string_view, 12> kNames = {"authorization",
                                                       "connection",
                                                       "expect",
                                                       "keep-alive",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "user-agent",
                                                       "x-amzn-trace-id"};
  return std::find(kNames.begin(), kNames.end(), lower_name) != kNames.end();
}

/// Segments of `path` with '.', '..' and empty ones resolved; a trailing slash stays.
std::string normalized(std::string_view path) {
  std::vector<std::string_view> kept;
  bool ends_in_directory = false;
  size_t at = 0;
  while (at <= path.size()) {  // ends: each round moves past one slash
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, slash - at);
    ends_in_directory = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!ends_in_directory) kept.push_back(segment);
    at = slash + 1;
  }
  std::string result;
  for (const std::string_view segment : kept) result.append("/").append(segment);
  if (ends_in_directory || result.empty()) result += '/';
  return result;
}

std::string canonical_path(std::string_view path, PathForm form) {
  const std::string whole = form == PathForm::normalized ? normalized(path) : std::string(path);
  std::string result;
  size_t at = 0;
  while (at < whole.size()) {  // ends: each round moves past one slash or to the end
    const size_t slash = std::min(whole.find('/', at), whole.size());
    result += uri_encode(std::string_view(whole).substr(at, slash - at));
    if (slash < whole.size()) result += '/';
    at = slash + 1;
  }
  return result.empty() ? "/" : result;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {  // ends: i only grows
    const bool escape = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
                        hex_value(text[i + 2]) >= 0;
    result +=
        escape ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return result;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  size_t at = 0;
  while (at < query.size()) {  // ends: each round moves past one '&' or to the end
    const size_t end = std::min(query.find('&', at), query.size());
    const std::string_view pair = query.substr(at, end - at);
    const size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (!pair.empty()) {
      pairs.emplace_back(uri_encode(percent_decode(pair.substr(0, equals))),
                         uri_encode(percent_decode(value)));
    }
    at = end + 1;
  }
  std::sort(pairs.begin(), pairs.end());
  std::string result;
  for (const auto& [key, value] : pairs) {
    if (!result.empty()) result += '&';
    result.append(key).append("=").append(value);
  }
  return result;
}

}  // namespace

CanonicalRequest canonical_request(const SigV4Request& request,
                                   const std::vector<http::Header>& headers, PathForm path_form) {
  std::map<std::string, std::string> values_by_name;
  for (const http::Header& header : headers) {
    const std::string name = sys::ascii_lower(header.name);
    if (is_never_signed(name)) continue;
    const auto [entry, is_new] = values_by_name.try_emplace(name, canonical_value(header.value));
    if (!is_new) entry->second.append(",").append(canonical_value(header.value));
  }
  CanonicalRequest result;
  std::string header_lines;
  for (const auto& [name, value] : values_by_name) {
    header_lines.append(name).append(":").append(value).append("\n");
    if (!result.signed_headers.empty()) result.signed_headers += ';';
    result.signed_headers += name;
  }
  result.text.append(request.method).append("\n");
  result.text.append(canonical_path(request.path, path_form)).append("\n");
  result.text.append(canonical_query(request.query)).append("\n");
  result.text.append(header_lines).append("\n");
  result.text.append(result.signed_headers).append("\n");
  result.text.append(sha256_hex(request.body));
  return result;
}

std::string SigningScope::text() const {
  std::string result = timestamp.substr(0, 8);
  result.append("/").append(region).append("/").append(service).append("/").append(kTerminator);
  return result;
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request_text) {
  std::string result(kAlgorithm);
  result.append("\n").append(scope.timestamp).append("\n").append(scope.text()).append("\n");
  result.append(sha256_hex(canonical_request_text));
  return result;
}

std::string signature(const Secret& secret_access_key, const SigningScope& scope,
                      std::string_view string_to_sign_text) {
  // Five hashes of short texts: cheaper than keeping derived keys in memory and out of core dumps.
  std::string first_key = "AWS4" + secret_access_key.reveal();
  Digest key = hmac_sha256(first_key, std::string_view(scope.timestamp).substr(0, 8));
  OPENSSL_cleanse(first_key.data(), first_key.size());
  key = hmac_sha256(view(key), scope.region);
  key = hmac_sha256(view(key), scope.service);
  key = hmac_sha256(view(key), kTerminator);
  const std::string result = hex(hmac_sha256(view(key), string_to_sign_text));
  OPENSSL_cleanse(key.data(), key.size());
  return result;
}

std::string authorization_value(std::string_view access_key_id, const SigningScope& scope,
                                std::string_view signed_headers, std::string_view signature_text) {
  std::string result(kAlgorithm);
  result.append(" Credential=").append(access_key_id).append("/").append(scope.text());
  result.append(", SignedHeaders=").append(signed_headers);
  result.append(", Signature=").append(signature_text);
  return result;
}

void sign_headers(const SigV4Request& request, const Credentials& credentials,
                  const SigningScope& scope, std::vector<http::Header>& headers) {
  headers.push_back({"X-Amz-Date", scope.timestamp});
  if (!credentials.session_token.empty()) {
    headers.push_back({"X-Amz-Security-Token", credentials.session_token.reveal()});
  }
  const CanonicalRequest canonical = canonical_request(request, headers);
  const std::string signature_text =
      signature(credentials.secret_access_key, scope, string_to_sign(scope, canonical.text));
  headers.push_back(
      {"Authorization", authorization_value(credentials.access_key_id, scope,
                                            canonical.signed_headers, signature_text)});
}

std::string uri_encode(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char c : text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (is_letter || is_digit || c == '-' || c == '.' || c == '_' || c == '~') {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += kDigits[byte >> 4];
    result += kDigits[byte & 15];
  }
  return result;
}

std::string sha256_hex(std::string_view data) {
  Digest digest{};
  unsigned int digest_bytes = 0;
  const bool worked = EVP_Digest(data.data(), data.size(), digest.data(), &digest_bytes,
                                 EVP_sha256(), nullptr) == 1;
  KITE_CHECK(worked && digest_bytes == digest.size(), "SHA-256 is part of every OpenSSL");
  return hex(digest);
}

}  // namespace kite::aws
