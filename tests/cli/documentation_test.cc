#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cli/flags.h"

namespace kite::cli {

namespace {

/// What stands between backticks: "`-a`, `-b`" gives "-a" and "-b".
std::vector<std::string> code_words(const std::string& cell) {
  std::vector<std::string> words;
  size_t open = cell.find('`');
  while (open != std::string::npos) {  // ends: the search goes forward only
    const size_t close = cell.find('`', open + 1);
    if (close == std::string::npos) break;
    words.push_back(cell.substr(open + 1, close - open - 1));
    open = cell.find('`', close + 1);
  }
  return words;
}

std::string plain(const std::string& cell) {
  std::string text = cell;
  std::erase(text, '`');
  const size_t first = text.find_first_not_of(' ');
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// Flag -> default, from the README's table: rows like "| `-a`, `-b` | `default` | meaning |".
std::map<std::string, std::string> documented_flags() {
  std::ifstream readme("README.md");  // the tests run in the repository's root
  REQUIRE_MESSAGE(readme.good(), "README.md is read from the working directory");
  std::map<std::string, std::string> flags;
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| `-")) continue;
    const size_t second = line.find('|', 1);
    const size_t third = line.find('|', second + 1);
    REQUIRE(third != std::string::npos);
    for (const std::string& name : code_words(line.substr(0, second))) {
      flags[name] = plain(line.substr(second + 1, third - second - 1));
    }
  }
  return flags;
}

}  // namespace

TEST_CASE("documentation: the README's table has every flag with its default, and no other") {
  std::map<std::string, std::string> expected;
  for (const FlagSpec& spec : flag_specs()) {
    expected["-" + std::string(spec.name)] =
        spec.id == FlagId::name ? "required" : std::string(spec.default_text);
  }
  CHECK(documented_flags() == expected);
}

}  // namespace kite::cli
