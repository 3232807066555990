#include "sys/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include "sys/check.h"
#include "sys/fit.h"

namespace kite::sys {

void Pipe::note_drained(size_t moved_bytes) {
  KITE_CHECK(moved_bytes <= bytes_, "no pipe gives more than it was given");
  bytes_ -= static_cast<uint32_t>(moved_bytes);
}

Pipe PipePool::borrow() {
  Pipe pipe;
  if (!idle_.empty()) {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  } else if (lent_ < limits_.pipes_max && may_ask()) {
    pipe = create(kUsefulBytes);
  }
  if (pipe.open()) ++lent_;
  return pipe;
}

void PipePool::give_back(Pipe pipe) {
  KITE_CHECK(pipe.open(), "only a lent pipe comes back");
  KITE_CHECK(lent_ > 0, "no more pipes come back than were lent");
  --lent_;
  // One that was granted less than asked is not kept: the next may be granted more.
  if (pipe.empty() && pipe.capacity_bytes() >= limits_.pipe_bytes) {
    idle_.push_back(std::move(pipe));
  }
}

bool PipePool::has_spare() {
  if (!idle_.empty()) return true;
  if (lent_ >= limits_.pipes_max || !may_ask()) return false;
  Pipe pipe = create(limits_.pipe_bytes);
  if (!pipe.open()) {  // for want of a descriptor, too
    asks_to_skip_ = kAsksAfterRefusal;
    return false;
  }
  idle_.push_back(std::move(pipe));
  return true;
}

void PipePool::keep_one() {
  kept_ = 1;
  static_cast<void>(has_spare());
}

void PipePool::close_idle() {
  while (idle_.size() > kept_) idle_.pop_back();
  fit(idle_);
}

bool PipePool::may_ask() {
  if (asks_to_skip_ == 0) return true;
  --asks_to_skip_;
  return false;
}

Pipe PipePool::create(size_t least_bytes) {
  Pipe pipe = ask_kernel();
  if (pipe.open() && pipe.capacity_bytes() >= least_bytes) return pipe;
  ++refused_total_;
  if (pipe.open()) asks_to_skip_ = kAsksAfterRefusal;
  return {};
}

Pipe PipePool::ask_kernel() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1) return {};
  ++created_total_;
  OwnedFd read_end(ends[0]);
  OwnedFd write_end(ends[1]);
  // Past /proc/sys/fs/pipe-user-pages-soft an unprivileged user gets EPERM, and new pipes start at
  // one page or two (pipe(7)).
  int granted = ::fcntl(write_end.get(), F_SETPIPE_SZ, static_cast<int>(limits_.pipe_bytes));
  if (granted == -1) granted = ::fcntl(write_end.get(), F_GETPIPE_SZ);
  const size_t capacity_bytes = granted == -1 ? 0 : static_cast<size_t>(granted);
  return {std::move(read_end), std::move(write_end), capacity_bytes};
}

}  // namespace kite::sys
