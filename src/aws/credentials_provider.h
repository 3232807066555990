#pragma once

#include <memory>
#include <string>

#include "aws/call_error.h"
#include "aws/credentials.h"

namespace kite::aws {

/// One place credentials come from, without memory: each fetch asks anew.
/// Lifetime:  outlives the Calls it hands out.
/// Errors:    as CredentialsSource: one sentence, no secret.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;

  /// For logs and `check`: "container credentials of http://169.254.170.2".
  virtual std::string name() const = 0;
  /// Whether expired keys go on being used while no newer ones can be had, leaving the verdict to
  /// the service (instance roles: an outage of the metadata service must not take everything
  /// down).
  virtual bool keeps_expired() const { return false; }
  /// The callback is never called from within fetch().
  [[nodiscard]] virtual std::unique_ptr<Call> fetch(OnCredentials on_credentials) = 0;
};

}  // namespace kite::aws
