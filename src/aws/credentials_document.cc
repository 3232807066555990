#include "aws/credentials_document.h"

#include <algorithm>
#include <utility>

#include "aws/json_value.h"
#include "aws/timestamp.h"

namespace kite::aws {

namespace {

constexpr size_t kQuotedMax = 160;

bool is_graphic(char byte) {
  return byte > ' ' && byte < 0x7f;
}

bool all_graphic(const std::string& text) {
  return std::all_of(text.begin(), text.end(), is_graphic);
}

}  // namespace

std::string unusable_part(const Credentials& credentials) {
  // The key id stands between separators of the Authorization header.
  if (!all_graphic(credentials.access_key_id) ||
      credentials.access_key_id.find_first_of("/,=") != std::string::npos) {
    return "the access key id holds bytes that no key id has";
  }
  if (!all_graphic(credentials.secret_access_key.reveal())) {
    return "the secret access key holds a blank or a line break";
  }
  if (!all_graphic(credentials.session_token.reveal())) {
    return "the session token holds a blank or a line break";
  }
  return {};
}

std::string quoted_briefly(std::string_view text) {
  std::string clean(text.substr(0, kQuotedMax));
  for (char& byte : clean) {
    if (!is_graphic(byte) && byte != ' ') byte = '?';
  }
  return clean;
}

sys::Result<Credentials> parse_credentials_document(std::string_view body,
                                                    std::string_view origin) {
  static constexpr std::string_view kNames[] = {
      "Code", "Message", "AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
  const std::string sender(origin);
  const sys::Result<JsonDocument> document = JsonDocument::parse(body, kNames);
  if (!document.ok() || !document->root().is_object()) {
    return sys::Error{sender + " did not answer with a JSON object of credentials"};
  }
  const JsonValue root = document->root();
  const std::string_view code = root.member("Code").text();
  if (!code.empty() && code != "Success") {
    return sys::Error{sender + " has no credentials: " + quoted_briefly(code) + " " +
                      quoted_briefly(root.member("Message").text())};
  }
  Credentials credentials;
  credentials.access_key_id = root.member("AccessKeyId").text();
  credentials.secret_access_key = Secret(std::string(root.member("SecretAccessKey").text()));
  credentials.session_token = Secret(std::string(root.member("Token").text()));
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return sys::Error{sender + " answered without AccessKeyId and SecretAccessKey"};
  }
  if (const std::string problem = unusable_part(credentials); !problem.empty()) {
    return sys::Error{sender + " gave unusable credentials: " + problem};
  }
  const JsonValue expiration = root.member("Expiration");
  if (!expiration.is_nothing()) {
    credentials.expiry = parse_iso_timestamp(expiration.text());
    if (!credentials.expiry) {
      return sys::Error{sender + " gave an Expiration that is not an ISO 8601 time"};
    }
  }
  return credentials;
}

}  // namespace kite::aws
