#include "cli/flags.h"

namespace kite::cli {

namespace {

constexpr std::array<FlagSpec, kFlagCount> kSpecs = {{
    {FlagId::name, Topic::target, "name", "<container>", "",
     "The container to proxy to, by its name within the task. Required, but with -namespace."},
    {FlagId::family, Topic::target, "family", "<family[:revision]>", "",
     "The tasks of this family, of every revision or of one. Give exactly one of -family and "
     "-service."},
    {FlagId::service, Topic::target, "service", "<service>", "", "The tasks of this ECS service."},
    {FlagId::namespace_name, Topic::target, "namespace", "<namespace>", "",
     "Ask Cloud Map instead of ECS: for the instances that are registered with -service in this "
     "namespace. -family, -cluster and -tag then narrow them down by their attributes."},
    {FlagId::cluster, Topic::target, "cluster", "<name or ARN>", "default",
     "The cluster the tasks run in."},
    {FlagId::tag, Topic::target, "tag", "<key=value>", "",
     "Only tasks that have this tag. Repeatable, or a comma list; a task must have all of them."},
    {FlagId::deployment, Topic::target, "deployment", "<all or primary>", "all",
     "Of a service: the tasks of all its deployments, or only those that run the task definition "
     "of its PRIMARY one, as soon as one of them serves."},
    {FlagId::target, Topic::target, "target", "<key=value,...>", "",
     "A further target in one value, such as service=orders,name=app,port=18080:8080. Keys are "
     "name, family, service, namespace, cluster, tag, deployment, port, bind, public and balance; "
     "cluster, bind, public and balance are the flags' where they are not given. Repeatable, or "
     "separated by ';'."},
    {FlagId::port, Topic::addresses, "port", "<[listen:]container>", "all discovered",
     "A container port to serve, and the port to listen on if it is another one. Repeatable, or a "
     "comma list. With it the ports are open before the first answer of AWS, and tasks in awsvpc "
     "or host mode need no ecs:DescribeTaskDefinition."},
    {FlagId::bind, Topic::addresses, "bind", "<address>", "all addresses",
     "The address to listen on. 127.0.0.1 is right where the kite shares a network namespace with "
     "its client; container links need all addresses."},
    {FlagId::public_addresses, Topic::addresses, "public", "", "false",
     "Connect to the public addresses of tasks instead of the private ones."},
    {FlagId::balance, Topic::connections, "balance", "<way>", "random",
     "How a backend is chosen for a connection: random, roundrobin, leastconn (the fewest "
     "connections of its task) or p2c (the less loaded of two random ones)."},
    {FlagId::connect_timeout, Topic::connections, "connect-timeout", "<duration>", "1s",
     "How long one attempt to connect to a backend may take."},
    {FlagId::connect_deadline, Topic::connections, "connect-deadline", "<duration>", "10s",
     "How long all attempts for one client may take together."},
    {FlagId::retries, Topic::connections, "retries", "<count>", "3",
     "How many further backends are tried when one cannot be connected to."},
    {FlagId::hold, Topic::connections, "hold", "<duration>", "10s",
     "How long a client waits while no backend is known; 0 refuses it at once."},
    {FlagId::max_connections, Topic::connections, "max-connections", "<count>",
     "from the descriptor limit",
     "How many clients may be connected at once, to all targets together. More wait in the "
     "kernel's backlog."},
    {FlagId::idle_timeout, Topic::connections, "idle-timeout", "<duration or off>", "off",
     "End a connection on which nothing has moved for so long."},
    {FlagId::keepalive, Topic::connections, "keepalive", "<idle[,interval[,probes]]>", "60s,15s,4",
     "Probe a silent peer after so long, how often, and how many unanswered probes end the "
     "connection. Or off."},
    {FlagId::tcp_user_timeout, Topic::connections, "tcp-user-timeout", "<duration or off>", "off",
     "End a connection whose peer has acknowledged nothing, or kept its window shut, for so long."},
    {FlagId::removed, Topic::connections, "removed", "<keep or close=duration>", "keep",
     "What becomes of connections to a task that is no longer in the set: they are kept, or reset "
     "after a grace."},
    {FlagId::proxy_protocol, Topic::connections, "proxy-protocol", "<version>", "off",
     "Tell backends the client's address by the PROXY protocol: v1, v2 or off."},
    {FlagId::zone_aware, Topic::connections, "zone-aware", "", "false",
     "Prefer backends in the kite's own availability zone, as far as that loads them no more than "
     "others. Needs six healthy backends."},
    {FlagId::slow_start, Topic::connections, "slow-start", "<duration>", "10s",
     "How long the share of a task that is new, or back after failures, grows to a full one; 0 "
     "gives it at once."},
    {FlagId::eject_after, Topic::connections, "eject-after", "<count>", "3",
     "Failed connects in a row that have a backend left out for a time, 1s at first and up to 60s. "
     "Never more than half of the backends; 0 leaves out none."},
    {FlagId::eject_on_reset, Topic::connections, "eject-on-reset", "", "false",
     "Count a connection as failed too when the backend resets it before it has sent a byte."},
    {FlagId::poll, Topic::discovery, "poll", "<low-high>", "5s-20s",
     "Time between two looks at AWS: the low end after a change, towards the high end while "
     "nothing changes. 5s-12s where a target has a -namespace."},
    {FlagId::cache, Topic::discovery, "cache", "<path>", "",
     "A file for the last backends that are known. They serve at the next start if AWS does not "
     "answer then."},
    {FlagId::region, Topic::discovery, "region", "<region>", "",
     "The AWS region. Else AWS_REGION, AWS_DEFAULT_REGION, the profile's, the task's or the "
     "instance's metadata."},
    {FlagId::endpoint_ecs, Topic::discovery, "endpoint-ecs", "<URL>", "",
     "Where ECS answers. Else AWS_ENDPOINT_URL_ECS, AWS_ENDPOINT_URL, the region's own."},
    {FlagId::endpoint_ec2, Topic::discovery, "endpoint-ec2", "<URL>", "",
     "Where EC2 answers. Else AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, the region's own."},
    {FlagId::assume_role, Topic::discovery, "assume-role", "<ARN>", "",
     "A role to assume with the credentials that were found, such as one of the account that the "
     "cluster is in. AWS_ROLE_SESSION_NAME names the session."},
    {FlagId::external_id, Topic::discovery, "external-id", "<id>", "",
     "The external id that the trust policy of that role asks for."},
    {FlagId::log_level, Topic::logging, "loglevel", "<level>", "info",
     "The least important lines to write: panic, fatal, error, warn, info or debug."},
    {FlagId::log_format, Topic::logging, "log-format", "<format>", "text",
     "text (key=value pairs) or json, one event a line on stderr."},
    {FlagId::access_log, Topic::logging, "access-log", "", "false",
     "Write one line for each connection when it has ended, whatever the level."},
    {FlagId::json, Topic::commands, "json", "", "false",
     "list and check print one line of JSON for scripts."},
    {FlagId::timeout, Topic::commands, "timeout", "<duration>", "off",
     "How long wait waits before it gives up."},
    {FlagId::admin, Topic::logging, "admin", "<address:port>", "127.0.0.1:9902",
     "Where the status page, /metrics, /healthz, /readyz and /backends are served; unix:/path for "
     "a socket, off for nowhere."},
    {FlagId::drain_timeout, Topic::program, "drain-timeout", "<duration>", "25s",
     "How long the program still serves after SIGTERM or SIGINT, unless it is idle for 1 s before; "
     "0 ends it at once."},
    {FlagId::sandbox, Topic::program, "sandbox", "<mode>", "on",
     "What the process gives up once it serves: capabilities, privileges to gain, and system calls "
     "it does not need. on, require (do not start where the kernel refuses a part of it) or off."},
    {FlagId::version, Topic::program, "version", "", "",
     "Show the version, the build and the linked libraries."},
    {FlagId::help, Topic::program, "help", "", "", "Show this list."},
}};

constexpr bool specs_follow_the_enum() {
  for (size_t i = 0; i < kSpecs.size(); ++i) {
    if (static_cast<size_t>(kSpecs[i].id) != i) return false;
  }
  return true;
}
static_assert(specs_follow_the_enum(), "flag_spec() finds a spec by its id");

}  // namespace

std::string_view topic_title(Topic topic) {
  switch (topic) {
    case Topic::target:
      return "Which tasks";
    case Topic::addresses:
      return "Ports and addresses";
    case Topic::connections:
      return "Connections";
    case Topic::discovery:
      return "Asking AWS";
    case Topic::logging:
      return "Logging and watching";
    case Topic::commands:
      return "Commands other than run";
    case Topic::program:
      return "The program itself";
  }
  return {};
}

std::span<const FlagSpec> flag_specs() {
  return kSpecs;
}

const FlagSpec& flag_spec(FlagId id) {
  return kSpecs[static_cast<size_t>(id)];
}

}  // namespace kite::cli
