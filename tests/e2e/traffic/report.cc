#include "tests/e2e/traffic/report.h"

#include <cinttypes>
#include <cstdio>
#include <memory>

namespace kite::traffic {
namespace {

void append_count(std::string& out, std::string_view name, uint64_t value) {
  out += ", \"";
  out += name;
  out += "\": ";
  out += std::to_string(value);
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void Report::add(const Record& record) {
  records_.push_back(record);
  ++counts_[static_cast<size_t>(record.outcome)];
  sent_bytes_ += record.sent_bytes;
  received_bytes_ += record.received_bytes;
  if (record.outcome != Outcome::complete) return;
  complete_sent_bytes_ += record.sent_bytes;
  complete_received_bytes_ += record.received_bytes;
  if (record.answered_late) ++late_;
}

uint64_t Report::failures() const {
  uint64_t total = 0;
  for (size_t i = 0; i < kOutcomes; ++i) {
    if (is_failure(static_cast<Outcome>(i))) total += counts_[i];
  }
  return total;
}

std::string Report::json(std::string_view role, double seconds) const {
  std::string out = "{\"role\": \"";
  out += role;
  out += "\"";
  append_count(out, "connections", records_.size());
  append_count(out, "failures", failures());
  append_count(out, "sent_bytes", sent_bytes_);
  append_count(out, "received_bytes", received_bytes_);
  append_count(out, "complete_sent_bytes", complete_sent_bytes_);
  append_count(out, "complete_received_bytes", complete_received_bytes_);
  append_count(out, "answered_late", late_);
  for (size_t i = 0; i < kOutcomes; ++i) {
    append_count(out, outcome_name(static_cast<Outcome>(i)), counts_[i]);
  }
  char tail[96];
  std::snprintf(
      tail, sizeof tail, ", \"seconds\": %.3f, \"megabytes_per_second\": %.1f}", seconds,
      seconds > 0 ? static_cast<double>(sent_bytes_ + received_bytes_) / 1e6 / seconds : 0.0);
  return out + tail;
}

bool Report::write_records(const std::string& path) const {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "w"));
  if (!file) return false;
  for (const Record& r : records_) {
    std::fprintf(
        file.get(), "%" PRIu64 " %s %d %d %" PRIu64 " %016" PRIx64 " %" PRIu64 " %016" PRIx64 "\n",
        r.id, std::string(outcome_name(r.outcome)).c_str(), r.saved_errno, r.answered_late ? 1 : 0,
        r.sent_bytes, r.sent_hash, r.received_bytes, r.received_hash);
  }
  return true;
}

}  // namespace kite::traffic
