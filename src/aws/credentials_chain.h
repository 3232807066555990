#pragma once

#include <memory>

#include "aws/credentials_provider.h"
#include "aws/instance_metadata.h"
#include "http/http_client.h"
#include "sys/environment.h"

namespace kite::aws {

/// Picks the provider the environment configures, in the order the SDKs agree on: keys in
/// variables, web identity, profile, container endpoint, instance role. The first one configured
/// is the only one asked: falling through would sign with keys the operator did not mean.
/// What is configured wrongly, or not supported by this build, becomes a provider whose every
/// fetch is the error that says so. Never null.
/// Lifetime:  client and metadata outlive the provider.
/// Source:    "Standardized credential providers" in the AWS SDKs and Tools guide.
std::unique_ptr<CredentialsProvider> choose_credentials(const sys::Environment& environment,
                                                        http::Client& client,
                                                        InstanceMetadata& instance_metadata);

}  // namespace kite::aws
