#include "app/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace kite::app {

namespace {

using Words = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

constexpr uint64_t kReadAnything =
    (uint64_t{1} << CAP_DAC_OVERRIDE) | (uint64_t{1} << CAP_DAC_READ_SEARCH);

}  // namespace

bool read_capabilities(CapabilitySets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Words words{};
  if (::syscall(SYS_capget, &header, words.data()) != 0) return false;
  const auto join = [](uint32_t low, uint32_t high) { return (uint64_t{high} << 32) | low; };
  sets.effective = join(words[0].effective, words[1].effective);
  sets.permitted = join(words[0].permitted, words[1].permitted);
  sets.inheritable = join(words[0].inheritable, words[1].inheritable);
  return true;
}

bool write_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  Words words{};
  for (uint32_t i = 0; i < words.size(); ++i) {
    const uint32_t shift = 32 * i;
    words[i] = {.effective = static_cast<uint32_t>(sets.effective >> shift),
                .permitted = static_cast<uint32_t>(sets.permitted >> shift),
                .inheritable = static_cast<uint32_t>(sets.inheritable >> shift)};
  }
  return ::syscall(SYS_capset, &header, words.data()) == 0;
}

OrdinaryReader::OrdinaryReader() {
  CapabilitySets sets;
  if (!read_capabilities(sets)) return;
  const uint64_t wanted = sets.effective & kReadAnything;
  if (wanted == 0) return;
  sets.effective &= ~wanted;
  if (write_capabilities(sets)) lent_ = wanted;
}

OrdinaryReader::~OrdinaryReader() {
  CapabilitySets sets;
  if (lent_ == 0 || !read_capabilities(sets)) return;
  sets.effective |= lent_ & sets.permitted;
  static_cast<void>(write_capabilities(sets));
}

}  // namespace kite::app
