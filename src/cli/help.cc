#include "cli/help.h"

#include <string_view>

#include "cli/flags.h"

#ifndef KITE_VERSION
#error "the build passes KITE_VERSION"
#endif

namespace kite::cli {

namespace {

constexpr size_t kColumns = 80;
constexpr size_t kHelpColumn = 32;

constexpr std::string_view kHead =
    "ecs-task-kite listens on the ports of a container of another Amazon ECS task and\n"
    "forwards every TCP connection to one of the tasks that run it.\n"
    "\n"
    "Usage: ecs-task-kite [command] -name=<container> -family=<family> [flags]\n"
    "       ecs-task-kite [command] -name=<container> -service=<service> [flags]\n"
    "       ecs-task-kite healthcheck [-admin=<address:port>]\n"
    "\n"
    "Commands\n"
    "  run         the proxy; also without a command\n"
    "  list        ask AWS once, print the backends and why other tasks are left out\n"
    "  check       print where credentials come from, which IAM actions are allowed,\n"
    "              which backends can be reached, and the policy that is missing\n"
    "  healthcheck ask the running kite whether it is ready\n"
    "  wait        end when a backend can be connected to\n";

constexpr std::string_view kFoot =
    "\n"
    "Flags are written -flag=value, --flag=value or -flag value; a boolean is -flag\n"
    "or -flag=false. Durations are like 250ms, 5s, 1m30s. Every flag can also be set\n"
    "by an environment variable: KITE_ and its name in capitals, with '_' for '-',\n"
    "such as KITE_CONNECT_TIMEOUT=2s; the flag wins. Credentials come from where the\n"
    "AWS SDKs take them: environment, web identity, profile, container endpoint,\n"
    "instance role.\n";

/// "  -port=<..>", filled up to where the explanation starts.
std::string flag_column(const FlagSpec& spec) {
  std::string text = "  -" + std::string(spec.name);
  if (!spec.placeholder.empty()) text += "=" + std::string(spec.placeholder);
  // Two spaces at least, or the explanation starts on a line of its own.
  if (text.size() + 2 > kHelpColumn) return text + "\n" + std::string(kHelpColumn, ' ');
  text.resize(kHelpColumn, ' ');
  return text;
}

/// Appends `words` broken into lines that start at kHelpColumn.
void append_wrapped(std::string& out, std::string_view words) {
  size_t column = kHelpColumn;
  bool first = true;
  while (!words.empty()) {  // ends: each round takes a word
    const size_t space = words.find(' ');
    const std::string_view word = words.substr(0, space);
    words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
    if (!first && column + 1 + word.size() > kColumns) {
      out += "\n" + std::string(kHelpColumn, ' ');
      column = kHelpColumn;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  out += '\n';
}

std::string_view architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "other architecture";
#endif
}

std::string_view compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string_view build_kind() {
#if defined(__SANITIZE_ADDRESS__)
  return "sanitizers";
#elif defined(_FORTIFY_SOURCE)
  return "release";
#else
  return "debug";
#endif
}

}  // namespace

std::string help_text() {
  std::string text(kHead);
  for (size_t i = 0; i < kTopicCount; ++i) {
    const auto topic = static_cast<Topic>(i);
    text += "\n" + std::string(topic_title(topic)) + "\n";
    for (const FlagSpec& spec : flag_specs()) {
      if (spec.topic != topic) continue;
      std::string explanation(spec.help);
      if (!spec.default_text.empty()) {
        explanation += " Default: " + std::string(spec.default_text) + ".";
      }
      text += flag_column(spec);
      append_wrapped(text, explanation);
    }
  }
  return text + std::string(kFoot);
}

std::string version_text(std::span<const Library> libraries) {
  std::string text = "ecs-task-kite " KITE_VERSION "\nbuild: ";
  text += compiler();
  text += ", ";
  text += build_kind();
  text += ", ";
  text += architecture();
  text += '\n';
  for (const auto& [name, version] : libraries) text += name + ": " + version + "\n";
  return text;
}

std::string usage_error_text(const sys::Error& error) {
  const char* stop = error.message.ends_with('?') ? "\n" : ".\n";
  return "ecs-task-kite: " + error.message + stop + "Run ecs-task-kite -help for all flags.\n";
}

}  // namespace kite::cli
