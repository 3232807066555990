// Plays one scenario and prints what happened as one JSON object: see tests/fleet/README.md.

#include <charconv>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "tests/fleet/fleet.h"
#include "tests/support/tool_options.h"

namespace kite::fleet {
namespace {

constexpr const char* kUsage =
    "usage: fleet play [-NAME=NUMBER ...] with the numbers of tests/fleet/fleet.h, struct "
    "Scenario\n";

sys::Result<double> parse_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return sys::Error{"not a number: " + text};
  }
  return number;
}

sys::Result<Scenario> parse_scenario(const std::vector<std::string>& arguments) {
  Scenario scenario;
  double seed = 1;
  std::map<std::string, size_t*> sizes = {
      {"-kites", &scenario.kites}, {"-services", &scenario.services},
      {"-tasks", &scenario.tasks}, {"-targets", &scenario.targets},
      {"-share", &scenario.share}, {"-cloud-map", &scenario.cloud_map}};
  std::map<std::string, double*> numbers = {
      {"-seed", &seed},
      {"-start-within", &scenario.start_within},
      {"-seconds", &scenario.seconds},
      {"-measure-from", &scenario.measure_from},
      {"-replace-every", &scenario.replace_every},
      {"-start-every", &scenario.start_every},
      {"-deploy-at", &scenario.deploy_at},
      {"-outage-from", &scenario.outage_from},
      {"-outage-until", &scenario.outage_until},
      {"-burst", &scenario.bucket.burst},
      {"-discoveries-per-second", &scenario.discoveries_per_second},
      {"-per-second", &scenario.bucket.per_second}};
  const auto done = testing::set_options(
      arguments, [&](const std::string& name, const std::string& text) -> sys::Result<sys::Done> {
        const auto number = parse_number(text);
        if (!number.ok()) return number.error();
        if (const auto size = sizes.find(name); size != sizes.end()) {
          *size->second = static_cast<size_t>(*number);
        } else if (const auto found = numbers.find(name); found != numbers.end()) {
          *found->second = *number;
        } else {
          return sys::Error{"unknown option: " + name};
        }
        return sys::Done{};
      });
  if (!done.ok()) return done.error();
  if (scenario.kites == 0 || scenario.services == 0) {
    return sys::Error{"-kites and -services are at least 1"};
  }
  scenario.seed = static_cast<uint64_t>(seed);
  return scenario;
}

int run(const std::vector<std::string>& arguments) {
  const auto scenario = parse_scenario(arguments);
  if (arguments.empty() || !scenario.ok()) {
    std::fprintf(stderr, "%s%s\n", kUsage, scenario.ok() ? "" : scenario.error().message.c_str());
    return 2;
  }
  Fleet fleet(*scenario);
  fleet.play();
  std::puts(fleet.report().c_str());
  return 0;
}

}  // namespace
}  // namespace kite::fleet

int main(int argc, char** argv) {
  return kite::fleet::run({argv + 1, argv + argc});
}
