#include "proxy/zone_shares.h"

namespace kite::proxy {

namespace {

/// The weight above an even part, times the number of zones, so that all stays whole.
uint64_t excess(const ZoneCapacity& zone, uint64_t total_weight, uint64_t zones) {
  const uint64_t scaled = uint64_t{zone.weight} * zones;
  return scaled > total_weight ? scaled - total_weight : 0;
}

}  // namespace

std::vector<uint32_t> zone_shares(std::span<const ZoneCapacity> zones, size_t own_zone) {
  if (zones.size() < 2 || own_zone >= zones.size()) return {};
  uint64_t backends = 0;
  uint64_t weight = 0;
  for (const ZoneCapacity& zone : zones) {
    backends += zone.backends;
    weight += zone.weight;
  }
  if (backends < kZoneAwareBackendsMin || zones[own_zone].weight == 0) return {};
  std::vector<uint32_t> shares(zones.size());
  const uint64_t own = uint64_t{zones[own_zone].weight} * zones.size();
  if (own >= weight) {
    shares[own_zone] = kAllShares;
    return shares;
  }
  const auto own_share = static_cast<uint32_t>(own * kAllShares / weight);
  // What the own zone lacks, the others have too much of, so this is not zero.
  uint64_t excess_total = 0;
  for (const ZoneCapacity& zone : zones) excess_total += excess(zone, weight, zones.size());
  const uint64_t rest = kAllShares - own_share;
  size_t largest = 0;
  uint32_t given = own_share;
  for (size_t i = 0; i < zones.size(); ++i) {
    const uint64_t share = rest * excess(zones[i], weight, zones.size()) / excess_total;
    shares[i] = static_cast<uint32_t>(share);
    given += shares[i];
    if (shares[i] > shares[largest]) largest = i;
  }
  shares[own_zone] = own_share;  // its excess was zero
  shares[largest] += kAllShares - given;
  return shares;
}

}  // namespace kite::proxy
