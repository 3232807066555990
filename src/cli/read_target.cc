#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "cli/readers.h"
#include "cli/text_rules.h"

namespace kite::cli {

namespace {

using sys::Error;

constexpr const char* kNameRule = "letters, digits, '-' and '_', at most 255 of them";

Problem read_name(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::name);
  if (value == nullptr) {
    return Error{raw.prefix() + "name is missing: give the container to proxy to, such as " +
                 raw.prefix() + "name=app"};
  }
  if (value->text.empty()) {
    return empty(*value, "give the container to proxy to, " + such_as(*value, "app"));
  }
  if (!is_ecs_name(value->text)) {
    return wrong(*value, std::string("a container's name has ") + kNameRule);
  }
  target.name = value->text;
  return std::nullopt;
}

Problem read_family(const RawValue& value, TargetConfig& target) {
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
    target.revision = parse_number(std::string_view(value.text).substr(colon + 1));
    if (!target.revision || *target.revision == 0) {
      return wrong(value, "what follows the ':' is a revision, a number from 1, " +
                              such_as(value, family + ":7"));
    }
  }
  target.family = family;
  return std::nullopt;
}

Problem read_service(const RawValue& value, TargetConfig& target) {
  if (value.text.empty()) return empty(value, "give the ECS service, " + such_as(value, "orders"));
  if (value.text.starts_with("arn:")) {
    return wrong(value, "give the service's name, which is the last part of its ARN");
  }
  if (!is_ecs_name(value.text)) {
    return wrong(value, std::string("a service's name has ") + kNameRule);
  }
  target.service = value.text;
  return std::nullopt;
}

Problem read_tasks(const RawFlags& raw, TargetConfig& target) {
  const RawValue* family = raw.last(FlagId::family);
  const RawValue* service = raw.last(FlagId::service);
  if (family != nullptr && service != nullptr) {
    return Error{family->origin + " and " + service->origin +
                 " are both given: they exclude each other, so remove one"};
  }
  if (family != nullptr) return read_family(*family, target);
  if (service != nullptr) return read_service(*service, target);
  const std::string& prefix = raw.prefix();
  return Error{prefix + "family and " + prefix +
               "service are both missing: give one of them, such as " + prefix +
               "service=orders or " + prefix + "family=orders"};
}

Problem read_cluster(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::cluster);
  if (value == nullptr) return std::nullopt;
  if (value->text.empty()) return empty(*value, "give the cluster, " + such_as(*value, "prod"));
  if (!is_ecs_name(value->text) && !is_cluster_arn(value->text)) {
    return wrong(*value, std::string("give a name (") + kNameRule +
                             ") or an ARN (arn:aws:ecs:<region>:<account>:cluster/<name>)");
  }
  target.cluster = value->text;
  return std::nullopt;
}

/// Reads each element of flags that are repeatable, or comma lists; an empty one too.
Problem read_elements(std::span<const RawValue> values,
                      Problem (*read_one)(const RawValue&, std::string_view, TargetConfig&),
                      TargetConfig& target) {
  for (const RawValue& value : values) {
    std::string_view rest = value.text;
    for (;;) {  // ends: each round takes one element of the list
      const size_t comma = rest.find(',');
      if (auto problem = read_one(value, rest.substr(0, comma), target)) return problem;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return std::nullopt;
}

/// One element of -tag's list. A tag's key and value hold no comma.
Problem read_one_tag(const RawValue& value, std::string_view element, TargetConfig& target) {
  const size_t equals = element.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return wrong(value, "give a tag's key and value, " + such_as(value, "tier=gold"));
  }
  target.tags.push_back(
      {std::string(element.substr(0, equals)), std::string(element.substr(equals + 1))});
  return std::nullopt;
}

Problem read_tags(const RawFlags& raw, TargetConfig& target) {
  return read_elements(raw.all(FlagId::tag), read_one_tag, target);
}

Problem read_deployment(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::deployment);
  if (value == nullptr || value->text == "all") return std::nullopt;
  if (value->text != "primary") return wrong(*value, "give all or primary");
  if (target.service.empty()) {
    return wrong(*value, "only a service has deployments, so give " + raw.prefix() +
                             "service, or a revision with " + raw.prefix() + "family");
  }
  target.primary_deployment_only = true;
  return std::nullopt;
}

Problem read_public(const RawFlags& raw, TargetConfig& target) {
  target.use_public_addresses = raw.is_true(FlagId::public_addresses);
  return std::nullopt;
}

/// One element of -port's list.
Problem read_mapping(const RawValue& value, std::string_view element, TargetConfig& target) {
  const size_t colon = element.find(':');
  const auto listen = parse_port(element.substr(0, colon));
  const auto container =
      colon == std::string_view::npos ? listen : parse_port(element.substr(colon + 1));
  if (!listen || !container) {
    return wrong(value, "a port is a number from 1 to 65535, alone or as listen:container, " +
                            such_as(value, "8080") + " or " + value.origin + "=80:8080");
  }
  const auto taken = [&](const PortMapping& other) { return other.listen == *listen; };
  if (std::ranges::any_of(target.ports, taken)) {
    return wrong(value, "port " + std::to_string(*listen) +
                            " is to be listened on twice, so give one of them another listen port");
  }
  target.ports.push_back({*listen, *container});
  return std::nullopt;
}

