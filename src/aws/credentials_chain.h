#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/credentials_provider.h"
#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "aws/sts_wire.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::aws {

/// What providers are built from; all of it outlives them.
struct ProviderParts {
  const Settings& settings;
  std::string region;  ///< whose STS is asked
  http::Client& client;
  InstanceMetadata& instance_metadata;
  const sys::Clock& clock;
  sys::Random& random;
  sys::Logger& log;
};

/// Picks the provider that is configured, in the order the SDKs agree on: keys in variables, web
/// identity, profile, container endpoint, instance role. The first one configured is the only one
/// asked: falling through would sign with keys the operator did not mean. With `role` that role is
/// assumed with what was found. What is configured wrongly becomes a provider whose every fetch is
/// the error that says so. Never null.
/// Source:    "Standardized credential providers" in the AWS SDKs and Tools guide.
std::unique_ptr<CredentialsProvider> choose_credentials(const ProviderParts& parts,
                                                        const std::optional<RoleOrder>& role = {});

/// The role that `arn` (empty: none) and `external_id` order; AWS_ROLE_SESSION_NAME names the
/// session. Pure.
std::optional<RoleOrder> order_role(const std::string& arn, const std::string& external_id,
                                    const sys::Environment& environment);

}  // namespace kite::aws
