#pragma once

#include <utility>

#include "aws/cloud_map_calls.h"
#include "aws/credentials_provider.h"
#include "aws/ec2_calls.h"
#include "aws/ecs_calls.h"
#include "aws/signed_call.h"
#include "http/http_client.h"
#include "sys/clock.h"
#include "sys/random.h"

namespace kite::app {

/// The services of one region, for all targets: they share retry quota and clock offset.
/// Lifetime:  everything in Deps outlives it.
struct AwsAccess {
  struct Deps {
    http::Client& client;
    aws::CredentialsSource& credentials;
    const sys::Clock& clock;
    sys::Random& random;
  };

  AwsAccess(const Deps& deps, aws::SignedCaller::Target ecs_target,
            aws::SignedCaller::Target ec2_target, aws::SignedCaller::Target cloud_map_target)
      : ecs_caller(std::move(ecs_target), deps.client, deps.credentials, deps.clock, deps.random),
        ec2_caller(std::move(ec2_target), deps.client, deps.credentials, deps.clock, deps.random),
        cloud_map_caller(std::move(cloud_map_target), deps.client, deps.credentials, deps.clock,
                         deps.random),
        ecs(ecs_caller),
        ec2(ec2_caller),
        cloud_map(cloud_map_caller) {}

  aws::SignedCaller ecs_caller;
  aws::SignedCaller ec2_caller;
  aws::SignedCaller cloud_map_caller;
  aws::EcsCalls ecs;
  aws::Ec2Calls ec2;
  aws::CloudMapCalls cloud_map;
};

}  // namespace kite::app
