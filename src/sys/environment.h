#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kite::sys {

/// The environment variables as they were at one moment, as a value: read once at start-up, built
/// from a map in tests. Later changes of the process's environment are not seen.
/// Errors:    none; an entry without '=' is left out, of two entries with one name the first
///            counts, as getenv(3) would find it.
/// Source:    environ(7).
class Environment {
 public:
  using Variables = std::map<std::string, std::string, std::less<>>;

  /// No variable is set.
  Environment() = default;
  explicit Environment(Variables variables) : variables_(std::move(variables)) {}
  /// Copies ::environ.
  static Environment of_process();

  /// Nothing when unset; an empty string when set to nothing.
  std::optional<std::string> get(std::string_view name) const;
  /// The AWS SDKs' reading: a variable set to nothing counts as unset.
  std::optional<std::string> get_non_empty(std::string_view name) const;
  /// The AWS SDKs' booleans: "true" in any case is true, everything else is not.
  bool is_true(std::string_view name) const;

 private:
  Variables variables_;
};

}  // namespace kite::sys
