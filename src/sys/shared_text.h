#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace kite::sys {

/// A text that never changes, in one pointer: copies share the bytes, and an empty one has none.
/// For values kept in thousands that repeat each other.
/// Owns:      a share of the bytes; they go with the last copy.
/// Thread:    copies belong to one thread; the count of shares is not atomic.
class SharedText {
 public:
  SharedText() = default;
  SharedText(std::string_view text);
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}
  SharedText(const char* text) : SharedText(std::string_view(text)) {}
  SharedText(const SharedText& other) : block_(other.block_) {
    if (block_ != nullptr) ++block_->shares;
  }
  SharedText(SharedText&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedText& operator=(SharedText other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedText() { release(); }

  operator std::string_view() const { return view(); }
  std::string_view view() const {
    if (block_ == nullptr) return {};
    return {reinterpret_cast<const char*>(block_ + 1), block_->bytes};
  }
  bool empty() const { return block_ == nullptr; }
  void clear() { *this = SharedText(); }
  /// Whether there is another copy.
  bool is_shared() const { return block_ != nullptr && block_->shares > 1; }

  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const SharedText& a, const Text& b) {
    return a.view() == std::string_view(b);
  }
  template <std::convertible_to<std::string_view> Text>
  friend auto operator<=>(const SharedText& a, const Text& b) {
    return a.view() <=> std::string_view(b);
  }
  friend std::string operator+(std::string start, const SharedText& text) {
    return start.append(text.view());
  }

 private:
  struct Block {
    uint32_t shares;
    uint32_t bytes;  ///< that follow
  };

  void release();

  Block* block_ = nullptr;
};

/// Makes equal texts share their bytes.
class TextPool {
 public:
  /// The copy that is shared from now on.
  SharedText share(const SharedText& text);
  /// Forgets the texts that nobody has but the pool.
  void trim();
  size_t size() const { return texts_.size(); }

 private:
  struct Hash {
    size_t operator()(const SharedText& text) const { return std::hash<std::string_view>()(text); }
  };

  std::unordered_set<SharedText, Hash> texts_;
};

}  // namespace kite::sys
