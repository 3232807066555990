#include "aws/credentials_chain.h"

#include <utility>

#include "aws/assumed_role.h"
#include "aws/container_credentials.h"
#include "aws/credentials_document.h"
#include "aws/endpoints.h"
#include "aws/fixed_credentials.h"
#include "aws/instance_credentials.h"
#include "aws/profile_credentials.h"
#include "aws/web_identity.h"

namespace kite::aws {

namespace {

using Answer = sys::Result<Credentials>;
using Provider = std::unique_ptr<CredentialsProvider>;

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

/// Builds each kind of provider from the same parts.
class Builder {
 public:
  explicit Builder(ProviderParts parts) : parts_(std::move(parts)) {}

  Provider choose() const {
    if (Provider keys = environment_keys()) return keys;
    const auto web_identity = plan_web_identity(environment());
    if (!web_identity.ok()) return fixed("web identity", web_identity.error());
    if (web_identity->has_value()) return build_web_identity(**web_identity);
    if (Provider profile = build_profile()) return profile;
    if (Provider endpoint = container()) return endpoint;
    return instance();
  }

  Provider assume(const RoleOrder& role, Provider base) const {
    const std::string problem = unusable_part(role);
    if (!problem.empty()) return fixed("role " + role.arn, sys::Error{problem});
    auto sts = resolve_endpoint(Service::sts, parts_.region, "", parts_.settings);
    if (!sts.ok()) return fixed("role " + role.arn, sts.error());
    const AssumedRole::Parts parts{parts_.client, parts_.clock, parts_.random, parts_.log};
    return std::make_unique<AssumedRole>(
        role, std::move(base), SignedCaller::Target{Service::sts, parts_.region, *std::move(sts)},
        parts);
  }

 private:
  const sys::Environment& environment() const { return parts_.settings.environment(); }

  Provider fixed(std::string name, Answer answer) const {
    return std::make_unique<FixedCredentials>(parts_.client, std::move(name), std::move(answer));
  }

  /// Null when there are none.
  Provider environment_keys() const {
    std::optional<Answer> keys = from_environment(environment());
    return keys ? fixed("environment variables", *std::move(keys)) : nullptr;
  }

  Provider build_web_identity(const WebIdentityOrder& order) const {
    auto sts = resolve_endpoint(Service::sts, parts_.region, "", parts_.settings);
    if (!sts.ok()) return fixed("web identity", sts.error());
    return std::make_unique<WebIdentityCredentials>(parts_.client, order, *std::move(sts));
  }

  /// Null when the profile says nothing of credentials. What it says wrongly may be put right while
  /// the program runs, so even then it is the one that is asked.
  Provider build_profile() const {
    SharedFiles files = locate_shared_files(environment());
    const sys::Result<ProfileSet> set = read_shared_files(files);
    if (set.ok()) {
      const auto plan = plan_profile(*set, files.profile);
      if (plan.ok() && !plan->has_value()) return nullptr;
    }
    return std::make_unique<ProfileCredentials>(
        parts_.client, std::move(files),
        [builder = *this](const ProfilePlan& plan) { return builder.build_plan(plan); });
  }

  Provider build_plan(const ProfilePlan& plan) const {
    Provider provider = build_base(plan);
    for (const RoleOrder& role : plan.roles) provider = assume(role, std::move(provider));
    return provider;
  }

  Provider build_base(const ProfilePlan& plan) const {
    Provider provider;
    switch (plan.base) {
      case ProfilePlan::Base::keys:
        return fixed("profile's keys", plan.keys);
      case ProfilePlan::Base::web_identity:
        return build_web_identity(plan.web_identity);
      case ProfilePlan::Base::environment:
        provider = environment_keys();
        if (provider != nullptr) return provider;
        return fixed("environment variables",
                     sys::Error{"credential_source is Environment, but AWS_ACCESS_KEY_ID and "
                                "AWS_SECRET_ACCESS_KEY are not set"});
      case ProfilePlan::Base::container:
        provider = container();
        if (provider != nullptr) return provider;
        return fixed(
            "container endpoint",
            sys::Error{"credential_source is EcsContainer, but the task has no taskRoleArn "
                       "(AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set)"});
      case ProfilePlan::Base::instance:
        return instance();
    }
    return provider;
  }

  /// Null when the environment names no endpoint.
  Provider container() const {
    sys::Result<std::optional<ContainerEndpoint>> endpoint = plan_container_endpoint(environment());
    if (!endpoint.ok()) return fixed("container endpoint", endpoint.error());
    if (!endpoint->has_value()) return nullptr;
    return std::make_unique<ContainerCredentials>(parts_.client, **std::move(endpoint));
  }

  Provider instance() const {
    if (!parts_.instance_metadata.disabled()) {
      return std::make_unique<InstanceCredentials>(parts_.instance_metadata);
    }
    return fixed("none", sys::Error{"no AWS credentials: give the task a taskRoleArn, or set "
                                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (the instance "
                                    "role is switched off by AWS_EC2_METADATA_DISABLED)"});
  }

  ProviderParts parts_;
};

}  // namespace

Provider choose_credentials(const ProviderParts& parts, const std::optional<RoleOrder>& role) {
  const Builder builder(parts);
  Provider provider = builder.choose();
  return role ? builder.assume(*role, std::move(provider)) : std::move(provider);
}

std::optional<RoleOrder> order_role(const std::string& arn, const std::string& external_id,
                                    const sys::Environment& environment) {
  if (arn.empty()) return std::nullopt;
  RoleOrder role;
  role.arn = arn;
  role.external_id = external_id;
  role.session_name = environment.get_non_empty("AWS_ROLE_SESSION_NAME").value_or(kRoleSessionName);
  return role;
}

}  // namespace kite::aws
