#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "event/handler.h"
#include "event/timer_queue.h"
#include "sys/clock.h"
#include "sys/owned_fd.h"

namespace kite::event {

class Reactor;

/// What the kernel said of one descriptor. Source: epoll_ctl(2).
class Events {
 public:
  explicit Events(uint32_t mask) : mask_(mask) {}
  bool readable() const { return (mask_ & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0; }
  bool writable() const { return (mask_ & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0; }
  /// TCP urgent data is waiting or has been passed over.
  bool urgent() const { return (mask_ & EPOLLPRI) != 0; }
  bool error() const { return (mask_ & EPOLLERR) != 0; }
  /// The peer has sent its last byte, or the connection is no more: reading will come to an end.
  bool ended() const { return (mask_ & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0; }
  /// Nothing goes either way any more.
  bool gone() const { return (mask_ & (EPOLLHUP | EPOLLERR)) != 0; }
  /// What was said now and before: for who takes edges later than they came.
  Events with(Events other) const { return Events(mask_ | other.mask_); }

 private:
  uint32_t mask_;
};

/// What to ask of epoll. EPOLLERR and EPOLLHUP come unasked.
enum class Interest : uint32_t {
  none = 0,
  read = EPOLLIN,
  write = EPOLLOUT,
  read_write = EPOLLIN | EPOLLOUT,
  /// Both directions, each change told once: one epoll_ctl for the whole life of a descriptor.
  edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
  /// The same while more to read would be no news. Without EPOLLPRI, because the kernel wakes for
  /// it with every segment (sock_def_readable) and finds out later that there was none.
  edges_but_read = EPOLLOUT | EPOLLRDHUP | EPOLLET,
  /// Only that the peer has ended, told once: for who will not read yet.
  end = EPOLLRDHUP | EPOLLET,
};

/// Readiness of one borrowed descriptor, embedded in the object it calls.
/// Owns:      its registration, not the descriptor.
/// Lifetime:  cancelled by its destructor; the descriptor must still be open then, so declare the
///            descriptor first. After cancel() no event of the running batch arrives, even if the
///            descriptor's number is reused at once: events carry a generation.
/// Thread:    reactor thread only.
class Watch {
 public:
  using OnReady = Handler<void(Events)>;

  Watch(Reactor& reactor, OnReady on_ready) : reactor_(reactor), on_ready_(on_ready) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch() { cancel(); }

  /// Returns false with errno set when the kernel refuses (ENOSPC, ENOMEM, EPERM).
  [[nodiscard]] bool start(int fd, Interest interest);
  /// Takes over the registration of `other`, which ends not started: the object that follows a
  /// descriptor changes without a system call.
  void adopt(Watch& other);
  /// Changes the interest of a started watch.
  void change(Interest interest);
  /// Asks for one call in the next turn, without events: for work that used up its budget, which
  /// no further edge will tell of. Idempotent; ends with the watch.
  void recall();
  void cancel();
  /// As cancel() for a descriptor that its owner closes at once and that has no duplicate: the
  /// kernel then ends the registration by itself, which saves a system call (epoll(7), Q6).
  void cancel_closing();
  bool started() const { return fd_ != -1; }

 private:
  friend class Reactor;
  Reactor& reactor_;
  OnReady on_ready_;
  int fd_ = -1;
  bool recalled_ = false;
};

/// A wish to be called once more in the next turn, for work that used up its budget: bounded work
/// per turn without losing an edge.
/// Lifetime:  cancelled by its destructor.
class Continuation {
 public:
  using OnTurn = Handler<void()>;

  Continuation(Reactor& reactor, OnTurn on_turn) : reactor_(reactor), on_turn_(on_turn) {}
  Continuation(const Continuation&) = delete;
  Continuation& operator=(const Continuation&) = delete;
  ~Continuation() { cancel(); }

  void request();  ///< idempotent
  void cancel();
  bool requested() const { return index_ != kNotQueued; }

 private:
  friend class Reactor;
  static constexpr uint32_t kNotQueued = UINT32_MAX;
  Reactor& reactor_;
  OnTurn on_turn_;
  uint32_t index_ = kNotQueued;
};

/// How long turns took, the waiting left out: for so long everybody else had to wait.
class TurnTimes {
 public:
  /// Bucket i counts turns of less than 2^i microseconds and not less than half of that; the last
  /// also takes all that were longer.
  static constexpr size_t kBuckets = 24;

  void add(sys::Duration turn);
  std::span<const uint64_t> buckets() const { return buckets_; }
  sys::Duration longest() const { return longest_; }
  sys::Duration sum() const { return sum_; }

 private:
  std::array<uint64_t, kBuckets> buckets_{};
  sys::Duration longest_{};
  sys::Duration sum_{};
};

/// An object whose handlers may run in the turn that ends it, so its end waits for the turn's.
class Retirable {
 public:
  virtual ~Retirable() = default;
};

/// The event loop: one thread, one epoll descriptor.
/// A turn: wait, read the clock, run what asked for this turn, deliver events, run due timers,
/// destroy what was retired. Every handler of a turn sees the same now().
/// Lifetime:  outlives every Watch, Timer and Continuation made with it.
/// Source:    epoll(7).
class Reactor {
 public:
  struct Stats {
    uint64_t turns = 0;
    uint64_t events = 0;
    uint64_t stale_events = 0;  ///< dropped: their watch was cancelled within the batch
    TurnTimes turn_times;
  };

  explicit Reactor(const sys::Clock& clock);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  /// Steady time of this turn.
  sys::SteadyTime now() const { return now_; }
  TimerQueue& timers() { return timers_; }
  const Stats& stats() const { return stats_; }

  /// Destroys `object` after all handlers of this turn; what its destructor retires waits for the
  /// next turn.
  void destroy_later(std::unique_ptr<Retirable> object);

  /// Turns until stop().
  void run();
  /// Ends run() after the current turn, or before its first. Callable from any handler.
  void stop() { stopping_ = true; }
  /// One turn that waits at most `wait_max`. For run() and for tests.
  void run_turn(sys::Duration wait_max);

  /// Gives memory back that only more descriptors would need. Not from an event handler: their
  /// batch may hold events of descriptors that are gone.
  void shrink();

 private:
  friend class Watch;
  friend class Continuation;
  static constexpr size_t kEventsPerTurn = 256;

  /// Finds the watch of an event without touching memory that may have died.
  struct Slot {
    Watch* watch = nullptr;
    uint32_t generation = 0;
  };
  /// A descriptor's number and its slot's generation, as epoll_event.data carries them.
  using Tag = uint64_t;

  /// By descriptor, because the kernel gives the lowest free number; in pages, because one high
  /// number that stays must not keep the room of all that were below it.
  static constexpr size_t kSlotsPerPage = 256;
  using Page = std::array<Slot, kSlotsPerPage>;

  Slot& slot(uint32_t index) { return (*pages_[index / kSlotsPerPage])[index % kSlotsPerPage]; }
  Slot& slot(int fd) { return slot(static_cast<uint32_t>(fd)); }
  void take_slot(int fd, Watch& watch);
  void free_slot(int fd);
  bool control(int operation, int fd, Interest interest);
  void end_turn();
  int wait_ms(sys::Duration wait_max) const;
  Tag tag(int fd);
  /// Null when the watch was cancelled since.
  Watch* find(Tag tag);
  void deliver(const epoll_event& event);
  void run_recalled();
  void run_continuations();
  void destroy_retired();

  const sys::Clock& clock_;
  sys::OwnedFd epoll_fd_;
  sys::SteadyTime now_;
  sys::SteadyTime turn_end_;
  TimerQueue timers_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<Tag> recalled_;
  std::vector<Tag> answering_;  // the recalled of this turn
  std::vector<Continuation*> requested_;
  std::vector<Continuation*> running_;
  std::vector<std::unique_ptr<Retirable>> retired_;
  std::vector<std::unique_ptr<Retirable>> dying_;
  std::array<epoll_event, kEventsPerTurn> batch_{};
  Stats stats_;
  bool stopping_ = false;
};

}  // namespace kite::event
