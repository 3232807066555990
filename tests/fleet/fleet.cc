#include "tests/fleet/fleet.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace kite::fleet {

namespace {

sys::Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<sys::Duration>(std::chrono::duration<double>(seconds));
}

double to_seconds(sys::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Uniform in [0, most).
double some(sys::Random& random, double most) {
  return to_seconds(random.jitter(from_seconds(most)));
}

}  // namespace

Fleet::Event::Event(event::Reactor& reactor, std::function<double()> act)
    : reactor_(reactor),
      act_(std::move(act)),
      timer_(reactor.timers(), event::Timer::OnDue::to<&Event::on_due>(this)) {}

void Fleet::Event::start(double seconds_from_now) {
  timer_.start(reactor_.now() + from_seconds(seconds_from_now));
}

void Fleet::Event::on_due() {
  const double next = act_();
  if (next > 0) start(next);
}

Fleet::Fleet(const Scenario& scenario)
    : scenario_(scenario),
      start_(clock_.steady_now()),
      random_(scenario.seed),
      cluster_(scenario.services, scenario.tasks),
      cloud_(
          reactor_, cluster_, random_,
          {.bucket = scenario.bucket, .discoveries_per_second = scenario.discoveries_per_second}),
      logger_(clock_, silence_, {.level = sys::LogLevel::panic}) {
  plan();
}

void Fleet::every(double first, std::function<double()> act) {
  events_.push_back(std::make_unique<Event>(reactor_, std::move(act)));
  events_.back()->start(first);
}

void Fleet::plan() {
  const FleetKite::Deps deps{cloud_,
                             clock_,
                             logger_,
                             arrivals_,
                             start_ + from_seconds(scenario_.measure_from),
                             scenario_.cloud_map != 0,
                             scenario_.services,
                             scenario_.targets,
                             scenario_.share != 0};
  for (size_t i = 0; i < scenario_.kites; ++i) {
    kites_.push_back(std::make_unique<FleetKite>(deps, random_.next(), i % scenario_.services));
    every(some(random_, scenario_.start_within), [kite = kites_.back().get()] {
      kite->start();
      return 0.0;
    });
  }
  every(0.5, [this] {
    cloud_.call_from_outside();
    return 0.5 + some(random_, 1);
  });
  for (size_t service = 0; scenario_.replace_every > 0 && service < scenario_.services; ++service) {
    every(some(random_, scenario_.replace_every), [this, service] {
      replace_task(service);
      return 1e-3 + some(random_, 2 * scenario_.replace_every);
    });
  }
  if (scenario_.start_every > 0) {
    every(scenario_.measure_from + scenario_.start_every, [this] {
      const size_t service = random_.below(static_cast<uint32_t>(scenario_.services));
      arrivals_.push_back({service, cluster_.start_task(service), reactor_.now(), {}});
      return scenario_.start_every;
    });
  }
  const size_t deployed = std::max<size_t>(1, scenario_.services / 5);
  for (size_t service = 0; scenario_.deploy_at > 0 && service < deployed; ++service) {
    every(scenario_.deploy_at, [this, service, left = scenario_.tasks]() mutable {
      replace_task(service);
      return --left > 0 ? 5.0 : 0.0;
    });
  }
  if (scenario_.outage_until > 0) {
    every(scenario_.outage_from, [this] {
      cloud_.set_down(true);
      for (const auto& kite : kites_) serving_before_outage_.push_back(serving_tasks(*kite));
      return 0.0;
    });
    every(scenario_.outage_until, [this] {
      cloud_.set_down(false);
      for (size_t i = 0; i < kites_.size(); ++i) {
        if (keeps(*kites_[i], serving_before_outage_[i])) ++kept_in_outage_;
      }
      return 0.0;
    });
  }
}

/// Those of a kite's tasks that do run. An answer that is under way may still take the others away,
/// as it may add some.
std::vector<std::string> Fleet::serving_tasks(const FleetKite& kite) const {
  std::vector<std::string> running;
  if (kite.set() == nullptr) return running;
  for (const snapshot::BackendTask& task : kite.set()->tasks()) {
    if (cluster_.runs(kite.service(), task.id)) running.emplace_back(task.id.view());
  }
  return running;
}

bool Fleet::keeps(const FleetKite& kite, const std::vector<std::string>& tasks) {
  if (kite.backends() == 0) return false;
  const auto& now = kite.set()->tasks();
  return std::all_of(tasks.begin(), tasks.end(), [&](const std::string& id) {
    return std::any_of(now.begin(), now.end(), [&](const auto& task) { return task.id == id; });
  });
}

void Fleet::replace_task(size_t service) {
  cluster_.stop_task(service);
  arrivals_.push_back({service, cluster_.start_task(service), reactor_.now(), {}});
}

void Fleet::run_turns() {
  // A due timer, and what follows from it through continuations.
  for (int turn = 0; turn < 4; ++turn) reactor_.run_turn(sys::Duration::zero());
}

void Fleet::play() {
  const sys::SteadyTime end = start_ + from_seconds(scenario_.seconds);
  while (clock_.steady_now() < end) {  // ends: the world's own events go on for ever
    run_turns();
    const auto next = reactor_.timers().next_deadline();
    // In steps of at least a millisecond, which is what epoll can tell apart.
    clock_.advance(std::max<sys::Duration>(next.value_or(end) - clock_.steady_now(),
                                           std::chrono::milliseconds(1)));
  }
  for (const auto& kite : kites_) kite->close_gaps();
}

std::string Fleet::report() const {
  nlohmann::json report;
  for (const Counts& second : cloud_.seconds()) {
    report["calls"].push_back(second.calls);
    report["revisions"].push_back(second.revisions);
    report["throttled"].push_back(second.throttled);
    report["outside_calls"].push_back(second.outside_calls);
    report["outside_throttled"].push_back(second.outside_throttled);
  }
  report["other_throttled"] = cloud_.other_throttled();
  sys::Duration gaps{};
  uint64_t gap_count = 0;
  for (const auto& kite : kites_) {
    const auto first = kite->first_set_at();
    report["first_set_s"].push_back(first ? to_seconds(*first - start_) : -1);
    report["longest_gap_s"].push_back(to_seconds(kite->polls().longest()));
    report["oldest_description_s"].push_back(to_seconds(kite->descriptions().longest()));
    report["backends"].push_back(kite->backends());
    gaps += kite->polls().total();
    gap_count += kite->polls().count();
  }
  report["mean_gap_s"] = to_seconds(gaps) / static_cast<double>(std::max<uint64_t>(gap_count, 1));
  report["kept_in_outage"] = kept_in_outage_;
  report["heard"] = nlohmann::json::array();
  for (const Arrival& arrival : arrivals_) {
    nlohmann::json heard;
    heard["at_s"] = to_seconds(arrival.at - start_);
    heard["kites"] = arrival.heard_after.size();
    sys::Duration longest{};
    for (const sys::Duration delay : arrival.heard_after) longest = std::max(longest, delay);
    heard["longest_s"] = to_seconds(longest);
    report["heard"].push_back(std::move(heard));
  }
  return report.dump();
}

}  // namespace kite::fleet
