#include "admin/metrics_writer.h"

#include "admin/escaping.h"
#include "sys/check.h"

namespace kite::admin {

namespace {

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::counter:
      return "counter";
    case MetricType::gauge:
      return "gauge";
    case MetricType::histogram:
      return "histogram";
    case MetricType::summary:
      return "summary";
  }
  return "untyped";
}

}  // namespace

void MetricsWriter::begin(const MetricFamily& family) {
  if (family.name == family_) return;
  family_ = family.name;
  text_ += "# HELP ";
  text_ += family.name;
  text_ += ' ';
  text_ += family.help;
  text_ += "\n# TYPE ";
  text_ += family.name;
  text_ += ' ';
  text_ += type_name(family.type);
  text_ += '\n';
}

void MetricsWriter::sample(Labels labels, uint64_t value) {
  name_and_labels({}, labels);
  append_number(text_, value);
  text_ += '\n';
}

void MetricsWriter::sample(Labels labels, sys::Duration value) {
  name_and_labels({}, labels);
  append_seconds(text_, value);
  text_ += '\n';
}

void MetricsWriter::histogram(Labels labels, const sys::DurationCounts& counts) {
  KITE_CHECK(counts.counts.size() == counts.edges.size() + 1, "one bucket lies past the edges");
  uint64_t so_far = 0;
  std::string edge;
  for (size_t i = 0; i < counts.counts.size(); ++i) {
    so_far += counts.counts[i];
    edge.clear();
    if (i < counts.edges.size()) append_seconds(edge, counts.edges[i]);
    name_and_labels("_bucket", labels, edge.empty() ? "+Inf" : std::string_view(edge));
    append_number(text_, so_far);
    text_ += '\n';
  }
  summary(labels, so_far, counts.sum);
}

void MetricsWriter::summary(Labels labels, uint64_t count, sys::Duration sum) {
  name_and_labels("_sum", labels);
  append_seconds(text_, sum);
  text_ += '\n';
  name_and_labels("_count", labels);
  append_number(text_, count);
  text_ += '\n';
}

void MetricsWriter::name_and_labels(std::string_view suffix, Labels labels, std::string_view edge) {
  text_ += family_;
  text_ += suffix;
  char separator = '{';
  const auto add = [&](std::string_view name, std::string_view value) {
    text_ += separator;
    text_ += name;
    text_ += '=';
    append_label(text_, value);
    separator = ',';
  };
  for (const Label& label : labels) add(label.name, label.value);
  if (!edge.empty()) add("le", edge);
  if (separator == ',') text_ += '}';
  text_ += ' ';
}

}  // namespace kite::admin
