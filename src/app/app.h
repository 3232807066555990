#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "app/aws_access.h"
#include "app/lifecycle.h"
#include "app/upstream.h"
#include "aws/credentials_cache.h"
#include "aws/instance_metadata.h"
#include "aws/region.h"
#include "aws/task_metadata.h"
#include "cli/config.h"
#include "event/reactor.h"
#include "http/curl_client.h"
#include "proxy/connection_budget.h"
#include "proxy/relay.h"
#include "sys/clock.h"
#include "sys/environment.h"
#include "sys/log.h"
#include "sys/pipe.h"
#include "sys/random.h"

namespace kite::app {

/// The running program: builds every object in dependency order and owns them all.
/// Thread:    one, the caller's; run() blocks it.
class App {
 public:
  App(const cli::Config& config, const sys::Environment& environment,
      const aws::InstanceMetadataPlan& metadata_plan);
  ~App();

  /// Serves until a signal ends it. Returns the exit code: 0, or 1 when it could not start.
  int run();

 private:
  struct DescriptorBudget;

  App(const cli::Config& config, const sys::Environment& environment,
      const aws::InstanceMetadataPlan& metadata_plan, const DescriptorBudget& budget);

  void find_region();
  void on_region(const sys::Result<aws::Region>& region);
  void start_discovery(const std::string& region);
  /// How the loop fared, in one line.
  void log_end();
  void fail(const std::string& message);
  void stop();
  void on_poll_request();
  void on_trim_due();

  /// A cycle's last objects are destroyed, and its connections have settled, by then.
  static constexpr std::chrono::milliseconds kTrimAfterCycle{500};

  const cli::Config config_;
  const sys::Environment environment_;
  int exit_code_ = 0;
  sys::SystemClock clock_;
  sys::StderrSink stderr_;
  sys::Logger log_;
  sys::SeededRandom random_;
  // Before the reactor: retired tunnels give their pipes back when it dies.
  sys::PipePool pipes_;
  std::array<std::byte, 64 * 1024> copy_buffer_;
  proxy::RelayResources relay_resources_;
  event::Reactor reactor_;
  event::Timer trim_timer_;
  proxy::ConnectionBudget connection_budget_;
  http::CurlClient http_;
  aws::InstanceMetadata instance_metadata_;
  aws::TaskMetadataEndpoint task_metadata_;
  aws::CredentialsCache credentials_;
  aws::RegionFinder region_finder_;
  std::unique_ptr<aws::Call> region_call_;
  std::unique_ptr<AwsAccess> aws_;  // from when the region is known
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  Lifecycle lifecycle_;
};

}  // namespace kite::app
