#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/app.h"
#include "app/capabilities.h"
#include "app/syscall_filter.h"
#include "aws/library_versions.h"
#include "aws/settings.h"
#include "cli/check_command.h"
#include "cli/config.h"
#include "cli/healthcheck_command.h"
#include "cli/help.h"
#include "cli/list_command.h"
#include "cli/wait_command.h"
#include "http/library_versions.h"
#include "http/proxy_rules.h"
#include "sys/environment.h"
#include "sys/heap.h"
#include "sys/library_versions.h"

namespace {

constexpr int kExitUsage = 2;

void print(std::FILE* stream, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stream);
}

std::vector<kite::cli::Library> libraries() {
  std::vector<kite::cli::Library> all = kite::http::library_versions();
  for (auto& library : kite::aws::library_versions()) all.push_back(std::move(library));
  all.emplace_back("libseccomp", kite::app::seccomp_library_version());
  for (auto& library : kite::sys::library_versions()) all.push_back(std::move(library));
  return all;
}

int run_command(const kite::cli::Config& config, const kite::aws::Settings& settings,
                const kite::aws::InstanceMetadataPlan& metadata_plan) {
  using kite::cli::Command;
  switch (config.command) {
    case Command::run:
      return kite::app::App(config, settings, metadata_plan).run();
    case Command::list:
      return kite::cli::run_list(config, settings, metadata_plan);
    case Command::check:
      return kite::cli::run_check(config, settings, metadata_plan);
    case Command::healthcheck:
      break;  // asked before anything of AWS was read
    case Command::wait:
      return kite::cli::run_wait(config, settings, metadata_plan);
  }
  return 0;
}

int cannot_start(const kite::sys::Error& error) {
  print(stderr, kite::cli::usage_error_text(error));
  return kExitUsage;
}

}  // namespace

int main(int argc, char** argv) {
  kite::sys::configure_heap();
  // splice(2) to a closed peer raises SIGPIPE; the error return says the same.
  std::signal(SIGPIPE, SIG_IGN);
  // Without the runtime's farewell on standard error, which could block: out of memory ends us.
  std::set_terminate([] { std::abort(); });
  const auto environment = kite::sys::Environment::of_process();
  const std::vector<std::string> args(argv + 1, argv + argc);
  const auto invocation = kite::cli::parse_command_line(args, environment);
  if (!invocation.ok()) {
    print(stderr, kite::cli::usage_error_text(invocation.error()));
    return kExitUsage;
  }
  if (std::holds_alternative<kite::cli::ShowHelp>(*invocation)) {
    print(stdout, kite::cli::help_text());
    return 0;
  }
  if (std::holds_alternative<kite::cli::ShowVersion>(*invocation)) {
    print(stdout, kite::cli::version_text(libraries()));
    return 0;
  }
  const auto& config = std::get<kite::cli::Config>(*invocation);
  if (config.command == kite::cli::Command::healthcheck) {
    const kite::cli::HealthAnswer answer = kite::cli::ask_health(config.admin);
    print(answer.ready ? stdout : stderr, answer.message + "\n");
    return answer.ready ? 0 : 1;
  }
  std::optional<kite::app::OrdinaryReader> reader;
  if (config.sandbox != kite::cli::SandboxMode::off) reader.emplace();
  const auto settings = kite::aws::Settings::read(environment);
  if (!settings.ok()) return cannot_start(settings.error());
  const auto proxies = kite::http::ProxyRules::read(environment);
  if (!proxies.ok()) return cannot_start(proxies.error());
  const auto metadata_plan = kite::aws::plan_instance_metadata(*settings);
  if (!metadata_plan.ok()) return cannot_start(metadata_plan.error());
  // The other commands look as it will look to what serves, which opens some things before.
  if (config.command == kite::cli::Command::run) reader.reset();
  return run_command(config, *settings, *metadata_plan);
}
