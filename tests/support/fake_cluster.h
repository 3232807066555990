#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "aws/model.h"
#include "tests/support/fake_aws_api.h"

namespace kite::testing {

/// A small ECS cluster that answers a FakeAwsApi truthfully. Tests change its members at will.
class FakeCluster {
 public:
  static std::string task_arn(const std::string& id);
  static std::string definition_arn(const std::string& family, uint32_t revision);

  /// An EC2 instance with its container instance; returns the container instance's ARN.
  std::string add_instance(const std::string& instance_id, const std::string& private_ip);
  /// A RUNNING task whose container "app" has the bindings.
  aws::Task& add_bridge_task(const std::string& id, const std::string& container_instance_arn,
                             std::vector<aws::PortBinding> bindings);
  /// A RUNNING task without bindings on an instance: host mode, says its definition.
  aws::Task& add_host_task(const std::string& id, const std::string& container_instance_arn,
                           const std::string& definition);
  /// A RUNNING task with an interface of its own and no container instance.
  aws::Task& add_fargate_task(const std::string& id, const std::string& private_ip,
                              const std::string& definition);
  /// A definition whose container "app" has the tcp ports.
  aws::TaskDefinition& add_definition(const std::string& arn, const std::string& network_mode,
                                      std::vector<uint16_t> ports);

  /// Answers the exchange from what the cluster holds now.
  void answer(FakeAwsApi& api, size_t index) const;

  std::map<std::string, aws::Task> tasks;  ///< by ARN
  /// By task ARN, the family or service that lists it; one that is not here is listed by all.
  std::map<std::string, std::string> listed_by;
  std::set<std::string> missing;                      ///< listed, but DescribeTasks says MISSING
  std::map<std::string, std::string> instance_ids;    ///< by container instance ARN
  std::map<std::string, aws::Instance> instances;     ///< by id
  std::map<std::string, aws::NetworkInterface> enis;  ///< by id
  std::map<std::string, aws::TaskDefinition> definitions;  ///< by ARN
  std::string primary_definition;                          ///< of every service
  size_t page_size = 100;
  bool empty_first_page = false;
  size_t instance_page_size = 1000;

 private:
  aws::Task& add_task(const std::string& id, const std::string& container_instance_arn,
                      const std::string& definition);
  aws::EcsApi::TaskPage list(const FakeAwsApi::Exchange& asked) const;
  aws::Described<aws::Task> describe(const std::vector<std::string>& arns) const;
  aws::Ec2Api::InstancePage describe_instances(const FakeAwsApi::Exchange& asked) const;
};

/// "0.0.0.0", tcp.
aws::PortBinding binding(uint16_t container_port, uint16_t host_port);

}  // namespace kite::testing
