#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/cloud_map_api.h"
#include "sys/check.h"

namespace kite::testing {

/// A Cloud Map service that answers truthfully when the test says so, or fails as scripted.
class FakeCloudMap final : public aws::CloudMapApi {
 public:
  std::unique_ptr<aws::Call> discover_instances(
      const Query& query, aws::OnResult<aws::RegisteredInstances> on_result) override {
    last_query = query;
    return record("DiscoverInstances",
                  [this, on_result = std::move(on_result)](const Fault& fault) {
                    if (fault) return on_result(*fault);
                    aws::RegisteredInstances answer;
                    for (const auto& [id, instance] : instances)
                      answer.instances.push_back(instance);
                    answer.revision = tells_revision ? std::optional(revision) : std::nullopt;
                    on_result(std::move(answer));
                  });
  }
  std::unique_ptr<aws::Call> discover_revision(const Query& query,
                                               aws::OnResult<int64_t> on_result) override {
    last_query = query;
    return record("DiscoverInstancesRevision",
                  [this, on_result = std::move(on_result)](const Fault& fault) {
                    if (fault) return on_result(*fault);
                    on_result(revision);
                  });
  }

  uint64_t throttled_attempts() const override { return throttled; }

  /// Registers an instance with an address of its own, or replaces it.
  aws::RegisteredInstance& add(const std::string& id, const std::string& ipv4, uint16_t port = 80) {
    aws::RegisteredInstance& instance = instances[id];
    instance = {};
    instance.id = id;
    instance.health = "HEALTHY";
    instance.ipv4 = ipv4;
    instance.port = port;
    instance.availability_zone = "eu-west-1a";
    ++revision;
    return instance;
  }
  void remove(const std::string& id) {
    instances.erase(id);
    ++revision;
  }

  /// Answers what is open. False when nothing was.
  bool answer() {
    if (!open_) return false;
    const auto tell = std::exchange(open_, nullptr);
    Fault fault;
    if (const auto scripted = failing.find(calls.back()); scripted != failing.end()) {
      aws::CallError error;
      error.operation = "servicediscovery:" + calls.back();
      error.error_class = scripted->second;
      error.code = "Scripted";
      fault = error;
    }
    tell(fault);
    return true;
  }
  bool waiting() const { return open_ != nullptr; }
  /// The calls since the last look: "DiscoverInstancesRevision DiscoverInstances".
  std::string take_calls() {
    std::string text;
    for (const std::string& call : calls) text += (text.empty() ? "" : " ") + call;
    calls.clear();
    return text;
  }

  std::map<std::string, aws::RegisteredInstance> instances;
  int64_t revision = 100;
  bool tells_revision = true;
  std::map<std::string, aws::ErrorClass> failing;  ///< by operation
  std::vector<std::string> calls;
  uint64_t throttled = 0;
  Query last_query;

 private:
  using Fault = std::optional<aws::CallError>;

  class FakeCall final : public aws::Call {
   public:
    explicit FakeCall(FakeCloudMap& owner) : owner_(owner) {}
    ~FakeCall() override { owner_.open_ = nullptr; }

   private:
    FakeCloudMap& owner_;
  };

  std::unique_ptr<aws::Call> record(const std::string& operation,
                                    std::function<void(const Fault&)> tell) {
    KITE_CHECK(open_ == nullptr, "one call at a time");
    calls.push_back(operation);
    open_ = std::move(tell);
    return std::make_unique<FakeCall>(*this);
  }

  std::function<void(const Fault&)> open_;
};

}  // namespace kite::testing
