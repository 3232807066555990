#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sys/endpoint.h"
#include "sys/result.h"

namespace kite::testing {

/// "ADDRESS:PORT", as the command lines of the tools that make traffic take it.
inline sys::Result<sys::Endpoint> parse_endpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  const std::string_view digits = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
    return sys::Error{"not address:port: " + std::string(text)};
  }
  return sys::Endpoint::parse(text.substr(0, colon), port);
}

/// Calls `set(name, value)` for each "-name=value" after the mode; the first refusal ends it.
template <typename Set>
sys::Result<sys::Done> set_options(const std::vector<std::string>& arguments, Set set) {
  for (size_t i = 1; i < arguments.size(); ++i) {
    const size_t equals = arguments[i].find('=');
    if (equals == std::string::npos) return sys::Error{"not -name=value: " + arguments[i]};
    auto done = set(arguments[i].substr(0, equals), arguments[i].substr(equals + 1));
    if (!done.ok()) return done.error();
  }
  return sys::Done{};
}

}  // namespace kite::testing
