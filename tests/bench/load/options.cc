#include "tests/bench/load/options.h"

#include <charconv>
#include <map>
#include <string_view>

#include "tests/bench/load/order.h"
#include "tests/support/tool_options.h"

namespace kite::load {
namespace {

using Mode = Options::Mode;
using Direction = BulkClient::Direction;

const std::map<std::string_view, Mode> kModes = {{"serve", Mode::serve},
                                                 {"bulk", Mode::bulk},
                                                 {"exchange", Mode::exchange},
                                                 {"connect", Mode::connect}};
const std::map<std::string_view, Direction> kDirections = {
    {"down", Direction::down}, {"up", Direction::up}, {"echo", Direction::echo}};

sys::Result<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    return sys::Error{"not a number: " + std::string(text)};
  }
  return number;
}

sys::Result<sys::Done> set_number(Options& options, const std::string& name, double value) {
  if (name == "-connections")
    options.connections = static_cast<size_t>(value);
  else if (name == "-idle")
    options.idle = static_cast<size_t>(value);
  else if (name == "-bytes")
    options.bytes = static_cast<uint32_t>(value);
  else if (name == "-rate")
    options.per_second = value;
  else if (name == "-seconds")
    options.measurement.seconds = value;
  else if (name == "-warm-up")
    options.measurement.warm_up_seconds = value;
  else if (name == "-cpu-of")
    options.measurement.cpu_of.push_back(static_cast<pid_t>(value));
  else if (name == "-attended")
    options.measurement.attended = value != 0;
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
  if (name == "-direction") {
    const auto found = kDirections.find(value);
    if (found == kDirections.end()) return sys::Error{"no such direction: " + value};
    options.direction = found->second;
    return sys::Done{};
  }
  auto number = parse_number(value);
  if (!number.ok()) return sys::Error{name + ": " + number.error().message};
  return set_number(options, name, *number);
}

}  // namespace

const char kUsage[] =
    "load serve -at=ADDRESS:PORT..\n"
    "    plays the backends until its stdin ends\n"
    "load bulk -at=ADDRESS:PORT.. [-direction=down|up|echo] [-connections=4]\n"
    "load exchange -at=ADDRESS:PORT.. [-connections=4] [-bytes=100] [-rate=PER_SECOND]\n"
    "load connect -at=ADDRESS:PORT.. [-connections=4] [-bytes=100] [-rate=PER_SECOND]\n"
    "    play the clients and print one line of JSON; without a rate as fast as it goes\n"
    "    all three: [-seconds=2] [-warm-up=0.2] [-idle=0] [-cpu-of=PID..] [-attended=0]\n"
    "    attended: says \"ready\" and begins at a line on stdin, ends when stdin does\n";

sys::Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  const auto mode = kModes.find(arguments.empty() ? "" : arguments[0]);
  if (mode == kModes.end()) return sys::Error{"which mode?"};
  options.mode = mode->second;
  const auto done =
      testing::set_options(arguments, [&](const std::string& name, const std::string& value) {
        return set_option(options, name, value);
      });
  if (!done.ok()) return done.error();
  if (options.endpoints.empty()) return sys::Error{"-at is missing"};
  if (options.connections == 0 || options.bytes <= sizeof(Order)) {
    return sys::Error{"-connections must be at least 1, -bytes more than an order's 32"};
  }
  return options;
}

}  // namespace kite::load
