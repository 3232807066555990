#include "tests/e2e/traffic/options.h"

#include <charconv>
#include <map>
#include <string_view>

#include "tests/support/tool_options.h"

namespace kite::traffic {
namespace {

sys::Result<uint64_t> parse_number(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return sys::Error{"not a number: " + std::string(text)};
  }
  return number;
}

sys::Result<sys::Done> set_number(Options& options, const std::string& name, uint64_t value) {
  PlanDealer::Options& plans = options.client.plans;
  const auto percent = static_cast<uint32_t>(value);
  if (name == "-parallel")
    options.client.parallel = value;
  else if (name == "-connections")
    options.client.connections_min = value;
  else if (name == "-bytes-each-way")
    options.client.bytes_each_way = value;
  else if (name == "-time-limit")
    options.time_limit_seconds = static_cast<double>(value);
  else if (name == "-seed")
    plans.seed = value;
  else if (name == "-size-max")
    plans.size_max = value;
  else if (name == "-resets")
    plans.resets_percent = percent;
  else if (name == "-late")
    plans.late_percent = percent;
  else if (name == "-slow")
    plans.slow_percent = percent;
  else if (name == "-crumbs")
    plans.tiny_chunks_percent = percent;
  else
    return sys::Error{"unknown option: " + name};
  return sys::Done{};
}

sys::Result<sys::Done> set_option(Options& options, const std::string& name,
                                  const std::string& value) {
  if (name == "-at") {
    auto endpoint = testing::parse_endpoint(value);
    if (!endpoint.ok()) return endpoint.error();
    options.endpoints.push_back(*endpoint);
    return sys::Done{};
  }
  if (name == "-records") {
    options.records = value;
    return sys::Done{};
  }
  auto number = parse_number(value);
  if (!number.ok()) return sys::Error{name + ": " + number.error().message};
  return set_number(options, name, *number);
}

}  // namespace

const char kUsage[] =
    "traffic serve -at=ADDRESS:PORT.. [-records=FILE]\n"
    "    plays the backends until its stdin ends, then prints a JSON report\n"
    "traffic drive -at=ADDRESS:PORT.. [-records=FILE] [-connections=1] [-bytes-each-way=0]\n"
    "    [-parallel=64] [-seed=1] [-size-max=67108864] [-resets=5] [-late=20] [-slow=10]\n"
    "    [-crumbs=5] [-time-limit=120]\n"
    "    plays the clients; percentages of connections; exit 1 unless every byte was right\n";

sys::Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  if (arguments.empty()) return sys::Error{"serve or drive?"};
  if (arguments[0] == "drive")
    options.mode = Options::Mode::drive;
  else if (arguments[0] != "serve")
    return sys::Error{"serve or drive, not " + arguments[0]};
  const auto done =
      testing::set_options(arguments, [&](const std::string& name, const std::string& value) {
        return set_option(options, name, value);
      });
  if (!done.ok()) return done.error();
  if (options.endpoints.empty()) return sys::Error{"-at is missing"};
  options.client.targets = options.endpoints;
  return options;
}

}  // namespace kite::traffic
