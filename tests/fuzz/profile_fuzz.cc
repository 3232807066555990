#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "aws/profile_file.h"
#include "aws/profile_plan.h"
#include "sys/check.h"

namespace {

using namespace kite::aws;

void check_sentence(const std::string& sentence) {
  KITE_CHECK(sentence.size() < 600, "sentences are bounded");
  for (const char c : sentence) KITE_CHECK(c >= ' ' && c < 0x7f, "sentences are one line of ASCII");
}

void check_part(const std::string& part) {
  for (const char c : part) KITE_CHECK(c > ' ' && c < 0x7f, "header lines stay whole");
}

void check_plan(const ProfilePlan& plan) {
  KITE_CHECK(plan.roles.size() <= kRoleChainMax, "chains of roles are bounded");
  for (const RoleOrder& role : plan.roles) KITE_CHECK(unusable_part(role).empty(), "usable roles");
  if (plan.base == ProfilePlan::Base::keys) {
    KITE_CHECK(!plan.keys.access_key_id.empty(), "keys that are taken are whole");
    check_part(plan.keys.access_key_id);
    check_part(plan.keys.secret_access_key.reveal());
    check_part(plan.keys.session_token.reveal());
  }
  if (plan.base == ProfilePlan::Base::web_identity) {
    KITE_CHECK(unusable_part(plan.web_identity.role).empty(), "usable roles");
  }
}

}  // namespace

/// Two files, separated by a NUL byte: config, credentials.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t middle = std::min(text.find('\0'), text.size());
  ProfileSet set;
  const auto config = set.add(ProfileFileKind::config, text.substr(0, middle), "config");
  const auto credentials = set.add(ProfileFileKind::credentials,
                                   text.substr(std::min(middle + 1, text.size())), "credentials");
  if (!config.ok()) check_sentence(config.error().message);
  if (!credentials.ok()) check_sentence(credentials.error().message);
  for (const char* name : {"default", "a", "b"}) {
    const auto plan = plan_profile(set, name);
    if (!plan.ok()) {
      check_sentence(plan.error().message);
    } else if (plan->has_value()) {
      check_plan(**plan);
    }
    set.services(name);
  }
  return 0;
}
