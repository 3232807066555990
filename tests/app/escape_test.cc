#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <string>

#include "tests/support/sandboxed.h"

namespace kite::app {

using testing::complaints_in_sandbox;
using testing::Sandboxed;

namespace {

/// A system call with arguments that the kernel would take from somebody who may.
struct Attempt {
  const char* what;
  long number;
  std::array<long, 5> arguments{};
};

long address_of(const void* thing) {
  return reinterpret_cast<long>(thing);
}

char* const kNothing[] = {nullptr};
char page_of_memory[4096];

/// Other programs and processes.
const Attempt kProcesses[] = {
    {"execve", SYS_execve, {address_of("/bin/true"), address_of(kNothing), address_of(kNothing)}},
    {"execveat",
     SYS_execveat,
     {AT_FDCWD, address_of("/bin/true"), address_of(kNothing), address_of(kNothing), 0}},
    {"fork", SYS_clone, {SIGCHLD}},
    {"clone a thread", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND}},
    {"clone a user namespace", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
    {"clone3", SYS_clone3, {address_of(page_of_memory), 88}},
#ifdef SYS_fork
    {"fork by its own call", SYS_fork},
    {"vfork", SYS_vfork},
#endif
    {"ptrace another", SYS_ptrace, {PTRACE_ATTACH, 1}},
    {"ptrace me", SYS_ptrace, {PTRACE_TRACEME}},
    {"read another's memory", SYS_process_vm_readv, {1}},
    {"write another's memory", SYS_process_vm_writev, {1}},
    {"take another's descriptor", SYS_pidfd_getfd, {0}},
    {"open another", SYS_pidfd_open, {1}},
    {"kill everybody", SYS_kill, {-1, 0}},
    {"kill init", SYS_kill, {1, 0}},
    {"tgkill init", SYS_tgkill, {1, 1, 0}},
    {"tkill init", SYS_tkill, {1, 0}},
    {"queue a signal", SYS_rt_sigqueueinfo, {1, 0, address_of(page_of_memory)}},
    {"limit another", SYS_prlimit64, {1, 7, 0, address_of(page_of_memory)}},
    {"raise a limit", SYS_prlimit64, {0, 7, address_of(page_of_memory)}},
};

/// The machine and the kernel.
const Attempt kKernel[] = {
    {"load a module", SYS_init_module, {address_of(page_of_memory), 4096, address_of("")}},
    {"load a module's file", SYS_finit_module, {0, address_of(""), 0}},
    {"unload a module", SYS_delete_module, {address_of("loop"), O_NONBLOCK}},
    {"kexec", SYS_kexec_load},
    {"reboot", SYS_reboot, {0}},
    {"mount",
     SYS_mount,
     {address_of("none"), address_of("/tmp"), address_of("tmpfs"), 0, address_of("")}},
    {"unmount", SYS_umount2, {address_of("/tmp"), 0}},
    {"open a tree of mounts", SYS_open_tree, {AT_FDCWD, address_of("/"), 0}},
    {"change the root", SYS_chroot, {address_of("/tmp")}},
    {"swap the root", SYS_pivot_root, {address_of("/tmp"), address_of("/tmp")}},
    {"a new user namespace", SYS_unshare, {CLONE_NEWUSER}},
    {"a new network", SYS_unshare, {CLONE_NEWNET}},
    {"enter a namespace", SYS_setns, {0, CLONE_NEWNET}},
    {"bpf", SYS_bpf, {BPF_MAP_CREATE, address_of(page_of_memory), 72}},
    {"perf_event_open", SYS_perf_event_open, {address_of(page_of_memory), 0, -1, -1, 0}},
    {"io_uring_setup", SYS_io_uring_setup, {1, address_of(page_of_memory)}},
    {"userfaultfd", SYS_userfaultfd, {0}},
    {"keyctl", SYS_keyctl, {0}},
    {"add a key", SYS_add_key, {address_of("user"), address_of("a"), address_of("b"), 1, -3}},
    {"read the kernel's log", SYS_syslog, {3, address_of(page_of_memory), 4096}},
    {"set the clock", SYS_clock_settime, {0, address_of(page_of_memory)}},
    {"set the host's name", SYS_sethostname, {address_of("a"), 1}},
    {"set up swap", SYS_swapon, {address_of("/tmp/swap"), 0}},
    {"another seccomp filter", SYS_seccomp, {1, 0, address_of(page_of_memory)}},
    {"become dumpable", SYS_prctl, {PR_SET_DUMPABLE, 1}},
    {"another personality", SYS_personality, {0x0040000}},  // makes what is readable executable
};

/// Files, identities, memory and sockets.
const Attempt kThings[] = {
    {"open for writing", SYS_openat, {AT_FDCWD, address_of("/dev/null"), O_WRONLY}},
    {"open for both", SYS_openat, {AT_FDCWD, address_of("/dev/null"), O_RDWR}},
    {"create", SYS_openat, {AT_FDCWD, address_of("/tmp/escaped"), O_CREAT, 0600}},
    {"truncate while opening", SYS_openat, {AT_FDCWD, address_of("/dev/null"), O_TRUNC}},
    {"an unnamed file", SYS_openat, {AT_FDCWD, address_of("/tmp"), O_TMPFILE | O_RDWR, 0600}},
    {"openat2", SYS_openat2, {AT_FDCWD, address_of("/dev/null"), address_of(page_of_memory), 24}},
    {"open by handle", SYS_open_by_handle_at, {AT_FDCWD, address_of(page_of_memory), 0}},
    {"a file of memory", SYS_memfd_create, {address_of("a"), 0}},
    {"truncate", SYS_truncate, {address_of("/tmp/escaped"), 0}},
    {"rename", SYS_renameat2, {AT_FDCWD, address_of("/tmp/a"), AT_FDCWD, address_of("/tmp/b"), 0}},
    {"unlink", SYS_unlinkat, {AT_FDCWD, address_of("/tmp/a"), 0}},
    {"link", SYS_linkat, {AT_FDCWD, address_of("/tmp/a"), AT_FDCWD, address_of("/tmp/b"), 0}},
    {"symlink", SYS_symlinkat, {address_of("/tmp/a"), AT_FDCWD, address_of("/tmp/b")}},
    {"mkdir", SYS_mkdirat, {AT_FDCWD, address_of("/tmp/escaped"), 0700}},
    {"a device", SYS_mknodat, {AT_FDCWD, address_of("/tmp/escaped"), 0020600, 0x103}},
    {"chmod", SYS_fchmodat, {AT_FDCWD, address_of("/tmp"), 01777}},
    {"fchmod", SYS_fchmod, {-1, 0600}},
    {"chown", SYS_fchownat, {AT_FDCWD, address_of("/tmp"), 0, 0, 0}},
    {"an attribute", SYS_setxattr, {address_of("/tmp"), address_of("user.a"), 0, 0, 0}},
    {"list a folder", SYS_getdents64, {0, address_of(page_of_memory), 4096}},
    {"setuid", SYS_setuid, {0}},
    {"setgid", SYS_setgid, {0}},
    {"setresuid", SYS_setresuid, {0, 0, 0}},
    {"setgroups", SYS_setgroups, {0, 0}},
    {"capset", SYS_capset, {address_of(page_of_memory), address_of(page_of_memory)}},
    {"map executable memory",
     SYS_mmap,
     {0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
    {"make memory executable", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
    {"shared memory", SYS_shmget, {0, 4096, 01600}},
    {"a raw socket", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_ICMP}},
    {"a raw v6 socket", SYS_socket, {AF_INET6, SOCK_RAW, IPPROTO_ICMPV6}},
    {"a packet socket", SYS_socket, {AF_PACKET, SOCK_DGRAM, 0}},
    {"a ping socket", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_ICMP}},
    {"an sctp socket", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP}},
    {"a netlink socket", SYS_socket, {AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE}},
    {"a unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
    {"a vsock", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
    {"an alg socket", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
    {"a program on a socket", SYS_setsockopt, {0, SOL_SOCKET, SO_ATTACH_FILTER}},
    {"another protocol on a socket", SYS_setsockopt, {0, IPPROTO_TCP, TCP_ULP}},
    {"type into the terminal", SYS_ioctl, {0, TIOCSTI, address_of("a")}},
    {"signals from a descriptor", SYS_fcntl, {0, F_SETOWN, 1}},
};

/// An errno of its own for each would need each to get past the filter: EPERM and the line in the
/// log together say that it was the filter.
void attempt_all(Sandboxed& inside, std::span<const Attempt> attempts) {
  // Not one of these may happen for lack of what refuses them.
  inside.expect(inside.state.syscalls_allowed > 0, "no filter");
  if (inside.state.syscalls_allowed == 0) return;
  for (const Attempt& attempt : attempts) {
    const auto& a = attempt.arguments;
    errno = 0;
    const long result = ::syscall(attempt.number, a[0], a[1], a[2], a[3], a[4]);
    inside.expect(result == -1 && errno == EPERM, std::string(attempt.what) + " gave " +
                                                      std::to_string(result) + ", errno " +
                                                      std::to_string(errno));
    inside.hear_refusals();
    const std::string number = "number=" + std::to_string(attempt.number) + " ";
    const size_t lines = inside.log.count(number);
    inside.expect(lines == 1, std::string(attempt.what) + " is logged " + std::to_string(lines));
  }
}

}  // namespace

TEST_CASE("sandbox: other programs and processes are out of reach") {
  CHECK(complaints_in_sandbox([](Sandboxed& in) { attempt_all(in, kProcesses); }) == "");
}

TEST_CASE("sandbox: machine and kernel are out of reach") {
  CHECK(complaints_in_sandbox([](Sandboxed& in) { attempt_all(in, kKernel); }) == "");
}

TEST_CASE("sandbox: files, identities, memory and sockets are out of reach") {
  CHECK(complaints_in_sandbox([](Sandboxed& in) { attempt_all(in, kThings); }) == "");
}

#ifdef __x86_64__
TEST_CASE("sandbox: the table of 32-bit programs is no way around") {
  const std::string end = complaints_in_sandbox([](Sandboxed& inside) {
    long result = 20;  // getpid, in that table
    asm volatile("int $0x80" : "+a"(result) : : "memory");
    inside.expect(false, "it came back with " + std::to_string(result));
  });
  // SIGSYS by the filter; SIGSEGV where the kernel has no such table.
  const bool refused = end == "ended by signal " + std::to_string(SIGSYS) ||
                       end == "ended by signal " + std::to_string(SIGSEGV);
  CHECK_MESSAGE(refused, end);
}

TEST_CASE("sandbox: the table of x32 programs is no way around") {
  constexpr long kX32 = 0x40000000;
  const std::string end = complaints_in_sandbox([](Sandboxed& inside) {
    const long result = ::syscall(kX32 | SYS_getpid);
    inside.expect(result == -1, "it came back with " + std::to_string(result));
  });
  const bool refused = end.empty() || end == "ended by signal " + std::to_string(SIGSYS);
  CHECK_MESSAGE(refused, end);
}
#endif

}  // namespace kite::app
