#include "app/sandbox.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "app/refused_calls.h"
#include "sys/pipe.h"
#include "sys/random.h"
#include "sys/socket.h"
#include "tests/support/sandboxed.h"

namespace kite::app {

using testing::complaints_in_sandbox;
using testing::own_status;
using testing::Sandboxed;

namespace {

constexpr uint64_t kBindOnly = uint64_t{1} << CAP_NET_BIND_SERVICE;
constexpr uid_t kNobody = 65534;

uint64_t own_capabilities(const std::string& set) {
  return std::strtoull(own_status(set).c_str(), nullptr, 16);
}

bool may_bind_low_ports() {
  return (own_capabilities("CapPrm") & kBindOnly) != 0;
}

/// Everything but capabilities, which depend on who runs the tests.
void expect_all_in_force(Sandboxed& inside) {
  for (const std::string& problem : inside.state.problems) inside.expect(false, problem);
  inside.expect(inside.state.no_new_privileges, "no_new_privs is not set");
  inside.expect(!inside.state.dumpable, "dumpable");
  inside.expect(inside.state.syscalls_allowed > 50, "no filter");
  inside.expect(own_status("NoNewPrivs") == "1", "NoNewPrivs " + own_status("NoNewPrivs"));
  inside.expect(own_status("Seccomp") == "2", "Seccomp " + own_status("Seccomp"));
  for (const char* set : {"CapEff", "CapPrm"}) {
    inside.expect((own_capabilities(set) & ~kBindOnly) == 0, set + (" " + own_status(set)));
  }
  for (const char* set : {"CapInh", "CapAmb"}) {
    inside.expect(own_capabilities(set) == 0, set + (" " + own_status(set)));
  }
}

void become_nobody() {
  KITE_CHECK(::setgroups(0, nullptr) == 0, "root may");
  KITE_CHECK(::setresgid(kNobody, kNobody, kNobody) == 0, "root may");
  KITE_CHECK(::setresuid(kNobody, kNobody, kNobody) == 0, "root may");
}

void drop_all_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> nothing{};
  KITE_CHECK(::syscall(SYS_capset, &header, nothing.data()) == 0, "giving up is allowed");
}

/// As a kernel without seccomp, or a container runtime that refuses it.
void refuse_seccomp() {
  KITE_CHECK(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "it is always allowed");
  const scmp_filter_ctx filter = ::seccomp_init(SCMP_ACT_ALLOW);
  KITE_CHECK(::seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SYS_seccomp, 0) == 0, "a rule");
  const scmp_arg_cmp filtering{0, SCMP_CMP_EQ, PR_SET_SECCOMP, 0};
  KITE_CHECK(
      ::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EINVAL), SYS_prctl, 1, &filtering) == 0,
      "a rule");
  KITE_CHECK(::seccomp_load(filter) == 0, "this filter is loaded");
  ::seccomp_release(filter);
}

/// A byte through a connection of ours by way of a pipe, as tunnels do it.
void expect_forwarding(Sandboxed& inside) {
  const auto listener = sys::listen_tcp(*sys::Endpoint::parse("127.0.0.1", 0), {});
  inside.expect(listener.ok(), "listen");
  if (!listener.ok()) return;
  int saved_errno = 0;
  const auto near = sys::connect_tcp(sys::local_endpoint(listener->get()), saved_errno);
  inside.expect(near.valid(), "connect");
  sys::OwnedFd far;
  sys::Endpoint peer;
  inside.expect(
      sys::accept_tcp(listener->get(), far, peer, saved_errno) == sys::AcceptStep::accepted,
      "accept");
  sys::keep_alive(far.get(), {});
  sys::reset_on_close(far.get());
  sys::PipePool pipes({.pipes_max = 1});
  std::array<int, 2> pipe{};
  inside.expect(::pipe2(pipe.data(), O_NONBLOCK | O_CLOEXEC) == 0, "pipe2");
  inside.expect(::fcntl(pipe[1], F_SETPIPE_SZ, 65536) >= 65536, "F_SETPIPE_SZ");
  inside.expect(::send(near.get(), "x", 1, MSG_NOSIGNAL) == 1, "send");
  inside.expect(::splice(far.get(), nullptr, pipe[1], nullptr, 10, SPLICE_F_NONBLOCK) == 1,
                "splice from a socket");
  inside.expect(::splice(pipe[0], nullptr, far.get(), nullptr, 10, SPLICE_F_NONBLOCK) == 1,
                "splice to a socket");
  char byte = 0;
  inside.expect(::recv(near.get(), &byte, 1, 0) == 1 && byte == 'x', "recv");
  sys::shutdown_write(far.get());
  inside.expect(sys::unacknowledged_bytes(far.get()) < 10, "SIOCOUTQ");
  const sys::OwnedFd datagrams(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP));
  inside.expect(datagrams.valid(), "a datagram socket, for names");
}

void expect_no_refusal(Sandboxed& inside) {
  inside.hear_refusals();
  for (const std::string& line : inside.log.lines) inside.expect(false, line);
}

}  // namespace

