#include "cli/iam_probe.h"

#include <utility>

namespace kite::cli {

namespace {

// Well-formed, and nobody's.
constexpr const char* kNoTask = "00000000000000000000000000000000";
constexpr const char* kNoDefinition = "ecs-task-kite-check:1";
constexpr const char* kNoInstance = "i-00000000000000000";
constexpr const char* kNoInterface = "eni-00000000000000000";

}  // namespace

ActionVerdict verdict_of(aws::ErrorClass error_class) {
  switch (error_class) {
    case aws::ErrorClass::denied:
      return ActionVerdict::denied;
    case aws::ErrorClass::not_found:
    case aws::ErrorClass::invalid_request:
      return ActionVerdict::allowed;  // it was looked up, which comes after the permission
    case aws::ErrorClass::transient:
    case aws::ErrorClass::throttled:
    case aws::ErrorClass::expired_credentials:
    case aws::ErrorClass::bad_credentials:
    case aws::ErrorClass::clock_skew:
    case aws::ErrorClass::malformed_answer:
    case aws::ErrorClass::no_credentials:
    case aws::ErrorClass::cancelled_by_deadline:
      return ActionVerdict::unknown;
  }
  return ActionVerdict::unknown;
}

template <typename Answer>
aws::OnResult<Answer> IamProbe::expect(std::string action, std::string use) {
  const size_t index = findings_.size();
  findings_.push_back({std::move(action), std::move(use), ActionVerdict::unknown, ""});
  return [this, index](aws::CallResult<Answer> answer) {
    ActionFinding& finding = findings_[index];
    finding.verdict = answer.ok() ? ActionVerdict::allowed : verdict_of(answer.error().error_class);
    if (finding.verdict != ActionVerdict::allowed) finding.message = answer.error().message;
    ++answered_;
  };
}

IamProbe::IamProbe(const Apis& apis, const discovery::Target& target) {
  if (target.namespace_name.empty()) {
    ask_ecs(apis.ecs, target);
    ask_ec2(apis.ec2, target);
  } else {
    ask_cloud_map(apis.cloud_map, target);
  }
}

void IamProbe::ask_cloud_map(aws::CloudMapApi& cloud_map, const discovery::Target& target) {
  const aws::CloudMapApi::Query query{target.namespace_name, target.service, {}};
  calls_.push_back(cloud_map.discover_instances(
      query, expect<aws::RegisteredInstances>("servicediscovery:DiscoverInstances", "always")));
  calls_.push_back(cloud_map.discover_revision(
      query, expect<int64_t>("servicediscovery:DiscoverInstancesRevision", "cheap polls")));
}

void IamProbe::ask_ecs(aws::EcsApi& ecs, const discovery::Target& target) {
  calls_.push_back(ecs.list_tasks({target.cluster, target.family, target.service, ""},
                                  expect<aws::EcsApi::TaskPage>("ecs:ListTasks", "always")));
  calls_.push_back(
      ecs.describe_tasks(target.cluster, {kNoTask}, aws::EcsApi::TaskTags::leave_out,
                         expect<aws::Described<aws::Task>>("ecs:DescribeTasks", "always")));
  calls_.push_back(ecs.describe_container_instances(
      target.cluster, {kNoTask},
      expect<aws::Described<aws::ContainerInstance>>("ecs:DescribeContainerInstances",
                                                     "tasks in bridge or host mode")));
  if (!target.ports.empty()) return;
  calls_.push_back(ecs.describe_task_definition(
      kNoDefinition, expect<aws::TaskDefinition>("ecs:DescribeTaskDefinition",
                                                 "awsvpc or host mode without -port")));
}

void IamProbe::ask_ec2(aws::Ec2Api& ec2, const discovery::Target& target) {
  calls_.push_back(ec2.describe_instances(
      {kNoInstance}, "",
      expect<aws::Ec2Api::InstancePage>("ec2:DescribeInstances", "tasks in bridge or host mode")));
  if (!target.use_public_addresses) return;
  calls_.push_back(ec2.describe_network_interfaces(
      {kNoInterface}, "",
      expect<aws::Ec2Api::InterfacePage>("ec2:DescribeNetworkInterfaces",
                                         "-public with awsvpc or Fargate")));
}

}  // namespace kite::cli
