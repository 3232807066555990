#include "aws/role_rules.h"

#include <algorithm>
#include <cstddef>

namespace kite::aws {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

/// [\w<extra>]{least,most}
bool is_made_of(std::string_view text, std::string_view extra, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most && std::ranges::all_of(text, [extra](char c) {
           return is_word_byte(c) || extra.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_role_arn(std::string_view text) {
  constexpr size_t kBytesMax = 2048;
  constexpr std::string_view kIam = ":iam::";
  constexpr std::string_view kRole = ":role/";
  const auto graphic = [](char c) { return c > 0x20 && c < 0x7F; };
  const size_t iam = text.find(kIam);
  if (!text.starts_with("arn:aws") || iam == std::string_view::npos) return false;
  const std::string_view rest = text.substr(iam + kIam.size());
  const size_t role = rest.find(kRole);
  return role == 12 && std::ranges::all_of(rest.substr(0, role), is_digit) &&
         rest.size() > role + kRole.size() && text.size() <= kBytesMax &&
         std::ranges::all_of(text, graphic);
}

bool is_role_session_name(std::string_view text) {
  return is_made_of(text, "+=,.@-", 2, 64);
}

bool is_external_id(std::string_view text) {
  return is_made_of(text, "+=,.@:/-", 2, 1224);
}

}  // namespace kite::aws
