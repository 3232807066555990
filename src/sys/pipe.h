#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sys/owned_fd.h"

namespace kite::sys {

/// A kernel pipe and the number of bytes resting in it.
/// Owns:      both ends.
/// Invariant: bytes() is what note_filled() and note_drained() were told; the kernel is not asked.
/// Source:    pipe(7), splice(2).
class Pipe {
 public:
  Pipe() = default;
  Pipe(OwnedFd read_end, OwnedFd write_end, size_t capacity_bytes)
      : read_end_(std::move(read_end)),
        write_end_(std::move(write_end)),
        capacity_bytes_(static_cast<uint32_t>(capacity_bytes)) {}
  Pipe(Pipe&& other) noexcept
      : read_end_(std::move(other.read_end_)),
        write_end_(std::move(other.write_end_)),
        bytes_(std::exchange(other.bytes_, 0)),
        capacity_bytes_(std::exchange(other.capacity_bytes_, 0)) {}
  Pipe& operator=(Pipe&& other) noexcept {
    read_end_ = std::move(other.read_end_);
    write_end_ = std::move(other.write_end_);
    bytes_ = std::exchange(other.bytes_, 0);
    capacity_bytes_ = std::exchange(other.capacity_bytes_, 0);
    return *this;
  }

  int read_end() const { return read_end_.get(); }
  int write_end() const { return write_end_.get(); }
  bool open() const { return read_end_.valid(); }
  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }
  void note_filled(size_t moved_bytes) { bytes_ += static_cast<uint32_t>(moved_bytes); }
  void note_drained(size_t moved_bytes);
  /// What F_SETPIPE_SZ granted, or what the kernel gave before it was asked.
  size_t capacity_bytes() const { return capacity_bytes_; }

 private:
  OwnedFd read_end_;
  OwnedFd write_end_;
  // 32 bits: every connection has room for two pipes, and F_SETPIPE_SZ takes an int.
  uint32_t bytes_ = 0;
  uint32_t capacity_bytes_ = 0;
};

/// Lends pipes to the directions that have bytes in flight, so that idle connections hold none.
/// Takes back only empty pipes; one with leftovers is closed, or a stranger would read them.
/// Owns:      the idle pipes.
/// Thread:    reactor thread only.
/// Errors:    borrow() returns a closed Pipe past its own bound, when the kernel has no descriptor
///            or memory left, and when it grants so little that copying is cheaper.
class PipePool {
 public:
  struct Limits {
    size_t pipes_max = 64;         ///< lent and idle together, two descriptors each
    size_t pipe_bytes = 1U << 20;  ///< asked of F_SETPIPE_SZ; the kernel may grant less
  };
  explicit PipePool(Limits limits) : limits_(limits) {}

  /// The result must be checked with open().
  [[nodiscard]] Pipe borrow();
  void give_back(Pipe pipe);
  /// Whether the next borrow() is certain to give a pipe of full size: makes one if needed. Cheap
  /// to ask before every message: a kernel that refused is not asked again for a while.
  bool has_spare();
  /// Makes one now, and keeps one from now on: other programs of this user may use up what the
  /// user may have of pipes (pipe-user-pages-soft), and copying needs a spare one to be cheap.
  void keep_one();
  /// Closes the idle ones but for what is kept: they count against the user's limits.
  void close_idle();

  size_t idle() const { return idle_.size(); }
  size_t lent() const { return lent_; }
  uint64_t created_total() const { return created_total_; }
  /// How often the kernel gave none, or one too small to be of use: bytes were copied instead.
  uint64_t refused_total() const { return refused_total_; }

 private:
  bool may_ask();
  Pipe create(size_t least_bytes);
  Pipe ask_kernel();

  static constexpr uint32_t kAsksAfterRefusal = 1000;
  /// A pipe of a page or two moves 8 kB in two calls; copying moves 64 kB in three.
  static constexpr size_t kUsefulBytes = 64 * 1024;

  const Limits limits_;
  uint32_t asks_to_skip_ = 0;
  size_t kept_ = 0;
  std::vector<Pipe> idle_;
  size_t lent_ = 0;
  uint64_t created_total_ = 0;
  uint64_t refused_total_ = 0;
};

}  // namespace kite::sys
