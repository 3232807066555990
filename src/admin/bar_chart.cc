#include "admin/bar_chart.h"

#include <algorithm>

#include "admin/escaping.h"

namespace kite::admin {

void append_bar_chart(std::string& page, std::span<const uint32_t> steps, std::string_view what) {
  constexpr uint64_t kHeight = 16;
  constexpr uint64_t kStepWidth = 2;
  const uint64_t most = steps.empty() ? 0 : *std::max_element(steps.begin(), steps.end());
  page += "<svg class=chart role=img viewBox=\"0 0 ";
  append_number(page, kStepWidth * steps.size());
  page += " 16\" preserveAspectRatio=none><title>";
  page += what;
  page += "; at most ";
  append_number(page, most);
  page += " in 10 s</title><path d=\"M0 16";
  for (size_t i = 0; i < steps.size();) {  // ends: each round takes at least a step
    size_t same = i + 1;
    while (same < steps.size() && steps[same] == steps[i]) ++same;
    const uint64_t least = steps[i] == 0 ? 0 : 1;  // something is never drawn as nothing
    const uint64_t height = most == 0 ? 0 : std::max(least, kHeight * steps[i] / most);
    page += 'V';
    append_number(page, kHeight - height);
    page += 'h';
    append_number(page, kStepWidth * (same - i));
    i = same;
  }
  page += "V16z\"/></svg>";
}

}  // namespace kite::admin
