// A file that anybody may have written: it is refused, or what it says can be said again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "discovery/snapshot_file.h"
#include "sys/check.h"

namespace {

using namespace kite;
using namespace kite::discovery;

constexpr const char* kTarget = "t";

void check_again(const SavedSet& saved) {
  const std::string text = render_saved_set(*saved.snapshot, kTarget, saved.confirmed_at);
  const auto again = parse_saved_set(text, kTarget);
  KITE_CHECK(again.ok(), "what was rendered is parsed");
  KITE_CHECK(*again->snapshot == *saved.snapshot, "and says the same");
}

/// The input as the lines of a file whose frame is right: a checksum is no obstacle to malice.
std::string framed(std::string_view lines) {
  std::string text = render_saved_set({}, kTarget, {});
  text.resize(text.rfind("end "));
  text += lines;
  if (!lines.empty() && lines.back() != '\n') text += '\n';
  return seal_saved_set(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string& file : {std::string(text), framed(text)}) {
    const auto saved = parse_saved_set(file, kTarget);
    if (saved.ok()) check_again(*saved);
  }
  return 0;
}
