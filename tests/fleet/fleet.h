#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "event/reactor.h"
#include "sys/log.h"
#include "sys/random.h"
#include "tests/fleet/cloud.h"
#include "tests/fleet/cluster.h"
#include "tests/fleet/fleet_kite.h"
#include "tests/support/manual_clock.h"

namespace kite::fleet {

/// What is played. Seconds count from the start of the first kite.
struct Scenario {
  uint64_t seed = 1;
  size_t kites = 150;
  size_t services = 1;
  size_t targets = 1;        ///< of each kite: so many services
  size_t share = 1;          ///< 0: they share no calls
  size_t cloud_map = 0;      ///< 1: Cloud Map is asked, not ECS
  size_t tasks = 20;         ///< of each service
  double start_within = 20;  ///< all kites start in these seconds
  double seconds = 600;
  double measure_from = 300;  ///< gaps between polls count from here on
  double replace_every = 0;   ///< seconds between two replaced tasks of a service; 0: never
  double start_every = 0;     ///< seconds between two further tasks, each in some service; 0: never
  double deploy_at = 0;       ///< a fifth of the services replace a task every 5 s from here on
  double outage_from = 0;
  double outage_until = 0;
  TokenBucket::Size bucket;
  double discoveries_per_second = 1000;  ///< Cloud Map; three times as many revisions
};

/// A fleet of kites and the cloud they share, on one reactor and one clock that jumps from event to
/// event. The same scenario always plays the same.
class Fleet {
 public:
  explicit Fleet(const Scenario& scenario);
  void play();
  /// One JSON object: totals, counts of each second, gaps, delays.
  std::string report() const;

 private:
  /// Something that the world does again and again.
  class Event {
   public:
    Event(event::Reactor& reactor, std::function<double()> act);
    void start(double seconds_from_now);

   private:
    void on_due();
    event::Reactor& reactor_;
    std::function<double()> act_;  ///< returns the seconds until the next time; 0 ends it
    event::Timer timer_;
  };

  void every(double first, std::function<double()> act);
  void plan();
  void replace_task(size_t service);
  std::vector<std::string> serving_tasks(const FleetKite& kite) const;
  static bool keeps(const FleetKite& kite, const std::vector<std::string>& tasks);
  void run_turns();

  const Scenario scenario_;
  testing::ManualClock clock_;
  const sys::SteadyTime start_;
  event::Reactor reactor_{clock_};
  sys::SeededRandom random_;
  Cluster cluster_;
  Cloud cloud_;
  struct Silence final : sys::LogSink {
    bool write_line(std::string_view line) override { return !line.empty(); }
  } silence_;
  sys::Logger logger_;
  std::vector<Arrival> arrivals_;
  std::vector<std::unique_ptr<FleetKite>> kites_;
  std::vector<std::unique_ptr<Event>> events_;
  std::vector<std::vector<std::string>> serving_before_outage_;  ///< of each kite
  size_t kept_in_outage_ = 0;
};

}  // namespace kite::fleet
