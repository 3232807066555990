#include "cli/help.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/flags.h"

namespace kite::cli {

TEST_CASE("help: names every flag, its form and its default, and fits a terminal") {
  const std::string text = help_text();
  for (const FlagSpec& spec : flag_specs()) {
    CAPTURE(spec.name);
    std::string form = "\n  -" + std::string(spec.name);
    if (!spec.placeholder.empty()) form += "=" + std::string(spec.placeholder);
    // What does not fit its column stands on a line of its own.
    CHECK((text.find(form + " ") != std::string::npos || text.find(form + "\n") != std::string::npos));
  }
  for (size_t i = 0; i < kTopicCount; ++i) {
    CHECK(text.find("\n" + std::string(topic_title(static_cast<Topic>(i))) + "\n") !=
          std::string::npos);
  }
  CHECK(text.find("Default: 5s-20s.") != std::string::npos);
  CHECK(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(line.size() <= 80);
    CHECK_FALSE(line.ends_with(' '));
  }
}

TEST_CASE("help: no word of a flag's explanation is lost in the wrapping") {
  std::istringstream stream(help_text());
  std::string flowing;
  for (std::string word; stream >> word;) flowing += word + " ";
  for (const FlagSpec& spec : flag_specs()) {
    CAPTURE(spec.name);
    CHECK(flowing.find(std::string(spec.help) + " ") != std::string::npos);
  }
}

TEST_CASE("help: version, build and libraries, one a line") {
  const std::vector<Library> libraries = {{"libcurl", "7.88.1"}, {"expat", "2.5.0"}};
  std::istringstream lines(version_text(libraries));
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(line == "ecs-task-kite " KITE_VERSION);
  REQUIRE(std::getline(lines, line));
  CHECK(line.starts_with("build: "));
  REQUIRE(std::getline(lines, line));
  CHECK(line == "libcurl: 7.88.1");
  REQUIRE(std::getline(lines, line));
  CHECK(line == "expat: 2.5.0");
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("help: wrong use gets one sentence and the way to the flags") {
  CHECK(usage_error_text({"-name is empty: give it"}) ==
        "ecs-task-kite: -name is empty: give it.\nRun ecs-task-kite -help for all flags.\n");
  CHECK(usage_error_text({"unknown flag \"-x\"; did you mean -y?"}) ==
        "ecs-task-kite: unknown flag \"-x\"; did you mean -y?\n"
        "Run ecs-task-kite -help for all flags.\n");
}

}  // namespace kite::cli
