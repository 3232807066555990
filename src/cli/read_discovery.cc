#include <algorithm>
#include <string_view>

#include "aws/role_rules.h"
#include "cli/duration.h"
#include "cli/readers.h"
#include "cli/text_rules.h"
#include "sys/ascii.h"

namespace kite::cli {

namespace {

using std::chrono::milliseconds;

// Faster polling would not find changes sooner, only spend the account's API budget; slower than an
// hour is a kite that has gone blind.
constexpr milliseconds kPollMin{1000};
constexpr milliseconds kPollMax = std::chrono::hours(1);

Problem read_poll(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::poll);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value->text;
  const size_t dash = text.find('-', 1);
  if (text.empty() || dash == std::string_view::npos) {
    return wrong(*value, "give the shortest and the longest interval as low-high, " +
                             such_as(*value, "5s-20s"));
  }
  const DurationRule rule{kPollMin, kPollMax, "5s-20s"};
  PollRange range;
  if (auto problem = read_duration(*value, text.substr(0, dash), rule, range.low)) return problem;
  if (auto problem = read_duration(*value, text.substr(dash + 1), rule, range.high)) {
    return problem;
  }
  if (range.low > range.high) {
    return wrong(*value,
                 "the low end comes first, " +
                     such_as(*value, duration_text(range.high) + "-" + duration_text(range.low)));
  }
  config.poll = range;
  config.poll_given = true;
  return std::nullopt;
}

Problem read_cache(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::cache);
  if (value == nullptr) return std::nullopt;
  if (value->text.empty() || value->text.ends_with('/') ||
      std::ranges::any_of(value->text, sys::is_ascii_control)) {
    return wrong(*value, "give the path of a file, " + such_as(*value, "/var/lib/kite/backends"));
  }
  config.cache = value->text;
  return std::nullopt;
}

Problem read_region(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::region);
  if (value == nullptr) return std::nullopt;
  const std::string& text = value->text;
  if (!is_region_label(text)) {
    return wrong(
        *value, "a region has lower-case letters, digits and '-', " + such_as(*value, "eu-west-1"));
  }
  config.region = text;
  return std::nullopt;
}

Problem read_url(const RawValue* value, std::string& out) {
  if (value == nullptr) return std::nullopt;
  if (!is_endpoint_url(value->text)) {
    return wrong(*value, "give an http or https URL with a host, " +
                             such_as(*value, "https://ecs.eu-west-1.amazonaws.com"));
  }
  out = value->text;
  return std::nullopt;
}

Problem read_endpoints(const RawFlags& raw, Config& config) {
  if (auto problem = read_url(raw.last(FlagId::endpoint_ecs), config.endpoint_ecs)) return problem;
  return read_url(raw.last(FlagId::endpoint_ec2), config.endpoint_ec2);
}

Problem read_role(const RawFlags& raw, Config& config) {
  const RawValue* role = raw.last(FlagId::assume_role);
  const RawValue* external_id = raw.last(FlagId::external_id);
  if (role != nullptr) {
    if (!aws::is_role_arn(role->text)) {
      return wrong(*role, "give the ARN of a role, " +
                              such_as(*role, "arn:aws:iam::111122223333:role/name"));
    }
    config.assume_role = role->text;
  }
  if (external_id == nullptr) return std::nullopt;
  if (role == nullptr) {
    return wrong(*external_id, "it belongs to a role, so give -assume-role too");
  }
  if (!aws::is_external_id(external_id->text)) {
    return wrong(*external_id, "an external id has 2 to 1224 letters, digits and _+=,.@:/-");
  }
  config.external_id = external_id->text;
  return std::nullopt;
}

}  // namespace

Problem read_discovery(const RawFlags& raw, Config& config) {
  for (const auto step : {read_poll, read_cache, read_region, read_endpoints, read_role}) {
    if (auto problem = step(raw, config)) return problem;
  }
  return std::nullopt;
}

}  // namespace kite::cli