Problem read_ports(const RawFlags& raw, TargetConfig& target) {
  return read_elements(raw.all(FlagId::port), read_mapping, target);
}

Problem read_bind(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::bind);
  if (value == nullptr) return std::nullopt;
  const auto endpoint = sys::Endpoint::parse(value->text, 0);
  if (!endpoint.ok()) {
    return wrong(*value, "give an IPv4 or IPv6 address without a name or port, " +
                             such_as(*value, "127.0.0.1"));
  }
  target.bind = endpoint.value();
  return std::nullopt;
}

Problem read_balance(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::balance);
  if (value == nullptr) return std::nullopt;
  constexpr std::pair<std::string_view, Balance> kWays[] = {{"random", Balance::random},
                                                            {"roundrobin", Balance::roundrobin},
                                                            {"leastconn", Balance::leastconn},
                                                            {"p2c", Balance::p2c}};
  for (const auto& [name, balance] : kWays) {
    if (value->text != name) continue;
    target.balance = balance;
    return std::nullopt;
  }
  return wrong(*value, "give random, roundrobin, leastconn or p2c, " + such_as(*value, "p2c"));
}

Problem read_namespace(const RawFlags& raw, TargetConfig& target) {
  const RawValue& value = *raw.last(FlagId::namespace_name);
  const auto printable = [](char byte) { return byte > ' ' && byte < '\x7f'; };
  if (value.text.empty() || value.text.size() > 1024 ||
      !std::ranges::all_of(value.text, printable)) {
    return wrong(value, "give the name of a Cloud Map namespace, " + such_as(value, "shop.local"));
  }
  target.namespace_name = value.text;
  return std::nullopt;
}

Problem read_registered_service(const RawFlags& raw, TargetConfig& target) {
  const RawValue* value = raw.last(FlagId::service);
  if (value == nullptr) {
    return Error{raw.prefix() + "service is missing: with " + raw.prefix() +
                 "namespace give the Cloud Map service, such as " + raw.prefix() +
                 "service=orders"};
  }
  const auto fits = [](char byte) {
    return byte == '.' || is_ecs_name(std::string_view(&byte, 1));
  };
  if (value->text.empty() || value->text.size() > 127 || !std::ranges::all_of(value->text, fits)) {
    return wrong(*value, "a Cloud Map service's name has letters, digits, '-', '_' and '.'");
  }
  target.service = value->text;
  return std::nullopt;
}

/// What Cloud Map cannot tell.
Problem refuse_what_only_ecs_knows(const RawFlags& raw, const TargetConfig& target) {
  const RawValue* name = raw.last(FlagId::name);
  const std::string with = " with " + raw.prefix() + "namespace";
  if (name != nullptr) {
    return wrong(*name, "Cloud Map knows no containers, so remove it" + with);
  }
  if (raw.is_true(FlagId::public_addresses)) {
    return wrong(*raw.last(FlagId::public_addresses),
                 "Cloud Map knows one address of each instance, so remove it" + with);
  }
  if (target.primary_deployment_only) {
    return wrong(*raw.last(FlagId::deployment),
                 "Cloud Map knows no deployments, so remove it" + with);
  }
  if (target.revision.has_value()) {
    return wrong(*raw.last(FlagId::family),
                 "Cloud Map knows no revisions, so give the family alone" + with);
  }
  return std::nullopt;
}

/// The instances of a Cloud Map service. Family and cluster narrow them down when given.
Problem read_registered(const RawFlags& raw, TargetConfig& target) {
  target.cluster.clear();
  const RawValue* family = raw.last(FlagId::family);
  if (auto problem = read_namespace(raw, target)) return problem;
  if (auto problem = read_registered_service(raw, target)) return problem;
  if (family != nullptr) {
    if (auto problem = read_family(*family, target)) return problem;
  }
  for (const auto step : {read_cluster, read_tags, read_deployment, read_ports, read_bind,
                          read_public, read_balance}) {
    if (auto problem = step(raw, target)) return problem;
  }
  return refuse_what_only_ecs_knows(raw, target);
}

}  // namespace

Problem read_target(const RawFlags& raw, TargetConfig& target) {
  if (raw.has(FlagId::namespace_name)) return read_registered(raw, target);
  for (const auto step : {read_name, read_tasks, read_cluster, read_tags, read_deployment,
                          read_ports, read_bind, read_public, read_balance}) {
    if (auto problem = step(raw, target)) return problem;
  }
  return std::nullopt;
}

}  // namespace kite::cli
