#include "sys/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/check.h"

namespace kite::sys {

void Pipe::note_drained(size_t moved_bytes) {
  KITE_CHECK(moved_bytes <= bytes_, "no pipe gives more than it was given");
  bytes_ -= moved_bytes;
}

Pipe PipePool::borrow() {
  Pipe pipe;
  if (idle_.empty()) {
    pipe = create();
  } else {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  }
  if (pipe.open()) ++lent_;
  return pipe;
}

void PipePool::give_back(Pipe pipe) {
  KITE_CHECK(pipe.open(), "only a lent pipe comes back");
  KITE_CHECK(lent_ > 0, "no more pipes come back than were lent");
  --lent_;
  if (pipe.empty() && idle_.size() < limits_.idle_max) idle_.push_back(std::move(pipe));
}

void PipePool::trim() {
  idle_.clear();
}

Pipe PipePool::create() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1) return {};
  ++created_total_;
  // Past /proc/sys/fs/pipe-user-pages-soft an unprivileged user gets EPERM, and new pipes start at
  // one page or two (pipe(7)). Smaller pipes forward the same bytes in more calls, so go on.
  static_cast<void>(::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(limits_.pipe_bytes)));
  return {OwnedFd(ends[0]), OwnedFd(ends[1])};
}

}  // namespace kite::sys
