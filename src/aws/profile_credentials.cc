#include "aws/profile_credentials.h"

#include <utility>

#include "aws/call_later.h"

namespace kite::aws {

ProfileCredentials::ProfileCredentials(http::Client& client, SharedFiles files,
                                       BuildProvider build_provider)
    : client_(client), files_(std::move(files)), build_provider_(std::move(build_provider)) {}

sys::Result<ProfilePlan> ProfileCredentials::plan() const {
  const sys::Result<ProfileSet> set = read_shared_files(files_);
  if (!set.ok()) return set.error();
  sys::Result<std::optional<ProfilePlan>> plan = plan_profile(*set, files_.profile);
  if (!plan.ok()) return plan.error();
  if (plan->has_value()) return **std::move(plan);
  return sys::Error{"the profile " + files_.profile + " has no credentials any more"};
}

std::unique_ptr<Call> ProfileCredentials::fetch(OnCredentials on_credentials) {
  const sys::Result<ProfilePlan> plan_now = plan();
  if (!plan_now.ok()) {
    return call_later(client_, [on_credentials = std::move(on_credentials),
                                error = plan_now.error()] { on_credentials(error); });
  }
  if (built_plan_ != *plan_now) {
    retired_ = std::move(provider_);
    provider_ = build_provider_(*plan_now);
    built_plan_ = *plan_now;
  }
  return provider_->fetch(std::move(on_credentials));
}

}  // namespace kite::aws
