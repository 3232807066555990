#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proxy/backend_table.h"
#include "proxy/zone_shares.h"
#include "snapshot/snapshot.h"
#include "sys/clock.h"
#include "sys/endpoint.h"
#include "sys/random.h"
#include "sys/shared_text.h"

namespace kite::proxy {

/// The backends of one container port of one target: places in the table, in the snapshot's order,
/// and what choices among them need again and again.
/// Owns:      a listing of each member in the table.
/// Lifetime:  the table outlives it.
/// Thread:    reactor thread only.
class BackendSet {
 public:
  struct Member {
    BackendId id = kNoBackend;
    uint32_t task = 0;
    uint32_t credit = 0;  ///< of a slow starter in round robin: what it has earned of a turn
  };
  /// Members side by side, and which of them is next in round robin.
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t next = 0;
    uint32_t size() const { return end - begin; }
  };

  BackendSet(BackendTable& table, BackendTable::Place place);
  BackendSet(const BackendSet&) = delete;
  BackendSet& operator=(const BackendSet&) = delete;
  ~BackendSet();

  /// Takes the members of `port`; `tasks` are the snapshot's as the table numbers them. Grouped by
  /// zone if `own_zone` is not empty. Round robin goes on where it was, and starts anywhere.
  void replace(const snapshot::PortBackends& port, std::span<const uint32_t> tasks,
               std::string_view own_zone, sys::Random& random);

  uint16_t container_port() const { return place_.container_port; }
  size_t size() const { return members_.size(); }
  std::span<Member> members() { return members_; }
  bool lists(BackendId id) const;
  size_t count_out() const;
  /// The one of those that are out whose time is over first. Requires that there is one.
  BackendId next_out() const;

  /// To be called before each choice: brings what follows up to date if health has changed.
  void refresh(sys::SteadyTime now);
  /// Positions of members that are ejected or being probed.
  std::span<const uint32_t> out() const { return out_; }
  /// From when one of them needs a look: due for its probe, or through with it.
  sys::SteadyTime next_look() const { return next_look_; }
  /// Whether shares still grow.
  bool ramping(sys::SteadyTime now) const { return now < ramp_end_; }
  /// Where to choose from: everywhere, or the zone that this connection goes to.
  Range& choose_range(sys::Random& random);
  Range& everywhere() { return all_; }
  /// Round robin has chosen a member of `range`.
  static void move_cursor(Range& range, uint32_t chosen);

 private:
  struct Zone {
    bool own = false;
    Range range;
  };
  /// Where round robin is in a range, in a form that a change of members leaves valid.
  struct Cursor {
    sys::SharedText zone;
    sys::Endpoint endpoint;
  };
  /// How long the shares of zones may lag behind slow starters.
  static constexpr std::chrono::milliseconds kSharesLag{250};

  void keep_credit(std::span<const Member> old);
  void group_by_zone(std::string_view own_zone);
  std::optional<Cursor> next_in(const Range& range) const;
  void place_cursor(Range& range, const std::optional<Cursor>& next, sys::Random& random);
  void weigh_zones(sys::SteadyTime now);

  BackendTable& table_;
  const BackendTable::Place place_;
  std::vector<Member> members_;
  Range all_;
  std::vector<Zone> zones_;  // empty unless they are looked at
  std::optional<uint64_t> epoch_seen_;
  sys::SteadyTime fresh_until_{};
  std::vector<uint32_t> out_;
  sys::SteadyTime next_look_{};
  sys::SteadyTime ramp_end_{};
  std::vector<uint32_t> shares_;  // by zone; empty while zones do not count
};

}  // namespace kite::proxy
