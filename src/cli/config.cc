#include "cli/config.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/readers.h"

namespace kite::cli {

namespace {

struct CommandWord {
  Command command;
  std::string_view word;
};
constexpr std::array kCommandWords = {
    CommandWord{Command::run, "run"},     CommandWord{Command::list, "list"},
    CommandWord{Command::check, "check"}, CommandWord{Command::healthcheck, "healthcheck"},
    CommandWord{Command::wait, "wait"},
};

std::string command_words() {
  std::string words;
  for (const CommandWord& each : kCommandWords) {
    if (!words.empty()) words += ", ";
    words += each.word;
  }
  return words;
}

}  // namespace

sys::Result<Command> take_command(std::span<const std::string>& args) {
  if (args.empty() || args.front().empty() || args.front().front() == '-') return Command::run;
  const std::string& word = args.front();
  const auto found = std::ranges::find_if(
      kCommandWords, [&](const CommandWord& each) { return each.word == word; });
  if (found == kCommandWords.end()) {
    return sys::Error{"unknown command " + quoted(word) + ": there is " + command_words() +
                      "; flags start with '-', such as -name=app"};
  }
  args = args.subspan(1);
  return found->command;
}

sys::Result<Config> make_config(const RawFlags& raw, Command command) {
  Config config;
  config.command = command;
  if (command == Command::healthcheck) {  // whatever else the environment says is the proxy's
    if (auto problem = read_admin(raw, config)) return *problem;
    return config;
  }
  for (const auto step : {read_targets, read_connections, read_limits, read_balancing,
                          read_discovery, read_logging, read_admin, read_program, read_commands}) {
    if (auto problem = step(raw, config)) return *problem;
  }
  return config;
}

sys::Result<Invocation> parse_command_line(std::span<const std::string> args,
                                           const sys::Environment& environment) {
  const auto command = take_command(args);
  if (!command.ok()) return command.error();
  const auto raw = read_flags(args, environment);
  if (!raw.ok()) return raw.error();
  if (raw->is_true(FlagId::help)) return Invocation(ShowHelp{});
  if (raw->is_true(FlagId::version)) return Invocation(ShowVersion{});
  auto config = make_config(raw.value(), command.value());
  if (!config.ok()) return config.error();
  return Invocation(std::move(config.value()));
}

}  // namespace kite::cli
