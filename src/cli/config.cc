#include "cli/config.h"

#include <algorithm>
#include <string_view>

#include "cli/duration.h"
#include "cli/text_rules.h"

namespace kite::cli {

namespace {

using std::chrono::milliseconds;
using sys::Error;

constexpr uint32_t kRetriesMax = 100;
// Faster polling would not find changes sooner, only spend the account's API budget; slower than an
// hour is a kite that has gone blind.
constexpr milliseconds kPollMin{1000};
constexpr milliseconds kPollMax = std::chrono::hours(1);
constexpr milliseconds kConnectMin{1};
constexpr milliseconds kConnectMax = std::chrono::hours(1);

/// "-port is "x": ", to be followed by what is wrong and what to write.
Error wrong(const RawValue& value, const std::string& problem) {
  return {value.origin + " is " + quoted(value.text) + ": " + problem};
}

Error empty(const RawValue& value, const std::string& remedy) {
  return {value.origin + " is empty: " + remedy};
}

std::string such_as(const RawValue& value, std::string_view example) {
  return "such as " + value.origin + "=" + std::string(example);
}

constexpr const char* kNameRule = "letters, digits, '-' and '_', at most 255 of them";

/// Each step reads one flag into the config and returns what is wrong with it, if anything.
using Problem = std::optional<Error>;

Problem read_name(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::name);
  if (value == nullptr) {
    return Error{"-name is missing: give the container to proxy to, such as -name=app"};
  }
  if (value->text.empty()) {
    return empty(*value, "give the container to proxy to, " + such_as(*value, "app"));
  }
  if (!is_ecs_name(value->text)) {
    return wrong(*value, std::string("a container's name has ") + kNameRule);
  }
  config.name = value->text;
  return std::nullopt;
}

Problem read_family(const RawValue& value, Config& config) {
  if (value.text.empty()) return empty(value, "give the task family, " + such_as(value, "orders"));
  if (value.text.starts_with("arn:")) {
    return wrong(value, "give the family's name instead of an ARN, " + such_as(value, "orders:7"));
  }
  const size_t colon = value.text.find(':');
  const std::string family = value.text.substr(0, colon);
  if (!is_ecs_name(family)) {
    return wrong(value, std::string("a family's name has ") + kNameRule +
                            ", and may be followed by ':' and a revision");
  }
  if (colon != std::string::npos) {
    config.revision = parse_number(std::string_view(value.text).substr(colon + 1));
    if (!config.revision || *config.revision == 0) {
      return wrong(value, "what follows the ':' is a revision, a number from 1, " +
                              such_as(value, family + ":7"));
    }
  }
  config.family = family;
  return std::nullopt;
}

Problem read_service(const RawValue& value, Config& config) {
  if (value.text.empty()) return empty(value, "give the ECS service, " + such_as(value, "orders"));
  if (value.text.starts_with("arn:")) {
    return wrong(value, "give the service's name, which is the last part of its ARN");
  }
  if (!is_ecs_name(value.text)) {
    return wrong(value, std::string("a service's name has ") + kNameRule);
  }
  config.service = value.text;
  return std::nullopt;
}

Problem read_target(const RawFlags& raw, Config& config) {
  const RawValue* family = raw.last(FlagId::family);
  const RawValue* service = raw.last(FlagId::service);
  if (family != nullptr && service != nullptr) {
    return Error{family->origin + " and " + service->origin +
                 " are both given: they exclude each other, so remove one"};
  }
  if (family != nullptr) return read_family(*family, config);
  if (service != nullptr) return read_service(*service, config);
  return Error{
      "-family and -service are both missing: give one of them, such as -service=orders or "
      "-family=orders"};
}

Problem read_cluster(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::cluster);
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) return empty(*value, "give the cluster, " + such_as(*value, "prod"));
  if (!is_ecs_name(value->text) && !is_cluster_arn(value->text)) {
    return wrong(*value, std::string("give a name (") + kNameRule +
                             ") or an ARN (arn:aws:ecs:<region>:<account>:cluster/<name>)");
  }
  config.cluster = value->text;
  return std::nullopt;
}

