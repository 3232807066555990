#pragma once

#include <optional>
#include <span>

#include "snapshot/snapshot.h"
#include "sys/endpoint.h"
#include "sys/random.h"

namespace kite::proxy {

/// Chooses the backend of one connection.
class Balancer {
 public:
  virtual ~Balancer() = default;
  /// An index into `port.backends` whose endpoint is not in `tried`; none if all were tried.
  virtual std::optional<size_t> pick(const snapshot::PortBackends& port,
                                     std::span<const sys::Endpoint> tried) = 0;
};

/// Uniformly random, as the original was meant to be.
/// Lifetime:  the random source outlives it.
class RandomBalancer final : public Balancer {
 public:
  explicit RandomBalancer(sys::Random& random) : random_(random) {}
  std::optional<size_t> pick(const snapshot::PortBackends& port,
                             std::span<const sys::Endpoint> tried) override;

 private:
  sys::Random& random_;
};

}  // namespace kite::proxy
