#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/credentials_provider.h"
#include "aws/endpoints.h"
#include "aws/sts_wire.h"
#include "http/http_client.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::aws {

/// A role for whoever can show a token of an identity provider (EKS service accounts, GitHub,
/// GitLab): STS AssumeRoleWithWebIdentity, which nobody signs.
/// Source:    "Assume role credential provider" in the AWS SDKs and Tools guide.

struct WebIdentityOrder {
  RoleOrder role;
  std::string token_file;  ///< read at every fetch: its owner renews it
  bool operator==(const WebIdentityOrder&) const = default;
};

/// What AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME order; nothing when the
/// first is not set. Pure.
sys::Result<std::optional<WebIdentityOrder>> plan_web_identity(const sys::Environment& environment);

class WebIdentityCredentials final : public CredentialsProvider {
 public:
  WebIdentityCredentials(http::Client& client, WebIdentityOrder order, ServiceEndpoint sts);

  std::string name() const override;
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  sys::Result<Secret> token() const;

  http::Client& client_;
  WebIdentityOrder order_;
  ServiceEndpoint sts_;
};

}  // namespace kite::aws
