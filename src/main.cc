#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "app/app.h"
#include "aws/library_versions.h"
#include "cli/config.h"
#include "cli/help.h"
#include "http/library_versions.h"
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
  for (auto& library : kite::sys::library_versions()) all.push_back(std::move(library));
  return all;
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
  const auto metadata_plan = kite::aws::plan_instance_metadata(environment);
  if (!metadata_plan.ok()) {
    print(stderr, kite::cli::usage_error_text(metadata_plan.error()));
    return kExitUsage;
  }
  return kite::app::App(std::get<kite::cli::Config>(*invocation), environment, *metadata_plan)
      .run();
}
