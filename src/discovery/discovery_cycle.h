#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aws/ec2_api.h"
#include "aws/ecs_api.h"
#include "discovery/backend_selector.h"
#include "discovery/call_queue.h"
#include "discovery/cycle_result.h"
#include "discovery/describe_plan.h"
#include "discovery/discovery_source.h"
#include "discovery/inventory.h"
#include "discovery/lookup_plan.h"
#include "discovery/siblings.h"
#include "discovery/target.h"
#include "discovery/task_survey.h"
#include "event/reactor.h"
#include "snapshot/snapshot.h"
#include "sys/clock.h"

namespace kite::discovery {

enum class CycleState : uint8_t {
  idle,
  listing,
  planning,  ///< which of the listed tasks to describe
  describing_tasks,
  looking_up,  ///< container instances, definitions, services, interfaces, side by side
  describing_instances,
  choosing,  ///< the backends, from what is known now
};
/// Any phase may end the cycle, and one that is refused chooses from what is known; otherwise the
/// order is fixed.
constexpr bool may_become(CycleState from, CycleState to) {
  switch (from) {
    case CycleState::idle:
      return to == CycleState::listing;
    case CycleState::listing:
      return to == CycleState::planning || to == CycleState::idle;
    case CycleState::planning:
      return to == CycleState::describing_tasks || to == CycleState::idle;
    case CycleState::describing_tasks:
      return to == CycleState::looking_up || to == CycleState::choosing || to == CycleState::idle;
    case CycleState::looking_up:
      return to == CycleState::describing_instances || to == CycleState::choosing ||
             to == CycleState::idle;
    case CycleState::describing_instances:
      return to == CycleState::choosing || to == CycleState::idle;
    case CycleState::choosing:
      return to == CycleState::idle;
  }
  return false;
}

/// One poll of ECS and EC2: list, describe, look up, choose, result; then idle until started again.
/// What is known and fresh is not asked again, so a calm poll is the listing alone, or descriptions
/// alone. Throttled, it ends with what it has: the next one continues there instead of beginning
/// again.
/// Only evidence takes a task away: a complete listing without it, MISSING, or a description that
/// says it does not serve. A call that fails leaves in the inventory what earlier ones put there.
/// Owns:      the calls in flight.
/// Lifetime:  the APIs and the inventory outlive it.
/// Thread:    reactor thread only.
/// Errors:    none thrown; a result always comes, at the latest at the deadline.
/// Source:    ECS API 2014-11-13, EC2 API 2016-11-15.
class DiscoveryCycle final : public DiscoverySource {
 public:
  static constexpr size_t kPagesMax = 250;  ///< of one listing or one EC2 chunk

  struct Options {
    Target target;
    sys::Duration deadline = std::chrono::seconds(20);
    Freshness freshness{};
  };
  DiscoveryCycle(event::Reactor& reactor, aws::EcsApi& ecs, aws::Ec2Api& ec2, Inventory& inventory,
                 Options options, OnDone on_done, Sharing sharing = {});
  DiscoveryCycle(const DiscoveryCycle&) = delete;
  DiscoveryCycle& operator=(const DiscoveryCycle&) = delete;
  ~DiscoveryCycle() override;

  void start() { start(Occasion{}); }
  void start(const Occasion& occasion) override;
  void tell_throttling() override;
  bool shares_calls() const override { return !siblings().empty(); }
  std::string_view health_of(std::string_view task_id) const override;
  bool running() const { return state_ != CycleState::idle; }
  CycleState state() const { return state_; }

 private:
  /// Where a paged EC2 question stands.
  struct PagedAsk {
    std::vector<std::string> ids;
    std::string token;
    size_t page = 0;
    bool restarted = false;
  };

  /// One DescribeTasks call.
  struct TaskAsk {
    std::span<const std::string> arns;  ///< part of `described`
    aws::EcsApi::TaskTags tags = aws::EcsApi::TaskTags::leave_out;
    sys::SteadyTime asked_at{};
  };
  using TasksAnswer = aws::CallResult<aws::Described<aws::Task>>;
  using Step = void (DiscoveryCycle::*)();

  /// What the running cycle has gathered; empty between two.
  struct Poll {
    std::vector<std::string> listed;     ///< sorted, unique and unchanged once the listing is over
    std::vector<std::string> described;  ///< sorted, those of `listed` that are asked about
    std::vector<std::string> filled;     ///< sorted, those of `described` that only siblings list
    LookupPlan lookups;                  ///< being asked, in that phase
    std::vector<std::string> instances;  ///< being asked, in that phase
    Occasion occasion;
    sys::SteadyTime begun{};
    bool list_given = false;  ///< by a sibling that asked the same
    size_t pages = 0;
    bool listing_restarted = false;
    std::set<std::string> missing;
    CycleResult result;
    uint64_t calls_before = 0;
  };

  void transition_to(CycleState next);
  void on_drained();
  void on_deadline();

  void begin_listing();
  void ask_task_page(const std::string& token);
  void on_task_page(const std::string& token, aws::CallResult<aws::EcsApi::TaskPage> answer);
  void fail_listing(aws::CallError error);
  void after_listing();

  void plan();
  void begin_descriptions();
  void ask_tasks(std::span<const std::string> arns);
  void on_tasks(const TaskAsk& ask, TasksAnswer answer);

