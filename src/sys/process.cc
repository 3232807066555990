#include "sys/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

namespace kite::sys {

namespace {

/// The second number of /proc/self/statm, in pages.
std::optional<uint64_t> resident_pages(std::string_view statm) {
  const size_t space = statm.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view rest = statm.substr(space + 1);
  uint64_t pages = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), pages);
  if (error != std::errc()) return std::nullopt;
  return pages;
}

std::optional<uint64_t> read_resident_bytes(int statm_fd) {
  std::array<char, 128> text{};
  const ssize_t bytes = ::pread(statm_fd, text.data(), text.size(), 0);
  if (bytes <= 0) return std::nullopt;
  const auto pages = resident_pages({text.data(), static_cast<size_t>(bytes)});
  if (!pages) return std::nullopt;
  return *pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<uint64_t> count_open_fds(int folder_fd) {
  struct stat folder {};
  if (folder_fd == -1 || ::fstat(folder_fd, &folder) == -1) return std::nullopt;
  if (folder.st_size <= 0) return std::nullopt;  // older kernels do not count
  return static_cast<uint64_t>(folder.st_size);
}

}  // namespace

Process::Process()
    : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      descriptors_(::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

ProcessUsage Process::usage() const {
  ProcessUsage usage;
  usage.resident_bytes = read_resident_bytes(statm_.get());
  usage.open_fds = count_open_fds(descriptors_.get());
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.fds_max = limit.rlim_cur;
  timespec cpu{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
    usage.cpu_time = std::chrono::seconds(cpu.tv_sec) + std::chrono::nanoseconds(cpu.tv_nsec);
  }
  return usage;
}

}  // namespace kite::sys
