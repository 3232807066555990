#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "sys/clock.h"
#include "sys/duration_histogram.h"

namespace kite::admin {

struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::span<const Label>;

enum class MetricType : uint8_t { counter, gauge, histogram, summary };

/// What is said of a metric once. Names follow Prometheus' rules: kite_, base units, _total for
/// counters.
struct MetricFamily {
  std::string_view name;
  std::string_view help;  ///< without line breaks and backslashes
  MetricType type = MetricType::counter;
};

/// Writes Prometheus' text format. All samples of a family follow its head.
/// Source:    prometheus.io, "Exposition formats", version 0.0.4.
class MetricsWriter {
 public:
  /// Writes the head, unless the last one begun has that name.
  void begin(const MetricFamily& family);
  void sample(Labels labels, uint64_t value);
  void sample(Labels labels, sys::Duration value);  ///< in seconds
  void histogram(Labels labels, const sys::DurationCounts& counts);
  /// Without quantiles: how many and how long together.
  void summary(Labels labels, uint64_t count, sys::Duration sum);

  std::string take() { return std::move(text_); }

 private:
  void name_and_labels(std::string_view suffix, Labels labels, std::string_view edge = {});

  std::string text_;
  std::string_view family_;
};

}  // namespace kite::admin
