#include "tests/fleet/cluster.h"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace kite::fleet {

namespace {

constexpr std::string_view kArnStart = "arn:aws:ecs:eu-west-1:111122223333:";
constexpr uint32_t kTasksPerInstance = 4;
constexpr std::string_view kRegistryService = "\"ServiceName\":\"service-";

std::string arn(std::string_view kind, std::string_view id) {
  return std::string(kArnStart) + std::string(kind) + "/fleet/" + std::string(id);
}

/// Eight digits, so that ids sort as they were made.
std::string digits(uint32_t number) {
  std::string text = std::to_string(number);
  return std::string(8 - text.size(), '0') + text;
}

std::string instance_id(uint32_t number) {
  return "i-0" + digits(number) + "00000000";
}

std::string describe(const std::string& task_arn, uint32_t number, uint32_t hosts) {
  const std::string host = arn("container-instance", digits(number % hosts));
  const std::string port = std::to_string(32768 + number % 20000);
  return R"({"taskArn":")" + task_arn + R"(","taskDefinitionArn":")" + std::string(kArnStart) +
         R"(task-definition/web:7","containerInstanceArn":")" + host +
         R"(","lastStatus":"RUNNING","desiredStatus":"RUNNING","connectivity":"CONNECTED",)"
         R"("availabilityZone":"eu-west-1a","attachments":[],"containers":[{"name":"app",)"
         R"("lastStatus":"RUNNING","healthStatus":"HEALTHY","networkInterfaces":[],)"
         R"("networkBindings":[{"bindIP":"0.0.0.0","containerPort":80,"hostPort":)" +
         port + R"(,"protocol":"tcp"}]}]})";
}

/// The text between the first `before` and the quote after it; empty without it.
std::string_view member(std::string_view body, std::string_view before) {
  const size_t start = body.find(before);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = body.substr(start + before.size());
  return rest.substr(0, rest.find('"'));
}

/// Calls `use` with every text that begins with `start` and ends before one of `ends`.
template <typename Use>
void each(std::string_view body, std::string_view start, std::string_view ends, Use use) {
  for (size_t at = body.find(start); at != std::string_view::npos;) {  // ends: `at` grows
    const size_t end = std::min(body.find_first_of(ends, at), body.size());
    use(body.substr(at, end - at));
    at = body.find(start, end);
  }
}

/// The number of the service that the request names after `before`.
size_t service_of(std::string_view request, std::string_view before) {
  const std::string_view number = member(request, before);
  size_t service = 0;
  std::from_chars(number.data(), number.data() + number.size(), service);
  return service;
}

/// An IPv4 address for a number.
std::string address(uint32_t number) {
  return "10." + std::to_string(number >> 16 & 255) + '.' + std::to_string(number >> 8 & 255) +
         '.' + std::to_string(number & 255);
}

/// Adds one more to a list of JSON values.
void add(std::string& list, std::string_view value) {
  if (!list.empty()) list += ',';
  list += value;
}

}  // namespace

Cluster::Cluster(size_t services, size_t tasks_per_service)
    : services_(services),
      hosts_(static_cast<uint32_t>(services * tasks_per_service / kTasksPerInstance + 1)) {
  for (size_t service = 0; service < services; ++service) {
    for (size_t task = 0; task < tasks_per_service; ++task) start_task(service);
  }
}

std::string Cluster::start_task(size_t service) {
  const std::string id = "abcdef0123456789abcdef01" + digits(made_);
  const std::string task_arn = arn("task", id);
  std::string description = describe(task_arn, made_++, hosts_);
  services_[service].tasks.emplace(task_arn, "");
  ++services_[service].revision;
  all_.emplace(task_arn, std::move(description));
  return id;
}

void Cluster::stop_task(size_t service) {
  Tasks& tasks = services_[service].tasks;
  if (tasks.empty()) return;
  all_.erase(tasks.begin()->first);
  tasks.erase(tasks.begin());
  ++services_[service].revision;
}

