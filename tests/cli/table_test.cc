#include "cli/table.h"

#include <doctest/doctest.h>

namespace kite::cli {

TEST_CASE("table: columns are aligned, the last one ends with its text") {
  Table table({"A", "LONGER", "C"});
  CHECK(table.empty());
  table.add({"first cell", "x", "end"});
  table.add({"y", "", "another end"});
  table.add({"no end", "x", ""});
  CHECK(table.text({}) ==
        "  A           LONGER  C\n"
        "  first cell  x       end\n"
        "  y                   another end\n"
        "  no end      x\n");
}

TEST_CASE("table: colour is there only when wanted") {
  CHECK(Style{}.bold("x") == "x");
  CHECK(Style{.colour = true}.bad("x") == "\x1b[31mx\x1b[0m");
}

TEST_CASE("table: what could steer a terminal is made harmless") {
  CHECK(printable("a\x1b[2Jb\nc\x7f") == "a?[2Jb?c?");
  CHECK(printable("\xc3\xa4") == "\xc3\xa4");
}

}  // namespace kite::cli
