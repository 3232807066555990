#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "cli/readers.h"

namespace kite::cli {

namespace {

using sys::Error;

/// What a -target may hold, and whether it is taken from the flag of that name where it does not.
struct TargetKey {
  FlagId id;
  bool inherited;
};
constexpr std::array kTargetKeys = {
    TargetKey{FlagId::name, false},       TargetKey{FlagId::family, false},
    TargetKey{FlagId::service, false},    TargetKey{FlagId::namespace_name, false},
    TargetKey{FlagId::cluster, true},     TargetKey{FlagId::tag, false},
    TargetKey{FlagId::deployment, false}, TargetKey{FlagId::port, false},
    TargetKey{FlagId::bind, true},        TargetKey{FlagId::public_addresses, true},
    TargetKey{FlagId::balance, true},
};
constexpr size_t kTargetsMax = 64;

std::string key_names() {
  std::string names;
  for (const TargetKey& key : kTargetKeys) {
    if (!names.empty()) names += ", ";
    names += flag_spec(key.id).name;
  }
  return names;
}

const TargetKey* find_key(std::string_view name) {
  const auto found = std::ranges::find_if(
      kTargetKeys, [&](const TargetKey& key) { return flag_spec(key.id).name == name; });
  return found == kTargetKeys.end() ? nullptr : &*found;
}

/// Takes what stands before `separator` off the front of `rest`.
std::string_view take_until(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

/// One "key=value" of a -target.
Problem read_pair(const RawValue& value, std::string_view pair, RawFlags& raw) {
  const size_t equals = pair.find('=');
  if (equals == std::string_view::npos) {
    return wrong(value, quoted(pair) + " lacks a '=': write key=value, separated by commas, " +
                            such_as(value, "service=orders,name=app,port=8080"));
  }
  const std::string_view name = pair.substr(0, equals);
  const TargetKey* key = find_key(name);
  if (key == nullptr) {
    return wrong(value, quoted(name) + " is no key of a target: there are " + key_names());
  }
  const RawValue inner{std::string(pair.substr(equals + 1)), raw.prefix() + std::string(name)};
  const bool boolean = flag_spec(key->id).placeholder.empty();
  if (boolean && !parse_boolean(inner.text)) {
    return wrong(inner, "write true or false, " + such_as(inner, "true"));
  }
  const bool repeatable = key->id == FlagId::port || key->id == FlagId::tag;
  if (!repeatable && raw.has(key->id)) {
    return wrong(value, std::string(name) + " is given twice: remove one");
  }
  raw.add(key->id, inner);
  return std::nullopt;
}

/// One whole target: "service=orders,name=app,port=18080:8080".
Problem read_further_target(const RawValue& value, std::string_view text, const RawFlags& outer,
                            Config& config) {
  RawFlags raw(value.origin + " ..,");
  std::string_view rest = text;
  while (!rest.empty()) {  // ends: each round takes a pair
    if (auto problem = read_pair(value, take_until(rest, ','), raw)) return problem;
  }
  for (const TargetKey& key : kTargetKeys) {
    if (!key.inherited || raw.has(key.id)) continue;
    // The cluster of ECS targets says nothing of what is registered in a namespace.
    if (key.id == FlagId::cluster && raw.has(FlagId::namespace_name)) continue;
    for (const RawValue& inherited : outer.all(key.id)) raw.add(key.id, inherited);
  }
  return read_target(raw, config.targets.emplace_back());
}

Problem read_further_targets(const RawFlags& raw, Config& config) {
  for (const RawValue& value : raw.all(FlagId::target)) {
    std::string_view rest = value.text;
    do {  // ends: each round takes a target; an empty one is read, and refused
      if (config.targets.size() == kTargetsMax) {
        return wrong(value, "one kite serves at most " + std::to_string(kTargetsMax) +
                                " targets: start a second one");
      }
      const std::string_view text = take_until(rest, ';');
      if (auto problem = read_further_target(value, text, raw, config)) return problem;
    } while (!rest.empty());
  }
  return std::nullopt;
}

/// Whether both listen on one address of the host: equal ones, or one that means all.
bool share_address(const TargetConfig& a, const TargetConfig& b) {
  const auto all = [](const TargetConfig& target) {
    return !target.bind || target.bind->is_unspecified();
  };
  return all(a) || all(b) || *a.bind == *b.bind;
}

std::string described(const TargetConfig& target) {
  if (!target.namespace_name.empty()) {
    return "service " + target.service + " of namespace " + target.namespace_name;
  }
  const std::string of =
      target.service.empty() ? "family " + target.family : "service " + target.service;
  return target.name + " of " + of;
}

Problem check_ports(const TargetConfig& first, const TargetConfig& second) {
  if (!share_address(first, second)) return std::nullopt;
  for (const PortMapping& port : second.ports) {
    const auto same = [&](const PortMapping& other) { return other.listen == port.listen; };
    if (std::ranges::none_of(first.ports, same)) continue;
    return Error{"port " + std::to_string(port.listen) + " is to be listened on for " +
                 described(first) + " and for " + described(second) +
                 ": give one of them another listen port, such as port=1" +
                 std::to_string(port.listen % 10000) + ":" + std::to_string(port.container) +
                 ", or another bind address"};
  }
  return std::nullopt;
}

Problem check_conflicts(const Config& config) {
  for (size_t i = 0; i < config.targets.size(); ++i) {
    for (size_t j = i + 1; j < config.targets.size(); ++j) {
      if (auto problem = check_ports(config.targets[i], config.targets[j])) return problem;
    }
  }
  return std::nullopt;
}

}  // namespace

Problem read_targets(const RawFlags& raw, Config& config) {
  const bool own = raw.has(FlagId::name) || raw.has(FlagId::family) || raw.has(FlagId::service) ||
                   raw.has(FlagId::namespace_name);
  if (own || !raw.has(FlagId::target)) {
    if (auto problem = read_target(raw, config.targets.emplace_back())) return problem;
  }
  if (auto problem = read_further_targets(raw, config)) return problem;
  return check_conflicts(config);
}

}  // namespace kite::cli
