#include "aws/instance_credentials.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "aws/credentials_document.h"

namespace kite::aws {

namespace {

constexpr const char* kRoles = "/latest/meta-data/iam/security-credentials/";
constexpr size_t kRoleNameMax = 64;  // IAM, "IAM and AWS STS quotas"

bool is_role_byte(char byte) {
  return std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
         std::string_view("_+=,.@-").find(byte) != std::string_view::npos;
}

}  // namespace

sys::Result<std::string> parse_role_list(std::string_view body) {
  const std::string_view role = body.substr(0, body.find_first_of("\r\n"));
  if (role.empty() || role.size() > kRoleNameMax ||
      !std::all_of(role.begin(), role.end(), is_role_byte)) {
    return sys::Error{"the instance metadata service named no usable role"};
  }
  return std::string(role);
}

class InstanceCredentials::Fetch final : public Call {
 public:
  Fetch(InstanceMetadata& metadata, std::string name, OnCredentials on_credentials)
      : metadata_(metadata), name_(std::move(name)), on_credentials_(std::move(on_credentials)) {
    call_ = metadata_.get(kRoles,
                          [this](const sys::Result<http::Response>& answer) { on_roles(answer); });
  }

 private:
  void on_roles(const sys::Result<http::Response>& answer) {
    if (!answer.ok()) return finish(answer.error());
    if (answer->status == 404) {
      return finish(
          sys::Error{"the instance has no role (its metadata service answers 404); give "
                     "the task a taskRoleArn or the instance an instance profile"});
    }
    const sys::Result<std::string> role = parse_role_list(answer->body);
    if (!role.ok()) return finish(role.error());
    call_ = metadata_.get(
        kRoles + *role.operator->(),
        [this](const sys::Result<http::Response>& document) { on_document(document); });
  }

  void on_document(const sys::Result<http::Response>& answer) {
    if (!answer.ok()) return finish(answer.error());
    if (answer->status == 404) {
      return finish(sys::Error{"the instance's role vanished while its keys were asked for"});
    }
    finish(parse_credentials_document(answer->body, "the " + name_));
  }

  void finish(sys::Result<Credentials> credentials) {
    const OnCredentials on_credentials = std::move(on_credentials_);
    on_credentials(std::move(credentials));  // last statement: may destroy *this
  }

  InstanceMetadata& metadata_;
  std::string name_;
  OnCredentials on_credentials_;
  std::unique_ptr<Call> call_;
};

std::unique_ptr<Call> InstanceCredentials::fetch(OnCredentials on_credentials) {
  return std::make_unique<Fetch>(metadata_, name(), std::move(on_credentials));
}

}  // namespace kite::aws
