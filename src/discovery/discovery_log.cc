#include "discovery/discovery_log.h"

#include <algorithm>
#include <utility>

namespace kite::discovery {

namespace {

/// Endpoints of `a` that `b` does not have for the same port and task.
size_t count_absent(const snapshot::Snapshot& a, const snapshot::Snapshot* b) {
  if (b == nullptr) return a.backend_count();
  size_t absent = 0;
  for (const snapshot::PortBackends& port : a.ports()) {
    const snapshot::PortBackends* other = b->find_port(port.container_port);
    if (other == nullptr) {
      absent += port.backends.size();
      continue;
    }
    auto candidate = other->backends.begin();
    for (const snapshot::Backend& backend : port.backends) {  // both are ordered by endpoint
      while (candidate != other->backends.end() && candidate->endpoint < backend.endpoint) {
        ++candidate;
      }
      const bool present = candidate != other->backends.end() &&
                           candidate->endpoint == backend.endpoint &&
                           b->tasks()[candidate->task_index].id == a.tasks()[backend.task_index].id;
      if (!present) ++absent;
    }
  }
  return absent;
}

std::string port_list(const snapshot::Snapshot& set) {
  constexpr size_t kPortsShown = 10;
  std::string ports;
  for (size_t i = 0; i < std::min(kPortsShown, set.ports().size()); ++i) {
    if (i > 0) ports += ',';
    ports += std::to_string(set.ports()[i].container_port);
  }
  if (set.ports().size() > kPortsShown) ports += ",...";
  return ports;
}

}  // namespace

void DiscoveryLog::on_cycle(const CycleResult& result, const snapshot::Snapshot* before,
                            const snapshot::Snapshot* now) {
  const size_t backends = now == nullptr ? 0 : now->backend_count();
  log_problems(result, backends);
  log_listing(result, backends);
  on_told(result, before, now);
}

void DiscoveryLog::on_told(const CycleResult& result, const snapshot::Snapshot* before,
                           const snapshot::Snapshot* now) {
  log_doubt(result, now == nullptr ? 0 : now->backend_count());
  if (result.listing != Listing::failed) log_exclusions(result);
  if (now != nullptr && now != before) log_set(before, *now);  // equal sets are one
}

void DiscoveryLog::on_cache_used(const snapshot::Snapshot& set, std::chrono::seconds age) {
  logger_.warn("cache_used", {{"target", target_},
                              {"message", "AWS did not answer: what an earlier run knew serves"},
                              {"backends", set.backend_count()},
                              {"age_s", age.count()}});
}

void DiscoveryLog::on_cache_left() {
  logger_.info("cache_left", {{"target", target_}, {"message", "AWS answers"}});
}

void DiscoveryLog::log_set(const snapshot::Snapshot* before, const snapshot::Snapshot& now) {
  logger_.info("backends_changed",
               {{"target", target_},
                {"backends", now.backend_count()},
                {"tasks", now.tasks().size()},
                {"ports", port_list(now)},
                {"added", count_absent(now, before)},
                {"removed", before == nullptr ? size_t{0} : count_absent(*before, &now)}});
}

void DiscoveryLog::log_listing(const CycleResult& result, size_t backends_kept) {
  if (result.listing == Listing::unconfirmed_empty && !told_empty_) {
    logger_.warn("task_list_empty",
                 {{"target", target_},
                  {"message", "no task is listed; the backends stay until the next poll confirms"},
                  {"backends_kept", backends_kept}});
  }
  told_empty_ = result.listing == Listing::unconfirmed_empty;
  if (result.all_missing && !told_all_missing_) {
    logger_.warn("all_tasks_missing",
                 {{"target", target_},
                  {"message", "ECS lists tasks but knows none of them: check cluster and region"},
                  {"tasks", result.tasks_listed}});
  }
  told_all_missing_ = result.all_missing;
  if (result.listing_cut && !told_cut_) {
    logger_.warn("instances_cut",
                 {{"target", target_},
                  {"message",
                   "Cloud Map tells no more instances than this in one answer, in any "
                   "order: narrow the target with -tag, or split the service"},
                  {"instances", result.tasks_listed}});
  }
  told_cut_ = result.listing_cut;
  if (result.listing != Listing::failed) log_disconnected(result.tasks_disconnected);
}

void DiscoveryLog::log_doubt(const CycleResult& result, size_t backends_kept) {
  if (result.snapshot == nullptr || result.listing == Listing::unconfirmed_empty) return;
  const bool doubted = result.snapshot->backend_count() == 0 && backends_kept > 0;
  if (doubted && !told_doubt_) {
    logger_.warn("last_backends_kept",
                 {{"target", target_},
                  {"message",
                   "what AWS has said so far leaves no backend; the last ones stay until a "
                   "poll that is answered in full says the same"},
                  {"backends_kept", backends_kept}});
  }
  told_doubt_ = doubted;
}

void DiscoveryLog::log_disconnected(size_t tasks) {
  if (tasks > 0 && !told_disconnected_) {
    logger_.warn("agents_disconnected",
                 {{"target", target_},
                  {"message",
                   "ECS has lost these tasks' agents; they serve on, though what it says "
                   "of them is old"},
                  {"tasks", tasks}});
  } else if (tasks == 0 && told_disconnected_) {
    logger_.info("agents_connected", {{"target", target_}});
  }
  told_disconnected_ = tasks > 0;
}

void DiscoveryLog::log_problems(const CycleResult& result, size_t backends_kept) {
  std::map<std::string, std::set<std::string>> failing;
  for (const CycleProblem& problem : result.problems) {
    const aws::CallError& error = problem.error;
    const std::string kind(error.code.empty() ? aws::error_class_name(error.error_class)
                                              : std::string_view(error.code));
    failing[error.operation].insert(kind);
    const auto told = failing_.find(error.operation);
    if (told != failing_.end() && told->second.contains(kind)) continue;
    logger_.warn("discovery_failed", {{"target", target_},
                                      {"operation", error.operation},
                                      {"class", aws::error_class_name(error.error_class)},
                                      {"code", error.code},
                                      {"status", error.http_status},
                                      {"request_id", error.request_id},
                                      {"message", error.message},
                                      {"calls", problem.count},
                                      {"backends_kept", backends_kept}});
  }
  for (const auto& [operation, kinds] : failing_) {
    // After a failed listing the later calls were not made, so nothing is known of them.
    if (failing.contains(operation)) continue;
    if (result.listing == Listing::failed) {
      failing.emplace(operation, kinds);
      continue;
    }
    logger_.info("discovery_recovered", {{"target", target_}, {"operation", operation}});
  }
  failing_ = std::move(failing);
}

void DiscoveryLog::log_exclusions(const CycleResult& result) {
  std::map<std::string, ExclusionReason> told;
  size_t lines = 0;
  size_t untold = 0;
  for (const Exclusion& exclusion : result.exclusions) {
    told.emplace(exclusion.task_id, exclusion.reason);
    const auto before = told_exclusions_.find(exclusion.task_id);
    const bool news = before == told_exclusions_.end() || before->second != exclusion.reason;
    if (news && lines == kExclusionLinesMax) {
      ++untold;
      continue;
    }
    if (!news && !logger_.enabled(sys::LogLevel::debug)) continue;
    if (news) ++lines;
    const auto tell = news ? &sys::Logger::info : &sys::Logger::debug;
    (logger_.*tell)("task_left_out", {{"target", target_},
                                      {"task", exclusion.task_id},
                                      {"reason", reason_name(exclusion.reason)},
                                      {"message", exclusion.detail}});
  }
  if (untold > 0) {
    logger_.info("more_tasks_left_out", {{"target", target_}, {"tasks", untold}});
  }
  told_exclusions_ = std::move(told);
}

}  // namespace kite::discovery
