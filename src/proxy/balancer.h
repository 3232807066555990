#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proxy/backend_set.h"
#include "proxy/backend_table.h"
#include "snapshot/own_zone.h"
#include "snapshot/snapshot.h"
#include "sys/endpoint.h"
#include "sys/random.h"
#include "sys/shared_text.h"

namespace kite::proxy {

/// How a backend is chosen among those that are given connections.
enum class BalanceWay : uint8_t {
  random,
  roundrobin,
  leastconn,  ///< the fewest connections of its task
  p2c,        ///< the less loaded of two random ones
};

/// Chooses the backend of each connection of one target.
/// Owns:      a set of backends for each container port; what is known of them is the table's.
/// Lifetime:  table and random source outlive it.
/// Thread:    reactor thread only.
class Balancer {
 public:
  struct Options {
    BalanceWay way = BalanceWay::random;
    const snapshot::OwnZone* own_zone = nullptr;  ///< null: zones do not count; else outlives us
    uint16_t target = 0;                          ///< its number, for operators
  };
  struct Choice {
    BackendId id = kNoBackend;
    sys::Endpoint endpoint;
    bool probe = false;  ///< an ejected backend's return depends on it
    bool operator==(const Choice&) const = default;
  };

  Balancer(BackendTable& table, sys::Random& random, const Options& options)
      : table_(table), random_(random), options_(options) {}

  /// Takes the snapshot's backends. Tasks of the first set with backends get their full share at
  /// once, later ones a growing one. May be called with the same snapshot again.
  void follow(const snapshot::SnapshotPtr& snapshot, sys::SteadyTime now);
  /// Whether anything serves the port.
  bool serves(uint16_t container_port) const;
  /// Whether the last set that was followed lists the backend, on whatever port. A task that took
  /// over an address is another backend.
  bool lists(BackendId id) const { return id < listed_.size() && listed_[id]; }
  /// A backend of the port whose endpoint is not in `tried`; none if all were tried. One that is
  /// ejected only if nothing else is left, or for its probe. The caller begins the connection.
  std::optional<Choice> pick(uint16_t container_port, std::span<const sys::Endpoint> tried,
                             sys::SteadyTime now);

  BackendTable& table() { return table_; }

 private:
  /// One choice under way.
  struct Draw {
    BackendSet& set;
    std::span<const sys::Endpoint> tried;
    sys::SteadyTime now;
    bool ramping = false;
  };
  using Position = std::optional<uint32_t>;  // of a member

  BackendSet* find(uint16_t container_port) const;
  void note_listed();
  Position due_for_probe(const Draw& draw);
  Position choose(const Draw& draw, BackendSet::Range& range);
  Position choose_random(const Draw& draw, const BackendSet::Range& range);
  Position choose_among_rest(const Draw& draw, const BackendSet::Range& range);
  Position choose_next(const Draw& draw, BackendSet::Range& range);
  Position choose_least_loaded(const Draw& draw, const BackendSet::Range& range);
  Position choose_of_two(const Draw& draw, const BackendSet::Range& range);
  Position choose_ejected(const Draw& draw);
  bool untried(const Draw& draw, uint32_t position) const;
  bool available(const Draw& draw, uint32_t position) const;
  uint32_t weight(const Draw& draw, uint32_t position) const;
  uint64_t relative_load(const Draw& draw, uint32_t position) const;

  BackendTable& table_;
  sys::Random& random_;
  const Options options_;
  std::vector<std::unique_ptr<BackendSet>> sets_;  // in the snapshot's order: by container port
  snapshot::SnapshotPtr followed_;
  sys::SharedText followed_zone_;
  std::vector<bool> listed_;  // by number
  bool had_backends_ = false;
};

}  // namespace kite::proxy
