#include "tests/support/sandboxed.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>

#include "app/refused_calls.h"
#include "sys/owned_fd.h"

namespace kite::testing {

namespace {

void run_child(int report_fd, const std::function<void(Sandboxed&)>& body,
               const SandboxedOptions& options) {
  // The test runner's handlers would report the child's end as the test's.
  for (const int number : {SIGABRT, SIGSEGV, SIGPIPE, SIGTERM}) std::signal(number, SIG_DFL);
  options.before();
  const sys::SystemClock clock;
  event::Reactor reactor(clock);
  KeptLog log(clock);
  app::RefusedCalls refused(reactor, log.logger);
  Sandboxed inside{app::enter_sandbox(options.needs), reactor, log, {}};
  body(inside);
  const std::string& report = inside.complaints;
  static_cast<void>(!::write(report_fd, report.data(), report.size()));
  // Not by _exit(): before it ASan makes a call that the sandbox refuses.
  ::syscall(SYS_exit_group, 0);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> piece;
  ssize_t got = 0;
  while ((got = ::read(fd, piece.data(), piece.size())) > 0) {  // ends: at the writer's end
    text.append(piece.data(), static_cast<size_t>(got));
  }
  return text;
}

}  // namespace

std::string complaints_in_sandbox(const std::function<void(Sandboxed&)>& body,
                                  const SandboxedOptions& options) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const sys::OwnedFd reading(ends[0]);
  sys::OwnedFd writing(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) run_child(writing.get(), body, options);
  writing.reset();
  std::string complaints = read_all(reading.get());
  int status = 0;
  if (child == -1 || ::waitpid(child, &status, 0) != child) return "no child";
  if (WIFSIGNALED(status)) complaints += "ended by signal " + std::to_string(WTERMSIG(status));
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0) complaints += "the child failed";
  return complaints;
}

std::string own_status(const std::string& field) {
  std::ifstream lines("/proc/self/status");
  std::string line;
  while (std::getline(lines, line)) {  // ends: the file does
    if (line.starts_with(field + ":\t")) return line.substr(field.size() + 2);
  }
  return "no field " + field;
}

}  // namespace kite::testing
