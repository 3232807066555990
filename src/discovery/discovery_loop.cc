#include "discovery/discovery_loop.h"

#include <algorithm>
#include <utility>

#include "discovery/cloud_map_cycle.h"
#include "sys/check.h"

namespace kite::discovery {

static_assert(static_cast<size_t>(aws::ErrorClass::cancelled_by_deadline) + 1 ==
                  DiscoveryStats::kErrorClasses,
              "one counter for each class of error");
static_assert(DiscoveryStats::kExclusionReasons == kExclusionReasonCount,
              "one gauge for each reason");

namespace {

/// Who polls more often wants to hear of health sooner too; at the usual 5 s it is the usual 30 s.
DiscoveryCycle::Options keep_pace(DiscoveryCycle::Options cycle, sys::Duration poll_low) {
  constexpr int kPollsPerRound = 6;
  cycle.freshness.tasks = std::min(cycle.freshness.tasks, kPollsPerRound * poll_low);
  return cycle;
}

/// Whether trying again soon makes sense. The rest is for somebody to repair, which takes minutes.
bool may_pass_soon(aws::ErrorClass error_class) {
  switch (error_class) {
    case aws::ErrorClass::transient:
    case aws::ErrorClass::expired_credentials:
    case aws::ErrorClass::clock_skew:
    case aws::ErrorClass::not_found:
    case aws::ErrorClass::malformed_answer:
    case aws::ErrorClass::no_credentials:
    case aws::ErrorClass::cancelled_by_deadline:
      return true;
    case aws::ErrorClass::throttled:
    case aws::ErrorClass::bad_credentials:
    case aws::ErrorClass::denied:
    case aws::ErrorClass::invalid_request:
      return false;
  }
  return false;
}

bool is_refusal(PollOutcome outcome) {
  return outcome == PollOutcome::throttled || outcome == PollOutcome::refused ||
         outcome == PollOutcome::crowded_start;
}

}  // namespace

PollPacer::Range default_poll(const Target& target) {
  PollPacer::Range range;
  // With a tenth of jitter and two calls on their way, the rest until 15 s is for one late answer.
  if (!target.namespace_name.empty()) range.high = std::chrono::seconds(12);
  return range;
}

DiscoveryLoop::DiscoveryLoop(const Deps& deps, Options options)
    : reactor_(deps.reactor),
      ecs_(deps.ecs),
      ec2_(deps.ec2),
      cloud_map_(options.cycle.target.namespace_name.empty() ? nullptr : deps.cloud_map),
      cell_(deps.cell),
      cache_(deps.cache),
      siblings_(deps.siblings),
      cluster_(options.cycle.target.cluster),
      freshness_(keep_pace(options.cycle, options.poll.low).freshness.tasks),
      pacer_(options.poll, deps.random),
      log_(deps.logger, target_label(options.cycle.target)),
      timer_(deps.reactor.timers(), event::Timer::OnDue::to<&DiscoveryLoop::on_poll_due>(this)),
      source_(make_source(deps, std::move(options))) {
  for (size_t i = 0; i < stats_.call_errors.size(); ++i) {
    stats_.call_errors[i].name = aws::error_class_name(static_cast<aws::ErrorClass>(i));
  }
  for (size_t i = 0; i < stats_.excluded.size(); ++i) {
    stats_.excluded[i].name = reason_name(static_cast<ExclusionReason>(i));
  }
}

std::unique_ptr<DiscoverySource> DiscoveryLoop::make_source(const Deps& deps, Options options) {
  const auto on_done = DiscoverySource::OnDone::to<&DiscoveryLoop::on_cycle_done>(this);
  const auto on_news = Siblings::OnNews::to<&DiscoveryLoop::on_news>(this);
  DiscoveryCycle::Options cycle = keep_pace(std::move(options.cycle), options.poll.low);
  if (cycle.target.namespace_name.empty()) {
    return std::make_unique<DiscoveryCycle>(deps.reactor, deps.ecs, deps.ec2, inventory_,
                                            std::move(cycle), on_done,
                                            Sharing{deps.siblings, on_news});
  }
  KITE_CHECK(deps.cloud_map != nullptr, "a target of a namespace needs Cloud Map");
  return std::make_unique<CloudMapCycle>(
      deps.reactor, *deps.cloud_map,
      CloudMapCycle::Options{std::move(cycle.target), cycle.deadline, cycle.freshness.tasks},
      on_done);
}

void DiscoveryLoop::start() {
  if (cache_ != nullptr) remembered_ = cache_->load();
  begun_ = reactor_.now();
  stats_.poll_interval = pacer_.interval();
  const sys::Duration delay = pacer_.first_delay();
  const bool shares = siblings_ != nullptr && cloud_map_ == nullptr;
  list_due_ =
      shares ? siblings_->first_poll(cluster_, reactor_.now(), delay) : reactor_.now() + delay;
  start_timer(list_due_);
}

void DiscoveryLoop::on_news(News news) {
  if (!timer_.armed()) {  // in a cycle, which sees at its end what is known by then
    refusal_heard_ = refusal_heard_ || news == News::throttled;
    return;
  }
  switch (news) {
    case News::renewed:
      if (many_rounds_ || round_due_ == sys::SteadyTime::max()) return;
      if (const auto oldest = inventory_.oldest_description(); oldest.has_value()) {
        round_due_ = std::max(round_due_, *oldest + pacer_.round_delay(freshness_));
      }
      return start_timer(next_due());
    case News::told:
      // What AWS has told this target itself decides about its first set.
      if (cell_.current() == nullptr || stats_.from_cache) return;
      told_ = true;
      return start_timer(reactor_.now());
    case News::listed:
      list_given_ = true;
      return start_timer(reactor_.now());
    case News::throttled:
      return slow_down();
  }
}

void DiscoveryLoop::slow_down() {
  // Each refusal counts once for whoever met it; the others only leave the usual pace. Who has no
  // set yet has clients that wait.
  if (pacer_.throttled() || cell_.current() == nullptr) return;
  list_due_ = std::max(list_due_, reactor_.now() + pacer_.hear_refusal());
  round_due_ = std::max(round_due_, list_due_);
  stats_.throttled = true;
  stats_.poll_interval = pacer_.interval();
  start_timer(next_due());
}

bool DiscoveryLoop::poll_soon() {
  pacer_.note_hint();
  if (pacer_.throttled()) {
    ++stats_.early_polls_refused;
    return false;
  }
  if (!timer_.armed()) {
    poll_again_ = true;
    return true;
  }
  const sys::SteadyTime soon = early_start();
  if (soon < list_due_) {
    ++stats_.early_polls;
    list_due_ = soon;
    start_timer(std::min(list_due_, timer_.deadline()));
  }
  return true;
}

sys::SteadyTime DiscoveryLoop::early_start() const {
  return std::max(reactor_.now(), poll_started_ + pacer_.early_gap());
}

void DiscoveryLoop::on_poll_due() {
  poll_started_ = reactor_.now();
  poll_again_ = false;
  kind_ = choose_kind();
  if (lists(kind_)) pacer_.note_start();
  had_set_ = cell_.current() != nullptr;
  throttled_before_ = throttled_attempts();
  ++stats_.cycles_started;
  stats_.polling = true;
  stats_.next_poll.reset();
  source_->start({.kind = kind_,
                  .next_poll_within = pacer_.longest_calm_delay(),
                  .hinted = lists(kind_) && pacer_.poll_hinted()});
}

sys::SteadyTime DiscoveryLoop::next_due() const {
  return pacer_.throttled() ? list_due_ : std::min(list_due_, round_due_);
}

PollKind DiscoveryLoop::choose_kind() {
  const sys::SteadyTime now = reactor_.now();
  const bool told = std::exchange(told_, false);
  const bool list_given = std::exchange(list_given_, false);
  if (list_given) {
    if (many_rounds_ || pacer_.throttled()) return PollKind::listing;
    return round_due_ > now ? PollKind::listing : PollKind::both;
  }
  if (told && next_due() > now) return PollKind::told;
  if (unfinished_ && now < listed_at_ + kListAgeMax) return PollKind::round;
  if (pacer_.throttled()) {
    const bool round = round_due_ <= now && listings_since_round_ >= kListingsPerRound;
    return round ? PollKind::round : PollKind::listing;
  }
  if (list_due_ > now) return PollKind::round;
  // Where a listing is many calls a round waits for its end, so that no poll is dearer than that.
  if (many_rounds_) return PollKind::listing;
  return round_due_ > now + round_ahead_ ? PollKind::listing : PollKind::both;
}

uint64_t DiscoveryLoop::throttled_attempts() const {
  // Each service has a budget of its own: what ECS refuses to another target is no news of it.
  if (cloud_map_ != nullptr) return cloud_map_->throttled_attempts();
  return ecs_.throttled_attempts() + ec2_.throttled_attempts();
}

void DiscoveryLoop::on_cycle_done(const CycleResult& result) {
  const snapshot::SnapshotPtr before = cell_.current();
  const snapshot::SnapshotPtr now = choose_set(result);
  const bool set_changed = now != before;
  count(result, set_changed);
  if (result.listing != Listing::failed) exclusions_ = result.exclusions;
  if (asked_itself(result)) {
    log_.on_cycle(result, before.get(), now.get());
  } else {
    log_.on_told(result, before.get(), now.get());
  }
  const PollOutcome outcome = judge(result, set_changed);
  if (now != nullptr) cell_.publish(now);
  save(result, set_changed);
  schedule_next(outcome, result);
  if (is_refusal(outcome)) source_->tell_throttling();
  if (std::exchange(refusal_heard_, false)) slow_down();
}

snapshot::SnapshotPtr DiscoveryLoop::choose_set(const CycleResult& result) {
  const snapshot::SnapshotPtr& current = cell_.current();
  if (current != nullptr && !stats_.from_cache) {
    if (result.snapshot == nullptr || current == result.snapshot) return current;
    if (!may_end_with(result)) return current;
    return *current == *result.snapshot ? current : result.snapshot;
  }
  if (may_begin_with(result)) {
    if (stats_.from_cache) log_.on_cache_left();
    stats_.from_cache = false;
    remembered_.reset();
    const bool same = current != nullptr && *current == *result.snapshot;
    return same ? current : result.snapshot;
  }
  if (remembered_ == nullptr || remembered_->backend_count() == 0) return current;
  stats_.from_cache = true;
  log_.on_cache_used(*remembered_, cache_->age());
  return std::exchange(remembered_, nullptr);
}

bool DiscoveryLoop::may_begin_with(const CycleResult& result) {
  empty_lists_ =
      result.listing == Listing::complete && result.tasks_listed == 0 ? empty_lists_ + 1 : 0;
  if (result.snapshot == nullptr) return false;
  // What an earlier run knew needs the same evidence to be dropped as what this one learned.
  if (stats_.from_cache && empty_lists_ == 1) return false;
  const snapshot::Snapshot* earlier = stats_.from_cache ? cell_.current().get() : remembered_.get();
  const bool smaller =
      earlier != nullptr && result.snapshot->backend_count() < earlier->backend_count();
  // Part of an answer says nothing of the rest; but what is never answered in full must not keep
  // an old set for ever.
  if (smaller && !result.complete && reactor_.now() < begun_ + kPartialPatience) return false;
  // "Nothing serves" needs every answer, a set with backends does not.
  return result.complete || result.snapshot->backend_count() > 0;
}

bool DiscoveryLoop::may_end_with(const CycleResult& result) {
  if (result.snapshot->backend_count() > 0 || cell_.current()->backend_count() == 0) {
    doubted_since_.reset();
    return true;
  }
  const bool first = !doubted_since_;
  if (first) doubted_since_ = reactor_.now();
  if (result.listing == Listing::unconfirmed_empty) return false;  // the next poll says
  const bool whole = result.complete && result.listing == Listing::complete;
  const bool enough = whole && !(first && result.all_missing);
  if (!enough && reactor_.now() < *doubted_since_ + kPartialPatience) return false;
  doubted_since_.reset();
  return true;
}

void DiscoveryLoop::save(const CycleResult& result, bool set_changed) {
  if (cache_ == nullptr || cell_.current() == nullptr || stats_.from_cache) return;
  const bool confirmed = result.complete && asked_itself(result);
  if (set_changed || confirmed) cache_->save(cell_.current());
}

PollOutcome DiscoveryLoop::judge(const CycleResult& result, bool set_changed) const {
  // What a retry made good counts too: the budget is used up all the same.
  if (result.throttled || throttled_attempts() > throttled_before_) {
    if (result.complete) return PollOutcome::throttled;
    return had_set_ ? PollOutcome::refused : PollOutcome::crowded_start;
  }
  const bool unconfirmed = result.listing == Listing::unconfirmed_empty ||
                           (stats_.from_cache && empty_lists_ == 1) ||
                           (doubted_since_ && result.complete);
  if (set_changed || unconfirmed) return PollOutcome::changed;
  if (result.complete) return PollOutcome::calm;
  const bool soon = std::all_of(
      result.problems.begin(), result.problems.end(),
      [](const CycleProblem& problem) { return may_pass_soon(problem.error.error_class); });
  return cell_.current() == nullptr && soon ? PollOutcome::starting : PollOutcome::failed;
}

void DiscoveryLoop::count(const CycleResult& result, bool set_changed) {
  if (result.listing == Listing::failed) {
    ++stats_.cycles_failed;
  } else if (!result.complete) {
    ++stats_.cycles_partial;
  } else if (asked_itself(result)) {
    ++stats_.cycles_complete;
    stats_.last_complete = reactor_.now();
  }
  if (result.throttled || throttled_attempts() > throttled_before_) ++stats_.cycles_throttled;
  if (result.listing == Listing::unconfirmed_empty) ++stats_.empty_lists_kept;
  if (set_changed) ++stats_.set_changes;
  stats_.calls += result.calls;
  stats_.last_cycle_time = reactor_.now() - poll_started_;
  stats_.cycle_times.add(stats_.last_cycle_time);
  stats_.polling = false;
  for (const CycleProblem& problem : result.problems) {
    stats_.call_errors[static_cast<size_t>(problem.error.error_class)].count += problem.count;
  }
  if (result.listing == Listing::failed) return;
  stats_.tasks_listed = result.tasks_listed;
  stats_.tasks_disconnected = result.tasks_disconnected;
  for (DiscoveryStats::Named& gauge : stats_.excluded) gauge.count = 0;
  for (const Exclusion& exclusion : result.exclusions) {
    ++stats_.excluded[static_cast<size_t>(exclusion.reason)].count;
  }
}

void DiscoveryLoop::schedule_next(PollOutcome outcome, const CycleResult& result) {
  const sys::SteadyTime now = reactor_.now();
  const bool listed = lists(kind_);
  const bool told = kind_ == PollKind::told;
  if (!told || result.throttled) {
    unfinished_ = result.throttled && result.listing != Listing::failed;
  }
  if (!told) listings_since_round_ = kind_ == PollKind::listing ? listings_since_round_ + 1 : 0;
  if (listed && result.listing != Listing::failed) {
    listed_at_ = poll_started_;
    listing_took_ = now - poll_started_;
  }
  // What a sibling's call brought says nothing of what calls cost.
  const bool quiet_round = !listed && outcome == PollOutcome::calm && (told || !pacer_.throttled());
  if (!quiet_round) {
    const sys::SteadyTime next = now + pacer_.next_delay(outcome, result.calls);
    // Where rounds are many, each may find news: it must not put the listing off for ever.
    const bool many_rounds = !listed && rounds_of(result.tasks_listed) > 1;
    const bool keep = (many_rounds && !pacer_.throttled()) || (told && !is_refusal(outcome));
    list_due_ = keep ? std::min(list_due_, next) : next;
  }
  if (poll_again_ && pacer_.throttled()) ++stats_.early_polls_refused;
  if (poll_again_ && !pacer_.throttled()) {
    const sys::SteadyTime soon = early_start();
    if (soon < list_due_) {
      ++stats_.early_polls;
      list_due_ = soon;
    }
  }
  poll_again_ = false;
  stats_.throttled = pacer_.throttled();
  stats_.poll_interval = pacer_.interval();
  round_due_ = next_round(outcome, result);
  start_timer(next_due());
}

void DiscoveryLoop::start_timer(sys::SteadyTime next) {
  timer_.start(next);
  stats_.next_poll = next;
}

sys::SteadyTime DiscoveryLoop::next_round(PollOutcome outcome, const CycleResult& result) {
  const bool answered = outcome == PollOutcome::calm || outcome == PollOutcome::changed;
  // Lookups that keep failing must not keep a large cluster from being described again.
  const bool listed = kind_ == PollKind::listing && result.listing != Listing::failed;
  const bool lacks_lookups = listed && outcome == PollOutcome::failed;
  if (many_rounds_ && lacks_lookups) return std::min(round_due_, list_due_);
  if (!answered) return kind_ == PollKind::told ? round_due_ : list_due_;
  if (!result.oldest_description) return sys::SteadyTime::max();
  const auto rounds = static_cast<int64_t>(rounds_of(result.tasks_listed));
  many_rounds_ = rounds > 1;
  // With siblings what is new has the oldest described beside it, whoever's they are.
  const bool ahead = rounds == 1 && !source_->shares_calls();
  round_ahead_ = ahead ? freshness_ / 4 : sys::Duration::zero();
  if (rounds == 1) return *result.oldest_description + pacer_.round_delay(freshness_);
  // Listing so many takes time, in which none of them is described.
  const sys::Duration span = std::max(freshness_ - listing_took_, freshness_ / 2);
  const bool never_due = round_due_ == sys::SteadyTime::max();  // few tasks until now, or none
  const bool no_round = kind_ == PollKind::listing || kind_ == PollKind::told;
  if (no_round && !never_due) return round_due_;
  return poll_started_ + pacer_.round_delay(span) / rounds;
}

}  // namespace kite::discovery
