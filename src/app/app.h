#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "admin/admin_server.h"
#include "admin/admin_site.h"
#include "app/confinement.h"
#include "app/lifecycle.h"
#include "app/overview.h"
#include "app/upstream.h"
#include "aws/access.h"
#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "cli/config.h"
#include "discovery/siblings.h"
#include "event/reactor.h"
#include "http/curl_client.h"
#include "proxy/backend_table.h"
#include "proxy/bulk_reads.h"
#include "proxy/connection_budget.h"
#include "proxy/relay.h"
#include "snapshot/own_zone.h"
#include "sys/clock.h"
#include "sys/inherited_sockets.h"
#include "sys/log.h"
#include "sys/pipe.h"
#include "sys/random.h"

namespace kite::app {

/// The running program: builds every object in dependency order and owns them all.
/// Thread:    one, the caller's; run() blocks it.
class App {
 public:
  App(const cli::Config& config, const aws::Settings& settings,
      const aws::InstanceMetadataPlan& metadata_plan);
  ~App();

  /// Serves until a signal ends it. Returns the exit code: 0, or 1 when it could not start.
  int run();

 private:
  struct DescriptorBudget;

  App(const cli::Config& config, const aws::Settings& settings,
      const aws::InstanceMetadataPlan& metadata_plan, const DescriptorBudget& budget);

  /// False when the admin address that was given cannot be had; the exit code is then set. The
  /// default one may be another kite's: that is a warning.
  bool start_admin();
  void on_access(const sys::Result<sys::Done>& opened);
  void on_zone(const sys::Result<aws::Place>& zone);
  /// How the loop fared, in one line.
  void log_end();
  void fail(const std::string& message);
  void stop();
  void on_poll_request();
  Lifecycle::Activity activity() const;
  void begin_drain();
  /// Sockets that were passed on and that no target listens on, once that is known.
  void settle_inherited_sockets();
  void on_trim_due();
  void tell_refused_pipes();

  /// A cycle's last objects are destroyed, and its connections have settled, by then.
  static constexpr std::chrono::milliseconds kTrimAfterCycle{500};

  const cli::Config config_;
  const aws::Settings settings_;
  int exit_code_ = 0;
  sys::SystemClock clock_;
  sys::StderrSink stderr_;
  sys::InheritedSockets inherited_;
  sys::Logger log_;
  sys::SeededRandom random_;
  // Before the reactor: retired tunnels give their pipes back when it dies.
  sys::PipePool pipes_;
  std::array<std::byte, 64 * 1024> copy_buffer_;
  proxy::RelayResources relay_resources_;
  event::Reactor reactor_;
  proxy::BulkReads bulk_reads_;
  event::Timer trim_timer_;
  uint64_t refused_pipes_told_ = 0;
  sys::LogThrottle refused_pipes_log_{std::chrono::minutes(1)};
  proxy::ConnectionBudget connection_budget_;
  proxy::BackendTable backends_;
  snapshot::OwnZone own_zone_;
  http::CurlClient http_;
  aws::Access aws_;
  discovery::Siblings siblings_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  Overview overview_;
  admin::AdminSite admin_site_;
  admin::AdminServer admin_;
  Lifecycle lifecycle_;
  Confinement confinement_;
};

}  // namespace kite::app
