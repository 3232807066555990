#include "discovery/target.h"

#include <charconv>

namespace kite::discovery {

std::string target_label(const Target& target) {
  if (!target.namespace_name.empty()) {
    return "cloudmap/" + target.namespace_name + "/" + target.service;
  }
  std::string label =
      target.family.empty() ? "service/" + target.service : "family/" + target.family;
  if (target.revision.has_value()) label += ":" + std::to_string(*target.revision);
  return label + "/" + target.container;
}

std::string target_identity(const Target& target, std::string_view region) {
  std::string identity =
      "region=" + std::string(region) + " cluster=" + target.cluster + " " + target_label(target);
  if (!target.namespace_name.empty()) identity += " family=" + target.family;
  if (target.use_public_addresses) identity += " public";
  if (target.primary_deployment_only) identity += " primary";
  for (const uint16_t port : target.ports) identity += " port=" + std::to_string(port);
  for (const Target::Tag& tag : target.tags) {
    // Lengths keep a value with spaces from looking like another tag.
    identity += " tag=" + std::to_string(tag.key.size()) + ":" + tag.key + "=" +
                std::to_string(tag.value.size()) + ":" + tag.value;
  }
  return identity;
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
