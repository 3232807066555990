#include "discovery/cycle_result.h"

#include <utility>

namespace kite::discovery {

void CycleResult::note_problem(aws::CallError error) {
  complete = false;
  if (error.error_class == aws::ErrorClass::throttled) throttled = true;
  for (CycleProblem& problem : problems) {
    if (problem.error.operation != error.operation || problem.error.code != error.code ||
        problem.error.error_class != error.error_class) {
      continue;
    }
    ++problem.count;
    return;
  }
  if (problems.size() < kProblemsMax) problems.push_back({std::move(error), 1});
}

aws::CallError own_error(const char* operation, const char* code, std::string message,
                         aws::ErrorClass error_class) {
  aws::CallError error;
  error.error_class = error_class;
  error.operation = operation;
  error.code = code;
  error.message = std::move(message);
  return error;
}

}  // namespace kite::discovery
