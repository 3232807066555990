#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "snapshot/snapshot.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/result.h"

namespace kite::discovery {

/// A set as it was saved.
struct SavedSet {
  snapshot::SnapshotPtr snapshot;  ///< never null
  sys::WallTime confirmed_at;      ///< when AWS last said that this is the set
};

/// Pure. One line for each port, task and backend, readable by people; a version in front and a
/// checksum at the end. Holds ids, zones and addresses, nothing secret.
/// `target`: one line that tells targets apart, see target_identity().
std::string render_saved_set(const snapshot::Snapshot& set, std::string_view target,
                             sys::WallTime confirmed_at);
/// Pure. The text with the checksum that it needs.
std::string seal_saved_set(std::string text);
/// Pure. Refuses, with a sentence, what is damaged, of another version or another target.
sys::Result<SavedSet> parse_saved_set(std::string_view text, std::string_view target);

/// The last good set on disk, for a start while AWS cannot be reached.
/// Owns:      what was saved last, to save what is new.
/// Lifetime:  clock and logger outlive it.
/// Thread:    reactor thread only. load() may take as long as the disk does, so it is for the
///            start; save() fills the page cache.
/// Errors:    none; what cannot be read or written is told once and the kite goes on without.
class SnapshotFile {
 public:
  static constexpr size_t kBytesMax = 8U << 20;  ///< some 80,000 backends
  /// Addresses are given to others some day, and who gets them is not who was meant.
  static constexpr std::chrono::hours kAgeMax{24};
  /// How often a set that does not change is confirmed on disk.
  static constexpr std::chrono::minutes kConfirmEvery{5};

  struct Options {
    std::string path;
    std::string target;
  };
  struct Deps {
    const sys::Clock& clock;
    sys::Logger& logger;
  };

  SnapshotFile(const Deps& deps, Options options);

  /// What an earlier run saved; null when there is nothing that can be used.
  snapshot::SnapshotPtr load();
  /// How old what was loaded is; zero when a clock was set back meanwhile.
  std::chrono::seconds age() const { return age_; }
  /// Saves the set if it is another than that saved last, or if that was a while ago.
  void save(const snapshot::SnapshotPtr& set);

 private:
  void refuse(const std::string& reason);

  const sys::Clock& clock_;
  sys::Logger& logger_;
  const Options options_;
  std::chrono::seconds age_{0};
  snapshot::SnapshotPtr saved_;  ///< by the last attempt, whether or not it succeeded
  sys::SteadyTime saved_at_{};
  std::string told_failure_;
};

}  // namespace kite::discovery
