#include "discovery/target.h"

#include <charconv>

namespace kite::discovery {

std::string target_label(const Target& target) {
  std::string label =
      target.family.empty() ? "service/" + target.service : "family/" + target.family;
  if (target.revision.has_value()) label += ":" + std::to_string(*target.revision);
  return label + "/" + target.container;
}

std::optional<DefinitionName> parse_definition_arn(std::string_view arn) {
  constexpr std::string_view kResource = ":task-definition/";
  const size_t resource = arn.find(kResource);
  if (!arn.starts_with("arn:") || resource == std::string_view::npos) return std::nullopt;
  const std::string_view name = arn.substr(resource + kResource.size());
  const size_t colon = name.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  DefinitionName parsed{name.substr(0, colon), 0};
  const std::string_view digits = name.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parsed.revision);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return parsed;
}

std::string_view arn_id(std::string_view arn) {
  const size_t slash = arn.rfind('/');
  return slash == std::string_view::npos ? arn : arn.substr(slash + 1);
}

}  // namespace kite::discovery
