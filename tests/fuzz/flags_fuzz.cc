#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/config.h"
#include "cli/help.h"
#include "sys/check.h"

namespace {

using kite::cli::Config;
using kite::cli::TargetConfig;

void check_text(const std::string& text) {
  for (const char c : text) KITE_CHECK(c > 0x20 && c < 0x7F, "no text breaks a header or line");
}

void check_target(const TargetConfig& config) {
  const bool registered = !config.namespace_name.empty();
  KITE_CHECK(config.name.empty() == registered, "a config has a container name, or a namespace");
  KITE_CHECK(registered ? !config.service.empty() : config.family.empty() != config.service.empty(),
             "one of family and service");
  KITE_CHECK(!config.revision || (*config.revision > 0 && !config.family.empty()),
             "a revision belongs to a family");
  KITE_CHECK(registered || !config.cluster.empty(), "a config has a cluster");
  KITE_CHECK(!config.primary_deployment_only || (!registered && !config.service.empty()),
             "a deployment belongs to a service");
  for (const kite::cli::TaskTag& tag : config.tags) KITE_CHECK(!tag.key.empty(), "a tag has a key");
  for (size_t i = 0; i < config.ports.size(); ++i) {
    KITE_CHECK(config.ports[i].listen != 0 && config.ports[i].container != 0, "ports are from 1");
    for (size_t j = 0; j < i; ++j) {
      KITE_CHECK(config.ports[i].listen != config.ports[j].listen, "listen ports are distinct");
    }
  }
  for (const std::string* text : {&config.name, &config.family, &config.service, &config.cluster}) {
    check_text(*text);
  }
}

/// What every later stage relies on without asking again.
void check_config(const Config& config) {
  KITE_CHECK(!config.targets.empty(), "a config has a target");
  for (const TargetConfig& target : config.targets) check_target(target);
  KITE_CHECK(config.poll.low >= std::chrono::seconds(1) && config.poll.low <= config.poll.high,
             "the poll range is ordered and not too fast");
  KITE_CHECK(config.connect_timeout.count() >= 1, "an attempt has time");
  KITE_CHECK(config.connect_deadline >= config.connect_timeout, "the deadline allows an attempt");
  for (const std::string* text : {&config.region, &config.endpoint_ecs, &config.endpoint_ec2}) {
    check_text(*text);
  }
}

}  // namespace

/// One argument a line; a line "KITE_X=y" is an environment variable.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> args;
  kite::sys::Environment::Variables variables;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const size_t equals = line.find('=');
    if (line.starts_with("KITE_") && equals != std::string_view::npos) {
      variables[std::string(line.substr(0, equals))] = line.substr(equals + 1);
    } else {
      args.emplace_back(line);
    }
  }
  const auto invocation =
      kite::cli::parse_command_line(args, kite::sys::Environment(std::move(variables)));
  if (invocation.ok()) {
    if (const auto* config = std::get_if<Config>(&invocation.value())) check_config(*config);
    return 0;
  }
  for (const char c : invocation.error().message) {
    KITE_CHECK(c >= 0x20 && c < 0x7F, "a usage error is one line of printable ASCII");
  }
  KITE_CHECK(invocation.error().message.size() < 500, "a usage error is short");
  return 0;
}
