#include "aws/credentials_chain.h"

#include <optional>
#include <string>
#include <utility>

#include "aws/call_later.h"
#include "aws/container_credentials.h"
#include "aws/credentials_document.h"
#include "aws/instance_credentials.h"

namespace kite::aws {

namespace {

using Answer = sys::Result<Credentials>;

/// Always the same answer: keys from the environment, or why there are none.
class FixedCredentials final : public CredentialsProvider {
 public:
  FixedCredentials(http::Client& client, std::string name, Answer answer)
      : client_(client), name_(std::move(name)), answer_(std::move(answer)) {}

  std::string name() const override { return name_; }
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override {
    return call_later(client_, [on_credentials = std::move(on_credentials), answer = answer_] {
      on_credentials(answer);
    });
  }

 private:
  http::Client& client_;
  std::string name_;
  Answer answer_;
};

/// Nothing when neither key is set; one without the other is a mistake worth naming.
std::optional<Answer> from_environment(const sys::Environment& environment) {
  const auto key_id = environment.get_non_empty("AWS_ACCESS_KEY_ID");
  const auto secret = environment.get_non_empty("AWS_SECRET_ACCESS_KEY");
  if (!key_id && !secret) return std::nullopt;
  if (!key_id || !secret) {
    return sys::Error{"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must both be set, or neither"};
  }
  auto token = environment.get_non_empty("AWS_SESSION_TOKEN");
  if (!token) token = environment.get_non_empty("AWS_SECURITY_TOKEN");  // its name before 2014
  Credentials credentials;
  credentials.access_key_id = *key_id;
  credentials.secret_access_key = Secret(*secret);
  credentials.session_token = Secret(token.value_or(""));
  if (const std::string problem = unusable_part(credentials); !problem.empty()) {
    return sys::Error{"the AWS keys in the environment cannot be used: " + problem};
  }
  return credentials;
}

/// Sources that rank before the container endpoint and that this build does not have: saying so
/// beats using another identity than the one asked for.
std::optional<sys::Error> unsupported(const sys::Environment& environment) {
  for (const char* variable :
       {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (!environment.get_non_empty(variable)) continue;
    return sys::Error{std::string(variable) +
                      " is set, but this build reads credentials only from AWS_ACCESS_KEY_ID, a "
                      "container endpoint or an instance role; unset it to use one of those"};
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<CredentialsProvider> choose_credentials(const sys::Environment& environment,
                                                        http::Client& client,
                                                        InstanceMetadata& instance_metadata) {
  const auto fixed = [&client](std::string name, Answer answer) {
    return std::make_unique<FixedCredentials>(client, std::move(name), std::move(answer));
  };
  if (std::optional<Answer> keys = from_environment(environment)) {
    return fixed("environment variables", *std::move(keys));
  }
  if (std::optional<sys::Error> error = unsupported(environment)) {
    return fixed("profile or web identity", *std::move(error));
  }
  sys::Result<std::optional<ContainerEndpoint>> endpoint = plan_container_endpoint(environment);
  if (!endpoint.ok()) return fixed("container endpoint", endpoint.error());
  if (endpoint->has_value()) {
    return std::make_unique<ContainerCredentials>(client, **std::move(endpoint));
  }
  if (instance_metadata.disabled()) {
    return fixed("none", sys::Error{"no AWS credentials: give the task a taskRoleArn, or set "
                                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (the instance "
                                    "role is switched off by AWS_EC2_METADATA_DISABLED)"});
  }
  return std::make_unique<InstanceCredentials>(instance_metadata);
}

}  // namespace kite::aws
