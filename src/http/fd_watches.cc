#include "http/fd_watches.h"

#include <utility>

namespace kite::http {

class FdWatches::Entry final : public event::Retirable {
 public:
  Entry(FdWatches& owner, int fd)
      : owner_(owner),
        fd_(fd),
        watch_(owner.reactor_, event::Watch::OnReady::to<&Entry::on_ready>(this)) {}

  event::Watch& watch() { return watch_; }

 private:
  void on_ready(event::Events events) {
    owner_.on_ready_(fd_, events);  // last statement: *this may be retired by now
  }

  FdWatches& owner_;
  int fd_;
  event::Watch watch_;
};

FdWatches::FdWatches(event::Reactor& reactor, OnReady on_ready)
    : reactor_(reactor), on_ready_(on_ready) {}

FdWatches::~FdWatches() {
  while (!entries_.empty()) remove(entries_.begin()->first);
}

bool FdWatches::watch(int fd, event::Interest interest) {
  if (const auto found = entries_.find(fd); found != entries_.end()) {
    found->second->watch().change(interest);
    return true;
  }
  auto entry = std::make_unique<Entry>(*this, fd);
  if (!entry->watch().start(fd, interest)) return false;
  entries_.emplace(fd, std::move(entry));
  return true;
}

void FdWatches::remove(int fd) {
  const auto found = entries_.find(fd);
  if (found == entries_.end()) return;
  found->second->watch().cancel();
  reactor_.destroy_later(std::move(found->second));
  entries_.erase(found);
}

}  // namespace kite::http
