#pragma once

#include <cstdint>

namespace kite::app {

/// The three sets of a process, a bit for each capability.
struct CapabilitySets {
  uint64_t effective = 0;
  uint64_t permitted = 0;
  uint64_t inheritable = 0;
};

/// Of this process. False with errno set when the kernel does not tell.
/// Source:    capget(2).
bool read_capabilities(CapabilitySets& sets);

/// False with errno set when the kernel refuses, as it does what would add to the permitted ones.
bool write_capabilities(const CapabilitySets& sets);

/// While it lives, files are found readable or not as they will be inside the sandbox: root is any
/// user there. What is only lent away comes back at the end, for what is opened before the sandbox.
/// DESIGN 58
class OrdinaryReader {
 public:
  OrdinaryReader();
  OrdinaryReader(const OrdinaryReader&) = delete;
  OrdinaryReader& operator=(const OrdinaryReader&) = delete;
  ~OrdinaryReader();

 private:
  uint64_t lent_ = 0;
};

}  // namespace kite::app
