#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace kite::testing {

/// Runs `body` in a child process and returns the signal that ended it; 0 when it ran to its end.
/// The child's stderr is thrown away: a broken invariant prints what the test wants to see happen.
template <typename Body>
int signal_that_ends(Body body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    if (null != -1) ::dup2(null, STDERR_FILENO);
    // The test runner's handlers would report the child's end as the test's.
    for (const int number : {SIGABRT, SIGSEGV, SIGPIPE, SIGTERM}) std::signal(number, SIG_DFL);
    body();
    ::_exit(0);
  }
  int status = 0;
  if (child == -1 || ::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace kite::testing
