#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/admin_stats.h"
#include "aws/api_stats.h"
#include "discovery/discovery_stats.h"
#include "event/reactor.h"
#include "proxy/backend_stats.h"
#include "proxy/proxy_stats.h"
#include "snapshot/snapshot.h"
#include "sys/clock.h"
#include "sys/process.h"

namespace kite::admin {

/// A backend, with what only AWS knows of it.
struct BackendRow : proxy::BackendView {
  std::string health;  ///< HEALTHY, UNHEALTHY or UNKNOWN; empty when AWS has not told
};

/// One target at one moment.
struct TargetView {
  std::string name;  ///< "service/orders/app"
  std::string cluster;
  snapshot::SnapshotPtr snapshot;       ///< null while nothing is known
  std::vector<proxy::PortStats> ports;  ///< the open ones
  std::vector<BackendRow> backends;     ///< of the snapshot and leaving; the first so many
  size_t backends_total = 0;            ///< so many there are
  size_t backends_given = 0;            ///< so many are given connections
  /// Ejections so far, by container port, of those that are served.
  std::map<uint16_t, uint64_t> ejections_total;
  proxy::ProxyStats proxy;  ///< of all ports, those that closed included
  discovery::DiscoveryStats discovery;
};

/// How the calls to one AWS service fare.
struct ServiceView {
  std::string_view name;  ///< "ecs"
  aws::ApiStats calls;
  uint64_t attempts_total = 0;
  uint64_t throttled_attempts_total = 0;
  uint64_t retry_quota = 0;  ///< what is left of it
};

struct CredentialsView {
  std::string source;
  bool at_hand = false;
  std::optional<sys::WallTime> expiry;  ///< absent: none at hand, or they do not expire
  uint64_t fetches_total = 0;
  uint64_t failures_total = 0;
};

struct PipesView {
  uint64_t lent = 0;
  uint64_t idle = 0;
  uint64_t created_total = 0;
  uint64_t refused_total = 0;
};

/// Everything that the admin pages show, at one moment: plain values, gathered for one page.
struct View {
  std::string_view version;
  sys::SteadyTime now;
  sys::WallTime wall_now;
  sys::SteadyTime started;
  bool draining = false;  ///< a signal came: nobody should rely on this kite any more
  std::vector<TargetView> targets;
  std::vector<ServiceView> services;  ///< empty until the region is known
  std::string region;
  CredentialsView credentials;
  uint64_t connections = 0;
  uint64_t connections_max = 0;
  PipesView pipes;
  proxy::BackendTableStats ejections;
  sys::ProcessUsage process;
  event::Reactor::Stats reactor;
  AdminStats admin;
  uint64_t log_lines_suppressed_total = 0;
  uint64_t access_log_lines_dropped_total = 0;
};

/// More backends than this, of all targets together, are counted, not shown: a page must not hold
/// up traffic, nor take much memory.
inline constexpr size_t kBackendsShownMax = 1000;

/// What a view tells of the backends.
enum class BackendDetail : uint8_t {
  counted,      ///< no rows
  listed,       ///< rows without what AWS tells of their health
  with_health,  ///< which is looked up for each
};

/// Who can tell.
class ViewSource {
 public:
  virtual ~ViewSource() = default;
  virtual View view(BackendDetail detail) const = 0;
};

}  // namespace kite::admin