  void begin_lookups();
  void ask_container_instances(std::vector<std::string> arns);
  void ask_definition(std::string arn);
  void on_definition(const std::string& arn, aws::CallResult<aws::TaskDefinition> answer);
  void ask_service(std::string service);
  void ask_interfaces(PagedAsk ask);
  void begin_instances();
  void ask_instances(PagedAsk ask);
  /// Decides about the rest of a paged EC2 question: next page, one more start, or the end.
  template <typename Page>
  bool next_page(PagedAsk& ask, const aws::CallResult<Page>& answer, const char* operation);

  void note_problem(aws::CallError error);
  void finish();
  /// At the end, or once AWS refuses: from what is known now.
  void begin_choosing();
  void choose();
  void on_tidy() { spent_ = {}; }
  /// Whether `selected_` follows from what is known now.
  bool is_selected() const;
  /// Brings that nearer by a turn's work.
  void select_some();
  AddressAges address_ages() const;
  /// Whether the survey is of what is known now.
  bool is_surveyed() const;
  /// Brings that nearer by a turn's work.
  void survey_some();
  /// Does that work if there is any. Returns whether it is done; if not, the next turn goes on.
  bool survey_further();
  const TaskSurvey& survey();
  bool all_are_known() const;
  void add_listing_exclusions(CycleResult& result) const;
  /// Sorted: what the last listing named, less what is known to be gone.
  std::vector<std::string> last_listed() const;
  /// What the next cycle should know of this one.
  void remember();
  void note_undescribed();

  // Sharing: discovery_cycle_sharing.cc.

  /// The other targets of the cluster.
  std::vector<DiscoveryCycle*> siblings() const;
  bool asks_the_list_of(const DiscoveryCycle& other) const;
  bool is_held() const { return held_step_ != nullptr; }
  /// The phase is on the way: neither held nor over.
  bool is_asking(CycleState phase) const { return state_ == phase && !is_held(); }
  /// Who lists what is wanted here; null: nobody.
  const DiscoveryCycle* who_lists() const;
  /// Who describes some of these, or is about to list for the first time, as this one was.
  const DiscoveryCycle* who_describes(const std::vector<std::string>& plan) const;
  const DiscoveryCycle* who_looks_up(const LookupPlan& plan,
                                     const std::vector<std::string>& instances) const;
  /// Puts the step off until `by` got further. False when that is null or patience at its end.
  bool hold(const DiscoveryCycle* by, Step step);
  void on_resume();
  void on_patience_over();
  /// This one got further: who waits for it looks again.
  void stir_siblings();
  void stir(const DiscoveryCycle* by);
  void leave_phase();

  void give_list();
  void take_list(const std::vector<std::string>& arns);
  sys::SteadyTime half_a_round_ago() const;
  ToldLately told_lately() const;
  /// Own tasks and those of siblings for the room in the last call of `described`.
  void fill_room();
  void offer_tasks(std::vector<Offer>& offers) const;
  bool lists_task(std::string_view arn) const;
  aws::EcsApi::TaskTags tags_for(std::span<const std::string> arns) const;
  void tell_siblings(const TaskAsk& ask, const aws::Described<aws::Task>& answer);
  void be_told(const TaskAsk& ask, const aws::Described<aws::Task>& answer);
  /// What is left to look up when what siblings know is known.
  LookupPlan plan_own_lookups();
  std::vector<std::string> plan_own_instances();
  void fill_lookups();
  void fill_instances();

  /// For so long a call is put off because a sibling's may make it needless, and is not answered.
  static constexpr sys::Duration kPatience = std::chrono::seconds(1);
  /// Tasks that are surveyed or chosen from in one turn: a millisecond or two. DESIGN 26
  static constexpr size_t kTasksPerTurn = 500;

  event::Reactor& reactor_;
  aws::EcsApi& ecs_;
  aws::Ec2Api& ec2_;
  Inventory& inventory_;
  const Options options_;
  const OnDone on_done_;
  const Sharing sharing_;

  CycleState state_ = CycleState::idle;
  size_t empty_listings_ = 0;             ///< in a row
  bool listed_some_ = false;              ///< and no empty list since has been believed
  std::vector<std::string> undescribed_;  ///< listed, but nobody has said yet what they are
  std::optional<TaskSurvey> survey_;      ///< as asked for last
  std::optional<TaskSurveyor> surveyor_;  ///< of the next one
  /// What follows from the inventory of that version.
  struct {
    snapshot::SnapshotPtr snapshot;
    std::vector<Exclusion> exclusions;
    size_t tasks_disconnected = 0;
    uint64_t version = 0;
  } selected_;
  std::optional<BackendSelector> selector_;  ///< of what comes after `selected_`
  Poll poll_;
  Poll spent_;  ///< thousands of texts, given back in a turn of their own
  std::optional<std::vector<std::string>> given_list_;  ///< for the next poll
  bool listed_once_ = false;
  Step held_step_ = nullptr;                 ///< what waits for a sibling
  const DiscoveryCycle* held_by_ = nullptr;  ///< which may be gone: only to be compared
  bool patience_over_ = false;               ///< for the rest of the poll

  event::Timer deadline_;
  event::Timer patience_;
  event::Continuation tidy_;
  event::Continuation resume_;
  CallQueue queue_;  // last: its calls call the members above
};

}  // namespace kite::discovery
