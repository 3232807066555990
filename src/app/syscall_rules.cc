#include "app/syscall_rules.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>
#include <utility>

namespace kite::app {

namespace {

constexpr uint64_t kWord = UINT32_MAX;  // the kernel reads an int argument's lower half only

// Not every processor has every call: newer ones lack those that a more general one replaced.
constexpr int kPlainCalls[] = {
// Waiting.
#ifdef __NR_epoll_wait
    __NR_epoll_wait,
#endif
    __NR_epoll_pwait,
    __NR_epoll_ctl,
#ifdef __NR_poll
    __NR_poll,
#endif
    __NR_ppoll,
    // Sockets.
    __NR_accept4,
    __NR_connect,
    __NR_bind,
    __NR_listen,
    __NR_shutdown,
    __NR_getsockname,
    __NR_getpeername,
    __NR_getsockopt,
    __NR_recvfrom,
    __NR_recvmsg,
    __NR_sendto,
    __NR_sendmsg,
    // Bytes.
    __NR_splice,
    __NR_pipe2,
    __NR_read,
    __NR_readv,
    __NR_pread64,
    __NR_write,
    __NR_writev,
    __NR_lseek,
    __NR_close,
    // What a file is.
    __NR_fstat,
    __NR_newfstatat,
#ifdef __NR_stat
    __NR_stat,
    __NR_lstat,
#endif
    // Memory; what it is for is restricted below.
    __NR_munmap,
    __NR_mremap,
    __NR_brk,
    __NR_madvise,
    // Time and chance.
    __NR_clock_gettime,
    __NR_gettimeofday,
#ifdef __NR_time
    __NR_time,
#endif
    __NR_getrandom,
    // Who and where we are.
    __NR_getpid,
    __NR_gettid,
    __NR_getuid,
    __NR_geteuid,
    __NR_getgid,
    __NR_getegid,
    __NR_getrusage,
    __NR_uname,
    __NR_sysinfo,
    __NR_sched_getaffinity,
    // Signals, and the end.
    __NR_rt_sigaction,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_restart_syscall,
    __NR_exit,
    __NR_exit_group,
};

// A file is made beside another and renamed over it.
constexpr int kFileWritingCalls[] = {
#ifdef __NR_rename
    __NR_rename,
#endif
#ifdef __NR_renameat
    __NR_renameat,
#endif
    __NR_renameat2,
#ifdef __NR_unlink
    __NR_unlink,
#endif
    __NR_unlinkat,
};

// The leak checker stops the program from a process of its own when it ends, and reads /proc.
constexpr int kSanitizerCalls[] = {
    __NR_clone,
    __NR_clone3,
    __NR_ptrace,
    __NR_wait4,
    __NR_prctl,
    __NR_tkill,
    __NR_kill,
    __NR_getppid,
    __NR_sigaltstack,
    __NR_getdents64,
    __NR_readlinkat,
    __NR_futex,
    __NR_mmap,
    __NR_mprotect,
    __NR_sched_yield,
    __NR_nanosleep,
    __NR_dup,
    __NR_dup3,
    __NR_prlimit64,
    __NR_process_vm_readv,
    __NR_set_tid_address,
    __NR_tgkill,
    __NR_openat,
    __NR_clock_nanosleep,
#ifdef __NR_open
    __NR_open,
    __NR_readlink,
    __NR_getdents,
    __NR_pipe,
    __NR_dup2,
    __NR_access,
#endif
};

class RuleList {
 public:
  void allow(int number, std::initializer_list<ArgumentRule> arguments = {}) {
    SyscallRule rule{.number = number, .argument_count = 0, .arguments = {}};
    for (const ArgumentRule& argument : arguments) {
      rule.arguments[rule.argument_count++] = argument;
    }
    rules_.push_back(rule);
  }

  /// `number` if its argument `index`, an int, is one of `values`.
  void allow_values(int number, uint8_t index, std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) allow(number, {{index, kWord, value}});
  }

  std::vector<SyscallRule> take() { return std::move(rules_); }

