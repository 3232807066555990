#include "sys/heap.h"

#include <malloc.h>

namespace kite::sys {

namespace {

constexpr int kMappingBytesMin = 64 * 1024;
// What the heap grows by, and may keep free at its end, when it has to ask the system.
constexpr int kTopBytes = 32 * 1024;

}  // namespace

void configure_heap() {
  static_cast<void>(::mallopt(M_MMAP_THRESHOLD, kMappingBytesMin));
  static_cast<void>(::mallopt(M_TRIM_THRESHOLD, 4 * kTopBytes));
  static_cast<void>(::mallopt(M_TOP_PAD, kTopBytes));
  static_cast<void>(::mallopt(M_ARENA_MAX, 1));
}

void trim_heap() {
  static_cast<void>(::malloc_trim(0));
}

}  // namespace kite::sys
