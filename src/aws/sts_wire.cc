#include "aws/sts_wire.h"

#include <utility>

#include "aws/credentials_document.h"
#include "aws/role_rules.h"
#include "aws/sigv4.h"
#include "aws/timestamp.h"
#include "aws/xml_reader.h"

namespace kite::aws {

namespace {

std::string role_body(const char* action, const RoleOrder& role) {
  std::string body = "Action=" + std::string(action) + "&Version=2011-06-15&RoleArn=";
  body += uri_encode(role.arn) + "&RoleSessionName=" + uri_encode(role.session_name);
  if (role.duration_s != 0) body += "&DurationSeconds=" + std::to_string(role.duration_s);
  return body;
}

class CredentialsVisitor final : public XmlVisitor {
 public:
  explicit CredentialsVisitor(std::string_view action) {
    path_ = std::string(action) + "Response/" + std::string(action) + "Result/Credentials";
  }

  void on_open(std::string_view) override {}
  void on_close(std::string_view path, std::string_view text) override {
    if (path.size() <= path_.size() || !path.starts_with(path_)) return;
    const std::string_view member = path.substr(path_.size());
    if (member == "/AccessKeyId") credentials.access_key_id = text;
    if (member == "/SecretAccessKey") credentials.secret_access_key = Secret(std::string(text));
    if (member == "/SessionToken") credentials.session_token = Secret(std::string(text));
    if (member == "/Expiration") credentials.expiry = parse_iso_timestamp(text);
  }

  Credentials credentials;

 private:
  std::string path_;
};

}  // namespace

std::string unusable_part(const RoleOrder& role) {
  if (!is_role_arn(role.arn)) {
    return "the role is not an ARN such as arn:aws:iam::111122223333:role/name";
  }
  if (!is_role_session_name(role.session_name)) {
    return "the role session name is not 2 to 64 letters, digits and _+=,.@-";
  }
  if (!role.external_id.empty() && !is_external_id(role.external_id)) {
    return "the external id is not 2 to 1224 letters, digits and _+=,.@:/-";
  }
  return {};
}

std::string assume_role_body(const RoleOrder& role) {
  std::string body = role_body(kAssumeRole, role);
  if (!role.external_id.empty()) body += "&ExternalId=" + uri_encode(role.external_id);
  return body;
}

std::string assume_role_with_web_identity_body(const RoleOrder& role, const Secret& token) {
  return role_body(kAssumeRoleWithWebIdentity, role) +
         "&WebIdentityToken=" + uri_encode(token.reveal());
}

sys::Result<Credentials> parse_assumed_role(std::string_view action, std::string_view body) {
  CredentialsVisitor visitor(action);
  const auto outcome = read_xml(body, visitor);
  if (!outcome.ok()) return outcome.error();
  const Credentials& credentials = visitor.credentials;
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() ||
      credentials.session_token.empty()) {
    return sys::Error{"the answer has no complete set of keys"};
  }
  if (!credentials.expiry) return sys::Error{"the answer has no Expiration that is a time"};
  if (const std::string problem = unusable_part(credentials); !problem.empty()) {
    return sys::Error{"the answer's keys cannot be used: " + problem};
  }
  return std::move(visitor.credentials);
}

}  // namespace kite::aws