 private:
  std::vector<SyscallRule> rules_;
};

/// Streams and datagrams of the internet: no raw packets, and no protocol that would be loaded as a
/// module because somebody asks for it.
void allow_sockets(RuleList& rules) {
  constexpr uint64_t kKind = 0xf;  // without SOCK_NONBLOCK and SOCK_CLOEXEC
  for (const uint64_t family : {AF_INET, AF_INET6}) {
    for (const uint64_t protocol : {uint64_t{0}, uint64_t{IPPROTO_TCP}}) {
      rules.allow(__NR_socket, {{0, kWord, family}, {1, kKind, SOCK_STREAM}, {2, kWord, protocol}});
    }
    for (const uint64_t protocol : {uint64_t{0}, uint64_t{IPPROTO_UDP}}) {
      rules.allow(__NR_socket, {{0, kWord, family}, {1, kKind, SOCK_DGRAM}, {2, kWord, protocol}});
    }
  }
}

/// Those that the kite, curl or c-ares set; not those that attach programs or load protocols.
void allow_socket_options(RuleList& rules) {
  const auto allow_options = [&](uint64_t level, std::initializer_list<uint64_t> names) {
    for (const uint64_t name : names) {
      rules.allow(__NR_setsockopt, {{1, kWord, level}, {2, kWord, name}});
    }
  };
  allow_options(SOL_SOCKET, {SO_REUSEADDR, SO_KEEPALIVE, SO_LINGER, SO_OOBINLINE, SO_SNDBUF,
                             SO_RCVBUF, SO_RCVLOWAT});
  allow_options(IPPROTO_TCP,
                {TCP_NODELAY, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT, TCP_CORK,
                 TCP_QUICKACK, TCP_DEFER_ACCEPT, TCP_NOTSENT_LOWAT});
  allow_options(IPPROTO_IP, {IP_TOS, IP_BIND_ADDRESS_NO_PORT});
  allow_options(IPPROTO_IPV6, {IPV6_V6ONLY, IPV6_TCLASS});
}

void allow_descriptor_control(RuleList& rules) {
  rules.allow_values(
      __NR_fcntl, 1,
      {F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_DUPFD_CLOEXEC, F_SETPIPE_SZ, F_GETPIPE_SZ});
  // TCGETS: what printf asks to find out whether it writes to a terminal.
  rules.allow_values(__NR_ioctl, 1, {FIONBIO, FIONREAD, SIOCOUTQ, TCGETS});
}

/// Memory is never made executable: code that was not in the program file does not run.
void allow_memory(RuleList& rules) {
  rules.allow(__NR_mmap, {{2, PROT_EXEC, 0}});
  rules.allow(__NR_mprotect, {{2, PROT_EXEC, 0}});
}

void allow_files(RuleList& rules, bool writes_files) {
  constexpr uint64_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  if (!writes_files) return rules.allow(__NR_openat, {{2, kWriting, O_RDONLY}});
  rules.allow(__NR_openat);
  for (const int number : kFileWritingCalls) rules.allow(number);
}

/// abort() signals the process it runs in; nobody else is ever signalled.
void allow_process(RuleList& rules) {
  rules.allow(__NR_tgkill, {{0, kWord, static_cast<uint64_t>(::getpid())}});
  // Limits are read, of this process, not set.
  rules.allow(__NR_prlimit64, {{0, kWord, 0}, {2, UINT64_MAX, 0}});
  // Locks of libraries, which nobody contends for: they wake whoever might wait.
  constexpr uint64_t kOperation = FUTEX_CMD_MASK & kWord;
  for (const uint64_t operation : {FUTEX_WAIT, FUTEX_WAKE, FUTEX_WAIT_BITSET}) {
    rules.allow(__NR_futex, {{1, kOperation, operation}});
  }
}

}  // namespace

std::vector<SyscallRule> allowed_syscalls(const SyscallNeeds& needs) {
  RuleList rules;
  for (const int number : kPlainCalls) rules.allow(number);
  allow_sockets(rules);
  allow_socket_options(rules);
  allow_descriptor_control(rules);
  allow_memory(rules);
  allow_files(rules, needs.writes_files);
  allow_process(rules);
  if (needs.sanitizers) {
    for (const int number : kSanitizerCalls) rules.allow(number);
  }
  return rules.take();
}

}  // namespace kite::app
