#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "event/reactor.h"

namespace kite::http {

/// Watches on descriptors that a C library opens and closes: curl and c-ares name a descriptor and
/// what they wait for, and expect to be called with the same descriptor.
/// Owns:      the watches, not the descriptors.
/// Lifetime:  a watch may be taken away while its handler runs, so it is retired, not deleted. The
///            library says remove before it closes a descriptor (curl: CURL_POLL_REMOVE; c-ares:
///            neither readable nor writable), so the number may come straight back.
/// Errors:    watch() returns false when the kernel refuses.
class FdWatches {
 public:
  using OnReady = event::Handler<void(int, event::Events)>;

  FdWatches(event::Reactor& reactor, OnReady on_ready);
  FdWatches(const FdWatches&) = delete;
  FdWatches& operator=(const FdWatches&) = delete;
  ~FdWatches();

  /// Starts or changes the watch of `fd`.
  [[nodiscard]] bool watch(int fd, event::Interest interest);
  /// Nothing happens if there is none.
  void remove(int fd);
  size_t size() const { return entries_.size(); }

 private:
  class Entry;

  event::Reactor& reactor_;
  OnReady on_ready_;
  std::map<int, std::unique_ptr<Entry>> entries_;
};

}  // namespace kite::http
