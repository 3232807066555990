#pragma once

#include <cstdio>
#include <functional>
#include <optional>
#include <string>

#include "aws/access.h"
#include "aws/settings.h"
#include "cli/config.h"
#include "discovery/discovery_cycle.h"
#include "discovery/target.h"
#include "event/reactor.h"
#include "http/curl_client.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

namespace kite::cli {

/// Writes `text` as it is.
void print(std::FILE* stream, const std::string& text);

/// Says on stderr why a command could not do its work. Returns the exit code.
int fail_command(const sys::Error& error);

/// What discovery is to look for.
discovery::Target discovery_target(const TargetConfig& target);

/// What the flags say of the way to AWS.
aws::Access::Wishes aws_wishes(const Config& config);

/// From the environment: the CA bundle and the proxies.
http::CurlClient::Options http_options(const aws::Settings& settings);

/// What `list`, `check` and `wait` stand on: a loop and a way to AWS, without listeners.
/// Thread:    one, the caller's; every member that waits turns the loop meanwhile.
class OneShot {
 public:
  OneShot(const Config& config, const aws::Settings& settings,
          const aws::InstanceMetadataPlan& metadata_plan);

  using Until = std::optional<sys::SteadyTime>;  ///< absent: for as long as it takes

  /// Finds region, endpoints and credentials. The error is a sentence.
  std::optional<sys::Error> open(Until until = std::nullopt);
  /// One whole poll.
  discovery::CycleResult discover(const discovery::Target& target);
  /// The same, given up when the time is over: then nothing.
  std::optional<discovery::CycleResult> discover(const discovery::Target& target, Until until);
  /// Turns the loop until `done`, or until the time is over; without one for ever. False then.
  bool run_until(const std::function<bool()>& done, Until until = std::nullopt);

  event::Reactor& reactor() { return reactor_; }
  sys::Random& random() { return random_; }
  aws::Access& aws() { return aws_; }

 private:
  const aws::Settings settings_;
  sys::SystemClock clock_;
  sys::StderrSink stderr_;
  sys::Logger log_;
  sys::SeededRandom random_;
  event::Reactor reactor_;
  http::CurlClient http_;
  aws::Access aws_;
};

}  // namespace kite::cli
