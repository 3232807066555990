#include "tests/fleet/cluster.h"

#include <charconv>
#include <iterator>

namespace kite::fleet {

namespace {

constexpr std::string_view kArnStart = "arn:aws:ecs:eu-west-1:111122223333:";
constexpr uint32_t kTasksPerInstance = 4;

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
  services_[service].emplace(task_arn, "");
  all_.emplace(task_arn, std::move(description));
  return id;
}

void Cluster::stop_task(size_t service, sys::Random& random) {
  Tasks& tasks = services_[service];
  if (tasks.empty()) return;
  const auto victim = std::next(tasks.begin(), random.below(static_cast<uint32_t>(tasks.size())));
  all_.erase(victim->first);
  tasks.erase(victim);
}

std::string Cluster::list_tasks(std::string_view request) const {
  const std::string_view number = member(request, "\"serviceName\":\"service-");
  size_t service = 0;
  std::from_chars(number.data(), number.data() + number.size(), service);
  const std::string_view after = member(request, "\"nextToken\":\"");
  const Tasks& tasks = services_.at(service);
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
                 "<privateIpAddress>10." +
                 std::to_string(number >> 16 & 255) + '.' + std::to_string(number >> 8 & 255) +
                 '.' + std::to_string(number & 255) +
                 "</privateIpAddress></item></instancesSet></item>";
  });
  return "<DescribeInstancesResponse><reservationSet>" + instances +
         "</reservationSet></DescribeInstancesResponse>";
}

}  // namespace kite::fleet
