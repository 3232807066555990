#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/e2e/traffic/end.h"

namespace kite::traffic {

/// Sums up the connections of one end.
class Report {
 public:
  void add(const Record& record);
  uint64_t finished() const { return records_.size(); }
  uint64_t failures() const;
  /// Bytes of connections that were whole at both FINs.
  uint64_t complete_sent_bytes() const { return complete_sent_bytes_; }
  uint64_t complete_received_bytes() const { return complete_received_bytes_; }

  /// One JSON object on one line.
  std::string json(std::string_view role, double seconds) const;
  /// One line a connection: id outcome errno late sent hash received hash. False if not writable.
  bool write_records(const std::string& path) const;

 private:
  std::vector<Record> records_;
  std::array<uint64_t, kOutcomes> counts_{};
  uint64_t complete_sent_bytes_ = 0;
  uint64_t complete_received_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  uint64_t late_ = 0;
};

}  // namespace kite::traffic