Problem read_public(const RawFlags& raw, Config& config) {
  config.use_public_addresses = raw.is_true(FlagId::public_addresses);
  return std::nullopt;
}

/// One element of -port's list.
Problem read_mapping(const RawValue& value, std::string_view element, Config& config) {
  const size_t colon = element.find(':');
  const auto listen = parse_port(element.substr(0, colon));
  const auto container =
      colon == std::string_view::npos ? listen : parse_port(element.substr(colon + 1));
  if (!listen || !container) {
    return wrong(value, "a port is a number from 1 to 65535, alone or as listen:container, " +
                            such_as(value, "8080") + " or " + value.origin + "=80:8080");
  }
  const auto taken = [&](const PortMapping& other) { return other.listen == *listen; };
  if (std::ranges::any_of(config.ports, taken)) {
    return wrong(value, "port " + std::to_string(*listen) +
                            " is to be listened on twice, so give one of them another listen port");
  }
  config.ports.push_back({*listen, *container});
  return std::nullopt;
}

Problem read_ports(const RawFlags& raw, Config& config) {
  for (const RawValue& value : raw.all(FlagId::port)) {
    std::string_view rest = value.text;
    for (;;) {  // ends: each round takes one element of the list
      const size_t comma = rest.find(',');
      if (auto problem = read_mapping(value, rest.substr(0, comma), config)) return problem;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return std::nullopt;
}

Problem read_bind(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::bind);
  if (value == nullptr) return std::nullopt;
  const auto endpoint = sys::Endpoint::parse(value->text, 0);
  if (!endpoint.ok()) {
    return wrong(*value, "give an IPv4 or IPv6 address without a name or port, " +
                             such_as(*value, "127.0.0.1"));
  }
  config.bind = endpoint.value();
  return std::nullopt;
}

Problem read_balance(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::balance);
  if (value == nullptr) return std::nullopt;
  if (value->text != "random") return wrong(*value, "this version knows only random");
  config.balance = Balance::random;
  return std::nullopt;
}

/// What a duration must lie between, and a fitting example.
struct DurationRule {
  milliseconds least;
  milliseconds most;
  const char* example;
};

Problem check_duration(const RawValue& value, std::string_view text, const DurationRule& rule,
                       milliseconds& out) {
  const auto duration = parse_duration(text);
  if (!duration) {
    return wrong(
        value, "a duration is a number and a unit (ms, s, m, h), " + such_as(value, rule.example));
  }
  if (*duration < rule.least || *duration > rule.most) {
    return wrong(value, "give a duration from " + duration_text(rule.least) + " to " +
                            duration_text(rule.most) + ", " + such_as(value, rule.example));
  }
  out = std::chrono::round<milliseconds>(*duration);
  return std::nullopt;
}

Problem read_connect_times(const RawFlags& raw, Config& config) {
  const RawValue* timeout = raw.last(FlagId::connect_timeout);
  const RawValue* deadline = raw.last(FlagId::connect_deadline);
  if (timeout != nullptr) {
    const DurationRule rule{kConnectMin, kConnectMax, "1s"};
    if (auto problem = check_duration(*timeout, timeout->text, rule, config.connect_timeout)) {
      return problem;
    }
  }
  if (deadline != nullptr) {
    const DurationRule rule{kConnectMin, kConnectMax, "10s"};
    if (auto problem = check_duration(*deadline, deadline->text, rule, config.connect_deadline)) {
      return problem;
    }
  }
  if (config.connect_deadline >= config.connect_timeout) return std::nullopt;
  const std::string need = "all attempts together (-connect-deadline, now " +
                           duration_text(config.connect_deadline) +
                           ") need at least the time of one (-connect-timeout, now " +
                           duration_text(config.connect_timeout) + ")";
  return deadline != nullptr ? wrong(*deadline, need) : wrong(*timeout, need);
}

