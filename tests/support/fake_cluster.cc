#include "tests/support/fake_cluster.h"

#include <algorithm>
#include <utility>

namespace kite::testing {

namespace {

const std::string kArnStart = "arn:aws:ecs:eu-west-1:111122223333:";

const std::string kTokenStart = "after-";

}  // namespace

aws::PortBinding binding(uint16_t container_port, uint16_t host_port) {
  return {"0.0.0.0", {container_port, container_port}, {host_port, host_port}, "tcp"};
}

std::string FakeCluster::task_arn(const std::string& id) {
  return kArnStart + "task/default/" + id;
}

std::string FakeCluster::definition_arn(const std::string& family, uint32_t revision) {
  return kArnStart + "task-definition/" + family + ":" + std::to_string(revision);
}

std::string FakeCluster::add_instance(const std::string& instance_id,
                                      const std::string& private_ip) {
  std::string arn = kArnStart + "container-instance/default/of-" + instance_id;
  instance_ids[arn] = instance_id;
  aws::Instance& instance = instances[instance_id];
  instance.id = instance_id;
  instance.state = "running";
  instance.private_ip = private_ip;
  instance.availability_zone = "eu-west-1a";
  return arn;
}

aws::Task& FakeCluster::add_task(const std::string& id, const std::string& container_instance_arn,
                                 const std::string& definition) {
  aws::Task& task = tasks[task_arn(id)];
  task.arn = task_arn(id);
  task.definition_arn = definition;
  task.container_instance_arn = container_instance_arn;
  task.last_status = "RUNNING";
  task.desired_status = "RUNNING";
  task.availability_zone = "eu-west-1a";
  task.containers = {{"app", "RUNNING", "", {}}};
  return task;
}

aws::Task& FakeCluster::add_bridge_task(const std::string& id,
                                        const std::string& container_instance_arn,
                                        std::vector<aws::PortBinding> bindings) {
  aws::Task& task = add_task(id, container_instance_arn, definition_arn("web", 1));
  task.containers[0].bindings = std::move(bindings);
  return task;
}

aws::Task& FakeCluster::add_host_task(const std::string& id,
                                      const std::string& container_instance_arn,
                                      const std::string& definition) {
  aws::Task& task = add_task(id, container_instance_arn, definition);
  return task;
}

aws::Task& FakeCluster::add_fargate_task(const std::string& id, const std::string& private_ip,
                                         const std::string& definition) {
  aws::Task& task = add_task(id, "", definition);
  task.eni = aws::TaskEni{"eni-" + id, private_ip, ""};
  enis["eni-" + id] = {"eni-" + id, private_ip, "", ""};
  return task;
}

aws::TaskDefinition& FakeCluster::add_definition(const std::string& arn,
                                                 const std::string& network_mode,
                                                 std::vector<uint16_t> ports) {
  aws::TaskDefinition& definition = definitions[arn];
  definition.arn = arn;
  definition.network_mode = network_mode;
  std::vector<aws::DefinitionPort>& mappings = definition.ports_by_container["app"];
  for (const uint16_t port : ports) mappings.push_back({{port, port}, "tcp"});
  return definition;
}

aws::EcsApi::TaskPage FakeCluster::list(const FakeAwsApi::Exchange& asked) const {
  // A cursor, not an index: a task that ends between two pages hides no other.
  const std::string after = asked.token.empty() ? "" : asked.token.substr(kTokenStart.size());
  if (empty_first_page && asked.token.empty()) return {{}, kTokenStart};
  aws::EcsApi::TaskPage page;
  for (auto task = tasks.upper_bound(after); task != tasks.end(); ++task) {
    const auto owner = listed_by.find(task->first);
    const bool foreign = owner != listed_by.end() && owner->second != asked.list.family &&
                         owner->second != asked.list.service;
    if (foreign) continue;
    if (page.task_arns.size() == page_size) {
      page.next_token = kTokenStart + page.task_arns.back();
      break;
    }
    page.task_arns.push_back(task->first);
  }
  return page;
}

aws::Described<aws::Task> FakeCluster::describe(const std::vector<std::string>& arns) const {
  aws::Described<aws::Task> described;
  for (const std::string& arn : arns) {
    const auto found = tasks.find(arn);
    if (found == tasks.end() || missing.contains(arn)) {
      described.failures.push_back({arn, "MISSING"});
    } else {
      described.items.push_back(found->second);
    }
  }
  return described;
}

aws::Ec2Api::InstancePage FakeCluster::describe_instances(const FakeAwsApi::Exchange& asked) const {
  aws::Ec2Api::InstancePage page;
  const size_t start = asked.token.empty() ? 0 : std::stoul(asked.token.substr(kTokenStart.size()));
  const size_t end = std::min(asked.ids.size(), start + instance_page_size);
  for (size_t i = start; i < end; ++i) {
    const auto found = instances.find(asked.ids[i]);
    if (found != instances.end()) page.instances.push_back(found->second);
  }
  if (end < asked.ids.size()) page.next_token = kTokenStart + std::to_string(end);
  return page;
}

void FakeCluster::answer(FakeAwsApi& api, size_t index) const {
  const FakeAwsApi::Exchange& asked = api.at(index);
  if (asked.operation == "ecs:ListTasks") return api.answer(index, list(asked));
  if (asked.operation == "ecs:DescribeTasks") return api.answer(index, describe(asked.ids));
  if (asked.operation == "ec2:DescribeInstances") {
    return api.answer(index, describe_instances(asked));
  }
  if (asked.operation == "ecs:DescribeContainerInstances") {
    aws::Described<aws::ContainerInstance> described;
    for (const std::string& arn : asked.ids) {
      const auto found = instance_ids.find(arn);
      if (found == instance_ids.end()) {
        described.failures.push_back({arn, "MISSING"});
      } else {
        described.items.push_back({arn, found->second});
      }
    }
    return api.answer(index, std::move(described));
  }
  if (asked.operation == "ecs:DescribeTaskDefinition") {
    const auto found = definitions.find(asked.ids[0]);
    if (found != definitions.end()) return api.answer(index, aws::TaskDefinition(found->second));
    return api.fail(index, aws::ErrorClass::invalid_request, "ClientException");
  }
  if (asked.operation == "ecs:DescribeServices") {
    return api.answer(index, aws::ServiceRollout{primary_definition});
  }
  aws::Ec2Api::InterfacePage page;
  for (const std::string& id : asked.ids) {
    const auto found = enis.find(id);
    if (found != enis.end()) page.interfaces.push_back(found->second);
  }
  api.answer(index, std::move(page));
}

}  // namespace kite::testing
