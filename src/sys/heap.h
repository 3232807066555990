#pragma once

namespace kite::sys {

/// How the C library's allocator treats the memory of this process. Source: mallopt(3),
/// malloc_trim(3).

/// Makes large blocks mappings of their own, which go back to the system when they are freed, and
/// keeps it so: by default glibc raises the limit with every large block it sees freed. To be
/// called first in main().
void configure_heap();

/// Gives free pages back to the system, also those between blocks in use. About 0.1 ms for a heap
/// of some megabytes.
void trim_heap();

}  // namespace kite::sys