Problem read_retries(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::retries);
  if (value == nullptr) return std::nullopt;
  const auto number = parse_number(value->text);
  if (!number || *number > kRetriesMax) {
    return wrong(*value, "give a number from 0 to " + std::to_string(kRetriesMax) + ", " +
                             such_as(*value, "3"));
  }
  config.retries = *number;
  return std::nullopt;
}

Problem read_poll(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::poll);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value->text;
  const size_t dash = text.find('-', 1);
  if (text.empty() || dash == std::string_view::npos) {
    return wrong(*value, "give the shortest and the longest interval as low-high, " +
                             such_as(*value, "5s-20s"));
  }
  const DurationRule rule{kPollMin, kPollMax, "5s-20s"};
  PollRange range;
  if (auto problem = check_duration(*value, text.substr(0, dash), rule, range.low)) return problem;
  if (auto problem = check_duration(*value, text.substr(dash + 1), rule, range.high)) {
    return problem;
  }
  if (range.low > range.high) {
    return wrong(*value,
                 "the low end comes first, " +
                     such_as(*value, duration_text(range.high) + "-" + duration_text(range.low)));
  }
  config.poll = range;
  return std::nullopt;
}

Problem read_region(const RawFlags& raw, Config& config) {
  const RawValue* value = raw.last(FlagId::region);
  if (value == nullptr) return std::nullopt;
  const std::string& text = value->text;
  if (!is_region_label(text)) {
    return wrong(
        *value, "a region has lower-case letters, digits and '-', " + such_as(*value, "eu-west-1"));
  }
  config.region = text;
  return std::nullopt;
}

Problem read_url(const RawValue* value, std::string& out) {
  if (value == nullptr) return std::nullopt;
  if (!is_endpoint_url(value->text)) {
    return wrong(*value, "give an http or https URL with a host, " +
                             such_as(*value, "https://ecs.eu-west-1.amazonaws.com"));
  }
  out = value->text;
  return std::nullopt;
}

Problem read_endpoints(const RawFlags& raw, Config& config) {
  if (auto problem = read_url(raw.last(FlagId::endpoint_ecs), config.endpoint_ecs)) return problem;
  return read_url(raw.last(FlagId::endpoint_ec2), config.endpoint_ec2);
}

Problem read_logging(const RawFlags& raw, Config& config) {
  if (const RawValue* value = raw.last(FlagId::log_level)) {
    const auto level = sys::parse_log_level(value->text);
    if (!level.ok()) return wrong(*value, "it " + level.error().message);
    config.log_level = level.value();
  }
  if (const RawValue* value = raw.last(FlagId::log_format)) {
    const auto format = sys::parse_log_format(value->text);
    if (!format.ok()) return wrong(*value, "it " + format.error().message);
    config.log_format = format.value();
  }
  return std::nullopt;
}

}  // namespace

sys::Result<Config> make_config(const RawFlags& raw) {
  Config config;
  for (const auto step :
       {read_name, read_target, read_cluster, read_ports, read_bind, read_public, read_balance,
        read_connect_times, read_retries, read_poll, read_region, read_endpoints, read_logging}) {
    if (auto problem = step(raw, config)) return *problem;
  }
  return config;
}

sys::Result<Invocation> parse_command_line(std::span<const std::string> args,
                                           const sys::Environment& environment) {
  const auto raw = read_flags(args, environment);
  if (!raw.ok()) return raw.error();
  if (raw->is_true(FlagId::help)) return Invocation(ShowHelp{});
  if (raw->is_true(FlagId::version)) return Invocation(ShowVersion{});
  auto config = make_config(raw.value());
  if (!config.ok()) return config.error();
  return Invocation(std::move(config.value()));
}

}  // namespace kite::cli
