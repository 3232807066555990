#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "http/http_client.h"
#include "sys/clock.h"

namespace kite::aws {

/// Signature Version 4 in three pure stages, each of which can be compared with what AWS or another
/// signer computed: canonical request, string to sign, signature.
/// Errors:    none; a failure of the hash library is a broken build and aborts.
/// Source:    AWS General Reference, "Create a signed AWS API request".

/// What a signature covers of a request besides its headers, borrowed. Path and query as sent.
struct SigV4Request {
  std::string_view method;
  std::string_view path;
  std::string_view query;  ///< without '?'
  std::string_view body;
};

/// Whether '.', '..' and doubled slashes are taken out of the path first: every service but S3.
enum class PathForm : uint8_t { normalized, as_sent };

struct CanonicalRequest {
  std::string text;
  std::string signed_headers;  ///< "host;x-amz-date"
};
/// `headers` in the order sent, names in any case; those that travel badly are left out.
CanonicalRequest canonical_request(const SigV4Request& request,
                                   const std::vector<http::Header>& headers,
                                   PathForm path_form = PathForm::normalized);

/// Where and when a signature is valid.
struct SigningScope {
  std::string timestamp;  ///< amz_timestamp()
  std::string region;
  std::string service;

  /// "20260102/eu-west-1/ecs/aws4_request"
  std::string text() const;
};
std::string string_to_sign(const SigningScope& scope, std::string_view canonical_request_text);

/// 64 lower-case hexadecimal digits.
std::string signature(const Secret& secret_access_key, const SigningScope& scope,
                      std::string_view string_to_sign_text);

std::string authorization_value(std::string_view access_key_id, const SigningScope& scope,
                                std::string_view signed_headers, std::string_view signature_text);

/// All stages at once: adds X-Amz-Date, X-Amz-Security-Token if there is a token, and Authorization
/// to `headers`, which must hold Host and everything else that is to be signed.
void sign_headers(const SigV4Request& request, const Credentials& credentials,
                  const SigningScope& scope, std::vector<http::Header>& headers);

/// RFC 3986 encoding as the signature wants it: unreserved bytes stay, every other is %XX in upper
/// case. Also the encoding of EC2's parameters.
std::string uri_encode(std::string_view text);

std::string sha256_hex(std::string_view data);

}  // namespace kite::aws
