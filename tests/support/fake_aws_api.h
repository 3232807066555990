#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "aws/ec2_api.h"
#include "aws/ecs_api.h"
#include "sys/check.h"

namespace kite::testing {

/// ECS and EC2 whose answers the test gives, in any order and as late as it likes.
/// Owns:      a record of every call, also of those that were answered or cancelled.
/// Errors:    aborts when a caller destroys a call from within that call's callback.
class FakeAwsApi final : public aws::EcsApi, public aws::Ec2Api {
 public:
  using Reply =
      std::variant<aws::OnResult<aws::EcsApi::TaskPage>, aws::OnResult<aws::Described<aws::Task>>,
                   aws::OnResult<aws::Described<aws::ContainerInstance>>,
                   aws::OnResult<aws::TaskDefinition>, aws::OnResult<aws::ServiceRollout>,
                   aws::OnResult<aws::Ec2Api::InstancePage>,
                   aws::OnResult<aws::Ec2Api::InterfacePage>>;

  struct Exchange {
    std::string operation;         ///< "ecs:ListTasks"
    std::vector<std::string> ids;  ///< what a Describe call asks for
    ListTasksRequest list;         ///< what ListTasks asks for
    std::string cluster;
    std::string token;                    ///< of every paged call
    TaskTags tags = TaskTags::leave_out;  ///< what DescribeTasks asks for
    Reply reply;
    bool open = true;  ///< neither answered nor cancelled
    bool cancelled = false;
    bool answering = false;  ///< its callback runs
  };

  std::unique_ptr<aws::Call> list_tasks(const ListTasksRequest& request,
                                        aws::OnResult<TaskPage> on_result) override {
    Exchange exchange;
    exchange.operation = "ecs:ListTasks";
    exchange.list = request;
    exchange.cluster = request.cluster;
    exchange.token = request.next_token;
    exchange.reply = std::move(on_result);
    return record(std::move(exchange));
  }
  std::unique_ptr<aws::Call> describe_tasks(
      const std::string& cluster, const std::vector<std::string>& task_arns, TaskTags tags,
      aws::OnResult<aws::Described<aws::Task>> on_result) override {
    return record({"ecs:DescribeTasks", task_arns, {}, cluster, "", tags, std::move(on_result)});
  }
  std::unique_ptr<aws::Call> describe_container_instances(
      const std::string& cluster, const std::vector<std::string>& arns,
      aws::OnResult<aws::Described<aws::ContainerInstance>> on_result) override {
    return record(
        {"ecs:DescribeContainerInstances", arns, {}, cluster, "", {}, std::move(on_result)});
  }
  std::unique_ptr<aws::Call> describe_task_definition(
      const std::string& definition_arn, aws::OnResult<aws::TaskDefinition> on_result) override {
    return record(
        {"ecs:DescribeTaskDefinition", {definition_arn}, {}, "", "", {}, std::move(on_result)});
  }
  std::unique_ptr<aws::Call> describe_service(
      const std::string& cluster, const std::string& service,
      aws::OnResult<aws::ServiceRollout> on_result) override {
    return record({"ecs:DescribeServices", {service}, {}, cluster, "", {}, std::move(on_result)});
  }
  std::unique_ptr<aws::Call> describe_instances(const std::vector<std::string>& instance_ids,
                                                const std::string& next_token,
                                                aws::OnResult<InstancePage> on_result) override {
    return record(
        {"ec2:DescribeInstances", instance_ids, {}, "", next_token, {}, std::move(on_result)});
  }
  std::unique_ptr<aws::Call> describe_network_interfaces(
      const std::vector<std::string>& eni_ids, const std::string& next_token,
      aws::OnResult<InterfacePage> on_result) override {
    return record(
        {"ec2:DescribeNetworkInterfaces", eni_ids, {}, "", next_token, {}, std::move(on_result)});
  }

  uint64_t throttled_attempts() const override { return throttled; }

  /// Answers the exchange. `T` must be what its operation answers.
  template <typename T>
  void answer(size_t index, T value) {
    reply<T>(index, aws::CallResult<T>(std::move(value)));
  }
  void fail(size_t index, aws::ErrorClass error_class, const std::string& code = "") {
    aws::CallError error;
    error.error_class = error_class;
    error.operation = exchanges.at(index)->operation;
    error.code = code;
    const std::shared_ptr<Exchange> exchange = take(index);
    exchange->answering = true;
    std::visit([&](const auto& on_result) { on_result(error); }, exchange->reply);
    exchange->answering = false;
  }

  size_t count() const { return exchanges.size(); }
  size_t count(const std::string& operation) const {
    size_t calls = 0;
    for (const auto& exchange : exchanges) calls += exchange->operation == operation ? 1U : 0U;
    return calls;
  }
  const Exchange& at(size_t index) const { return *exchanges.at(index); }
  std::vector<size_t> open() const {
    std::vector<size_t> indices;
    for (size_t i = 0; i < exchanges.size(); ++i) {
      if (exchanges[i]->open) indices.push_back(i);
    }
    return indices;
  }
  void forget() { exchanges.clear(); }

  std::vector<std::shared_ptr<Exchange>> exchanges;
  size_t open_max = 0;     ///< most calls in flight at one time
  uint64_t throttled = 0;  ///< refused attempts, those that a retry made good included

 private:
  class FakeCall final : public aws::Call {
   public:
    explicit FakeCall(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    ~FakeCall() override {
      KITE_CHECK(!exchange_->answering,
                 "a call must not be destroyed from within its own callback");
      if (std::exchange(exchange_->open, false)) exchange_->cancelled = true;
    }

   private:
    std::shared_ptr<Exchange> exchange_;
  };

  std::unique_ptr<aws::Call> record(Exchange exchange) {
    auto shared = std::make_shared<Exchange>(std::move(exchange));
    exchanges.push_back(shared);
    open_max = std::max(open_max, open().size());
    return std::make_unique<FakeCall>(shared);
  }
  std::shared_ptr<Exchange> take(size_t index) {
    const std::shared_ptr<Exchange> exchange = exchanges.at(index);
    KITE_CHECK(exchange->open, "a call is answered once, and not after it was cancelled");
    exchange->open = false;
    return exchange;
  }
  template <typename T>
  void reply(size_t index, aws::CallResult<T> result) {
    const std::shared_ptr<Exchange> exchange = take(index);
    auto* on_result = std::get_if<aws::OnResult<T>>(&exchange->reply);
    KITE_CHECK(on_result != nullptr, "an operation has one type of answer");
    exchange->answering = true;
    (*on_result)(std::move(result));
    exchange->answering = false;
  }
};

}  // namespace kite::testing
