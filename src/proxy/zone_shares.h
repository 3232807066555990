#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kite::proxy {

/// What is healthy of a set in one zone.
struct ZoneCapacity {
  uint32_t backends = 0;  ///< given connections without restriction
  uint32_t weight = 0;    ///< of those, slow starters less than the others
};

/// Below so many healthy backends zones are not looked at: too few would carry too much.
constexpr uint32_t kZoneAwareBackendsMin = 6;
constexpr uint32_t kAllShares = 1U << 16;

/// How many of kAllShares each zone gets of our connections; empty when zones do not count. Pure.
///
/// The callers are taken to be spread evenly over the zones that have backends, as ECS spreads a
/// service's tasks; one zone's even part is then 1/zones. While the own zone has at least its even
/// part of the healthy weight it gets everything. With less it gets what it has over its even part
/// (20 % of the weight where 25 % were even: 80 % of the connections), and the rest goes to the
/// zones with more than their even part, in proportion to how much more. If every caller does so,
/// each backend of the set carries the same load, whatever its zone. DESIGN 43
/// Zones do not count with fewer than two zones, nothing healthy in the own zone, or fewer than
/// kZoneAwareBackendsMin healthy backends.
/// Source:    Envoy's documentation, "Zone aware routing", where the callers' spread is known.
std::vector<uint32_t> zone_shares(std::span<const ZoneCapacity> zones, size_t own_zone);

}  // namespace kite::proxy