TEST_CASE("sandbox: everything is in force, and the state says so") {
  const bool may_bind = may_bind_low_ports();
  CHECK(complaints_in_sandbox([&](Sandboxed& inside) {
          expect_all_in_force(inside);
          const char* left = may_bind ? "net_bind_service" : "none";
          inside.expect(inside.state.capabilities == left, inside.state.capabilities);
          if (::geteuid() == 0) {
            inside.expect((own_capabilities("CapBnd") & ~kBindOnly) == 0, own_status("CapBnd"));
          }
          expect_no_refusal(inside);
        }) == "");
}

TEST_CASE("sandbox: forwarding, names and memory work inside") {
  CHECK(complaints_in_sandbox([](Sandboxed& inside) {
          expect_forwarding(inside);
          const sys::OwnedFd file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
          inside.expect(file.valid(), "open for reading");
          struct stat about {};
          inside.expect(::fstat(file.get(), &about) == 0, "fstat");
          std::vector<char> large(8 << 20, 'x');
          large.resize(16 << 20);
          inside.expect(large.back() == 0, "memory");
          inside.expect(sys::seed_from_kernel() != 0, "getrandom");
          expect_no_refusal(inside);
        }) == "");
}

TEST_CASE("sandbox: a low port can still be bound by who could before") {
  if (!may_bind_low_ports()) return;
  CHECK(complaints_in_sandbox([](Sandboxed& inside) {
          const auto listener = sys::listen_tcp(*sys::Endpoint::parse("127.0.0.3", 809), {});
          inside.expect(listener.ok(), listener.ok() ? "" : listener.error().message);
        }) == "");
}

TEST_CASE("sandbox: a broken invariant still ends the process as one") {
  const SyscallNeeds needs{.sanitizers = built_with_sanitizers()};
  CHECK(complaints_in_sandbox([](Sandboxed&) { std::abort(); }, {.needs = needs}) ==
        "ended by signal " + std::to_string(SIGABRT));
}

TEST_CASE("sandbox: a file is written only where that was asked for") {
  char folder[] = "/tmp/kite-sandbox-XXXXXX";
  REQUIRE(::mkdtemp(folder) != nullptr);
  const std::string old_path = std::string(folder) + "/new";
  const std::string new_path = std::string(folder) + "/cache";
  const auto replace_file = [&](Sandboxed& inside) {
    const sys::OwnedFd file(::open(old_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    inside.expect(file.valid() && ::write(file.get(), "x", 1) == 1, "write");
    inside.expect(::rename(old_path.c_str(), new_path.c_str()) == 0, "rename");
  };
  CHECK(complaints_in_sandbox(replace_file, {.needs = {.writes_files = true}}) == "");
  CHECK(::access(new_path.c_str(), R_OK) == 0);
  CHECK(complaints_in_sandbox(replace_file) == "write\nrename\n");
  ::unlink(new_path.c_str());
  ::rmdir(folder);
}

TEST_CASE("sandbox: any user can enter it") {
  if (::geteuid() != 0) return;
  CHECK(complaints_in_sandbox(
            [](Sandboxed& inside) {
              expect_all_in_force(inside);
              inside.expect(inside.state.capabilities == "none", inside.state.capabilities);
              expect_forwarding(inside);
              expect_no_refusal(inside);
            },
            {.needs = {}, .before = become_nobody}) == "");
}

TEST_CASE("sandbox: root without any capability can enter it") {
  CHECK(complaints_in_sandbox(
            [](Sandboxed& inside) {
              expect_all_in_force(inside);
              inside.expect(inside.state.capabilities == "none", inside.state.capabilities);
            },
            {.needs = {}, .before = drop_all_capabilities}) == "");
}

TEST_CASE("sandbox: without seccomp the rest is in force, and one sentence says what is not") {
  CHECK(complaints_in_sandbox(
            [](Sandboxed& inside) {
              inside.expect(inside.state.syscalls_allowed == 0, "a filter");
              inside.expect(inside.state.no_new_privileges, "no_new_privs is not set");
              inside.expect(!inside.state.dumpable, "dumpable");
              inside.expect(inside.state.problems.size() == 1, "problems");
              for (const std::string& problem : inside.state.problems) {
                const bool tells = problem.starts_with(
                    "system calls cannot be filtered: seccomp: "
                    "Invalid argument; ");
                inside.expect(tells, problem);
              }
            },
            {.needs = {}, .before = refuse_seccomp}) == "");
}

TEST_CASE("sandbox: a signal that somebody sends is not taken for a refused call") {
  CHECK(complaints_in_sandbox([](Sandboxed& inside) {
          inside.expect(::syscall(SYS_tgkill, ::getpid(), ::gettid(), SIGSYS) == 0, "tgkill");
          expect_no_refusal(inside);
        }) == "");
}

TEST_CASE("sandbox: the rules differ by what is asked for alone") {
  const auto plain = allowed_syscalls({}).size();
  CHECK(allowed_syscalls({.writes_files = true}).size() > plain);
  CHECK(allowed_syscalls({.sanitizers = true}).size() > plain);
}

}  // namespace kite::app
