#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "discovery/task_survey.h"
#include "sys/clock.h"

namespace kite::discovery {

/// How old what is known may grow before it is asked again.
struct Freshness {
  sys::Duration tasks = std::chrono::seconds(30);     ///< for health, mostly
  sys::Duration addresses = std::chrono::minutes(5);  ///< of instances and interfaces
};

/// What a poll is for.
enum class PollKind : uint8_t {
  listing,  ///< who is there; those that are new or not settled are described
  round,    ///< the oldest descriptions are renewed, for health; nothing is listed
  both,
  told,  ///< a sibling's call told something new: nothing is listed or described
};
inline bool lists(PollKind kind) {
  return kind == PollKind::listing || kind == PollKind::both;
}

/// What a poll knows of its own moment.
struct Occasion {
  PollKind kind = PollKind::both;
  sys::Duration next_poll_within{};  ///< when calm
  bool hinted = false;               ///< a backend refused, or an operator asks
};

/// What siblings described lately is not described again: tasks told of at these times or later. A
/// target alone describes by its own pace.
struct ToldLately {
  sys::SteadyTime unsettled = sys::SteadyTime::max();
  sys::SteadyTime settled = sys::SteadyTime::max();
};

/// A task that a call with room may describe too, and when it last was described.
struct Offer {
  std::string arn;
  sys::SteadyTime told_at{};
};

/// Over how many polls the renewal of all descriptions is spread: a call each in a small cluster,
/// an even share of the calls in a large one. At least 1.
size_t rounds_of(size_t tasks);

/// Pure: the listed tasks that this poll describes, sorted: those that are new or not settled, and
/// of the others the oldest, a round's share, in full chunks. DESIGN 33
/// `listed` is sorted, and no other tasks were surveyed.
std::vector<std::string> plan_descriptions(std::span<const std::string> listed,
                                           const TaskSurvey& survey, const Freshness& freshness,
                                           const Occasion& occasion, const ToldLately& lately = {});

/// Pure: the plan, sorted, with the oldest of `others` in what its last call has room for. An empty
/// plan stays empty.
std::vector<std::string> fill_descriptions(std::vector<std::string> plan,
                                           std::vector<Offer> others);

}  // namespace kite::discovery