bool Cluster::runs(size_t service, std::string_view task_id) const {
  const Tasks& tasks = services_[service].tasks;
  return std::any_of(tasks.begin(), tasks.end(),
                     [&](const auto& task) { return task.first.ends_with(task_id); });
}

std::string Cluster::list_tasks(std::string_view request) const {
  const std::string_view after = member(request, "\"nextToken\":\"");
  const Tasks& tasks = services_.at(service_of(request, "\"serviceName\":\"service-")).tasks;
  std::string list;
  std::string next;
  size_t count = 0;
  for (auto task = tasks.upper_bound(after); task != tasks.end(); ++task) {
    if (count++ == kPageSize) {
      next = R"(,"nextToken":")" + std::prev(task)->first + '"';
      break;
    }
    add(list, '"' + task->first + '"');
  }
  return R"({"taskArns":[)" + list + "]" + next + "}";
}

std::string Cluster::describe_tasks(std::string_view request) const {
  std::string tasks;
  std::string failures;
  each(request, kArnStart, "\"", [&](std::string_view task_arn) {
    const auto found = all_.find(task_arn);
    if (found != all_.end()) return add(tasks, found->second);
    add(failures, R"({"arn":")" + std::string(task_arn) + R"(","reason":"MISSING"})");
  });
  return R"({"tasks":[)" + tasks + R"(],"failures":[)" + failures + "]}";
}

std::string Cluster::describe_container_instances(std::string_view request) const {
  std::string hosts;
  each(request, kArnStart, "\"", [&](std::string_view host) {
    uint32_t number = 0;
    const std::string_view id = host.substr(host.rfind('/') + 1);
    std::from_chars(id.data(), id.data() + id.size(), number);
    add(hosts, R"({"containerInstanceArn":")" + std::string(host) + R"(","ec2InstanceId":")" +
                   instance_id(number) + R"(","status":"ACTIVE","agentConnected":true})");
  });
  return R"({"containerInstances":[)" + hosts + R"(],"failures":[]})";
}

std::string Cluster::describe_instances(std::string_view request) const {
  std::string instances;
  each(request, "i-0", "&", [&](std::string_view id) {
    uint32_t number = 0;
    std::from_chars(id.data() + 3, id.data() + 11, number);
    instances += "<item><instancesSet><item><instanceId>" + std::string(id) +
                 "</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
                 "<privateIpAddress>" +
                 address(number) + "</privateIpAddress></item></instancesSet></item>";
  });
  return "<DescribeInstancesResponse><reservationSet>" + instances +
         "</reservationSet></DescribeInstancesResponse>";
}

std::string Cluster::discover_instances(std::string_view request) const {
  const Service& service = services_.at(service_of(request, kRegistryService));
  std::string instances;
  for (const auto& [task_arn, unused] : service.tasks) {
    const std::string id = task_arn.substr(task_arn.rfind('/') + 1);
    uint32_t number = 0;
    std::from_chars(id.data() + id.size() - 8, id.data() + id.size(), number);
    add(instances, R"({"InstanceId":")" + id +
                       R"(","NamespaceName":"fleet","HealthStatus":"HEALTHY","Attributes":{)"
                       R"("AVAILABILITY_ZONE":"eu-west-1a","AWS_INSTANCE_PORT":"80",)"
                       R"("AWS_INSTANCE_IPV4":")" +
                       address(number) +
                       R"(","ECS_CLUSTER_NAME":"fleet",)"
                       R"("ECS_TASK_DEFINITION_FAMILY":"web"}})");
  }
  return R"({"Instances":[)" + instances + R"(],"InstancesRevision":)" +
         std::to_string(service.revision) + '}';
}

std::string Cluster::discover_revision(std::string_view request) const {
  const Service& service = services_.at(service_of(request, kRegistryService));
  return R"({"InstancesRevision":)" + std::to_string(service.revision) + '}';
}

}  // namespace kite::fleet
