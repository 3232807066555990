#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sys/environment.h"

namespace kite::cli {

/// How output is made for whoever reads it.
struct Style {
  bool colour = false;

  /// Colour on a terminal, unless NO_COLOR or TERM=dumb ask for none.
  /// Source:    no-color.org.
  static Style of_stdout(const sys::Environment& environment);

  std::string bold(std::string_view text) const { return painted(text, "1"); }
  std::string good(std::string_view text) const { return painted(text, "32"); }
  std::string bad(std::string_view text) const { return painted(text, "31"); }
  std::string doubtful(std::string_view text) const { return painted(text, "33"); }

 private:
  std::string painted(std::string_view text, std::string_view code) const;
};

/// `text` with everything that could steer a terminal shown as '?': names come from AWS.
std::string printable(std::string_view text);

/// Rows of cells in aligned columns, two spaces apart; the last column is as long as it is. Pure.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
  /// As many cells as the head has.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// Every line indented by two spaces.
  std::string text(const Style& style) const;

 private:
  std::vector<std::string> head_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kite::cli
