#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "sys/clock.h"
#include "sys/shared_text.h"

namespace kite::discovery {

/// True for a state in which an EC2 instance cannot serve; an unknown or absent state is not one.
bool instance_is_gone(const aws::Instance& instance);

/// A task as last described.
struct KnownTask {
  aws::Task task;
  sys::SteadyTime told_at{};  ///< when its last description came, whether it said anything new
};

/// What a service's PRIMARY deployment runs.
struct PrimaryDeployment {
  sys::SharedText definition_arn;
  sys::SteadyTime told_at{};
};

/// What earlier answers taught, so that a call that fails now takes nothing away: the last
/// description of each task, where container instances run, addresses, task definitions.
/// Owns:      copies of everything learned.
/// Invariant: after trim() no kind holds more than kFactsMax facts besides those that the known
///            tasks refer to; the number of tasks is bounded by the listing.
class Inventory {
 public:
  static constexpr size_t kFactsMax = 4096;
  using Tasks = std::map<sys::SharedText, KnownTask, std::less<>>;  ///< by task ARN

  void learn_task(aws::Task task, sys::SteadyTime told_at = {});
  void forget_task(std::string_view arn);
  /// Forgets every task that is not in the list, which is sorted.
  void keep_tasks(const std::vector<std::string>& arns);
  const aws::Task* find_task(std::string_view arn) const;
  /// By the last part of its ARN.
  const aws::Task* find_task_by_id(std::string_view id) const;
  const Tasks& tasks() const { return tasks_; }
  /// By ARN.
  std::vector<const aws::Task*> all_tasks() const;
  /// Whether a description came after that time.
  bool is_told_since(std::string_view arn, sys::SteadyTime time) const;
  /// When the oldest of their descriptions came; nothing without tasks.
  std::optional<sys::SteadyTime> oldest_description() const;

  /// The pair never changes, so it is asked once. An answer without an instance id is not learned.
  void learn_container_instance(const aws::ContainerInstance& container_instance);
  /// Null when not known yet; "i-..." or "mi-...".
  const sys::SharedText* find_instance_id(std::string_view container_instance_arn) const;

  /// A private address is fixed for the life of an instance: an answer that lacks it takes nothing
  /// away. A public address may go, so the newest answer counts.
  void learn_instance(aws::Instance instance, sys::SteadyTime told_at = {});
  const aws::Instance* find_instance(std::string_view instance_id) const;
  /// EC2 answered in full. What it left out it does not know now, and would not in a second either.
  void note_asked(const std::vector<std::string>& instance_ids, sys::SteadyTime now);

  void learn_interface(aws::NetworkInterface interface, sys::SteadyTime told_at = {});
  const aws::NetworkInterface* find_interface(std::string_view eni_id) const;
  /// When EC2 last answered about the instance or interface; nothing when it never did.
  std::optional<sys::SteadyTime> told_at(std::string_view ec2_id) const;

  /// `arn` is what was asked: the key under which tasks refer to the definition. A revision is
  /// immutable, so it is asked once.
  void learn_definition(std::string_view arn, aws::TaskDefinition definition);
  const aws::TaskDefinition* find_definition(std::string_view arn) const;

  void learn_primary(std::string_view service, std::string_view definition_arn,
                     sys::SteadyTime told_at);
  /// Null when not known.
  const PrimaryDeployment* find_primary(std::string_view service) const;

  /// Forgets the facts that no known task refers to, for each kind that has grown past the bound,
  /// and texts that no fact holds.
  void trim();
  size_t fact_count() const;
  /// Another number whenever what is known differs; the same while answers only repeat it.
  uint64_t version() const { return version_; }

 private:
  template <typename Fact>
  using Facts = std::map<sys::SharedText, Fact, std::less<>>;

  /// Lets equal texts of different facts share their bytes.
  void share(sys::SharedText& text) { text = texts_.share(text); }

  /// Takes the fact in, unless it is what is known anyway.
  template <typename Fact>
  void learn(Facts<Fact>& facts, const sys::SharedText& key, Fact fact);

  Tasks tasks_;
  Facts<sys::SharedText> instance_ids_;  // by container instance ARN
  Facts<aws::Instance> instances_;
  Facts<aws::NetworkInterface> interfaces_;
  Facts<aws::TaskDefinition> definitions_;
  Facts<sys::SteadyTime> told_at_;      // by instance or interface id
  Facts<PrimaryDeployment> primaries_;  // by service name: one for each target at most
  uint64_t version_ = 0;
  sys::TextPool texts_;
};

}  // namespace kite::discovery
