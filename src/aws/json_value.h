#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "sys/result.h"

namespace kite::aws {

/// A place in a parsed document that may hold anything, or nothing: absent, null and of another
/// type than asked all read as the empty value, so that a walk needs no checks on the way.
/// Lifetime:  borrowed from its JsonDocument.
/// Errors:    never throws and never aborts, whatever the document holds.
class JsonValue {
 public:
  /// Nothing.
  JsonValue() = default;
  explicit JsonValue(const nlohmann::json* value) : value_(value) {}

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  /// Absent or null.
  bool is_nothing() const;

  /// Nothing unless this is an object that has the member.
  JsonValue member(std::string_view name) const;
  /// Items of an array; 0 for anything else.
  size_t size() const;
  /// Nothing unless this is an array with that many items.
  JsonValue at(size_t index) const;

  /// Empty unless this is a string.
  std::string text() const;
  /// Nothing unless this is an integer that fits; 80.0 and "80" do not count.
  std::optional<int64_t> integer() const;
  /// False unless this is true.
  bool truth() const;

 private:
  const nlohmann::json* value_ = nullptr;
};

/// JSON from a peer, parsed with bounds.
/// Owns:      everything its JsonValues point to.
/// Errors:    not JSON, nested deeper than kDepthMax, more than kValuesMax values: an Error that
///            names the reason and quotes nothing.
/// Source:    RFC 8259.
class JsonDocument {
 public:
  /// ECS answers are 6 levels deep; a hostile one must not grow our memory or our stack.
  static constexpr size_t kDepthMax = 32;
  static constexpr size_t kValuesMax = 500'000;

  static sys::Result<JsonDocument> parse(std::string_view text);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const { return JsonValue(document_.get()); }

 private:
  explicit JsonDocument(std::unique_ptr<nlohmann::json> document);

  std::unique_ptr<nlohmann::json> document_;
};

}  // namespace kite::aws
