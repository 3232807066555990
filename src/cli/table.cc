#include "cli/table.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sys/ascii.h"

namespace kite::cli {

namespace {

std::string line_of(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line = "  ";
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths[i] - cells[i].size() + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

Style Style::of_stdout(const sys::Environment& environment) {
  const bool refused = environment.get_non_empty("NO_COLOR").has_value() ||
                       environment.get_non_empty("TERM").value_or("dumb") == "dumb";
  return {.colour = !refused && ::isatty(STDOUT_FILENO) == 1};
}

std::string Style::painted(std::string_view text, std::string_view code) const {
  if (!colour) return std::string(text);
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string printable(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(result, sys::is_ascii_control, '?');
  return result;
}

std::string Table::text(const Style& style) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < head_.size(); ++i) {
    size_t width = head_[i].size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  std::string text = style.bold(line_of(head_, widths)) + "\n";
  for (const auto& row : rows_) text += line_of(row, widths) + "\n";
  return text;
}

}  // namespace kite::cli
