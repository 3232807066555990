#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "sys/result.h"

namespace kite::aws {

struct JsonTree;

/// A place in a parsed document that may hold anything, or nothing: absent, null and of another
/// type than asked all read as the empty value, so that a walk needs no checks on the way.
/// Lifetime:  borrowed from its JsonDocument, as are the texts it gives.
/// Errors:    never throws and never aborts, whatever the document holds.
class JsonValue {
 public:
  class Iterator;

  /// Nothing.
  JsonValue() = default;
  JsonValue(const JsonTree* tree, uint32_t index) : tree_(tree), index_(index) {}

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  /// Absent or null.
  bool is_nothing() const;

  /// Nothing unless this is an object that has the member; of several of one name the last.
  JsonValue member(std::string_view name) const;
  /// The items of an array; none of anything else.
  Iterator begin() const;
  Iterator end() const;
  /// Nothing unless this is an array that has items.
  JsonValue first() const;

  /// Empty unless this is a string.
  std::string_view text() const;
  /// Nothing unless this is an integer that fits; 80.0 and "80" do not count.
  std::optional<int64_t> integer() const;
  /// False unless this is true.
  bool truth() const;

 private:
  const JsonTree* tree_ = nullptr;
  uint32_t index_ = 0;
};

class JsonValue::Iterator {
 public:
  Iterator(const JsonTree* tree, uint32_t index) : tree_(tree), index_(index) {}
  JsonValue operator*() const { return {tree_, index_}; }
  Iterator& operator++();
  bool operator==(const Iterator&) const = default;

 private:
  const JsonTree* tree_;
  uint32_t index_;
};

/// JSON from a peer, parsed with bounds and reduced to the members that somebody will ask for.
/// Owns:      everything its JsonValues point to.
/// Errors:    not JSON, nested deeper than kDepthMax, more than kValuesMax values to hold at a
///            time: an Error that names the reason and quotes nothing. Members that are not wanted
///            are stepped over, looked at only for where they end.
/// Source:    RFC 8259.
class JsonDocument {
 public:
  /// ECS answers are 6 levels deep; a hostile one must not grow our memory or our stack.
  static constexpr size_t kDepthMax = 32;
  static constexpr size_t kValuesMax = 50'000;

  /// What the members to keep are called, at whatever depth they are; at most 255 names.
  using Names = std::span<const std::string_view>;
  /// Takes one item of a list that is a member of the root.
  using OnItem = std::function<void(std::string_view list, JsonValue item)>;

  /// `names` outlives the document.
  static sys::Result<JsonDocument> parse(std::string_view text, Names names);
  /// The items of the root's lists are handed over one by one and then forgotten: the document
  /// holds one at a time, and its lists are empty in the end. After an Error what was handed over
  /// must not be used.
  static sys::Result<JsonDocument> parse(std::string_view text, Names names, const OnItem& on_item);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonValue root() const { return {tree_.get(), 0}; }

 private:
  explicit JsonDocument(std::unique_ptr<const JsonTree> tree);

  std::unique_ptr<const JsonTree> tree_;
};

}  // namespace kite::aws
