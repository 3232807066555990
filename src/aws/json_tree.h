#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws/json_value.h"
#include "sys/result.h"

namespace kite::aws {

enum class JsonKind : uint8_t { null, boolean, integer, other_number, text, array, object };

/// The kept values of a document in the order of the text, each followed by those inside it: two
/// blocks of memory, however many values there are.
struct JsonTree {
  struct Node {
    struct Place {
      uint32_t begin;
      uint32_t bytes;
    };
    JsonKind kind = JsonKind::null;
    uint8_t name = 0;  ///< of a member: index into the wanted names
    uint32_t end = 0;  ///< index after everything inside it
    union {
      int64_t integer = 0;  ///< of a boolean too: 0 or 1
      Place text;           ///< in `texts`
    };
  };
  static_assert(sizeof(Node) == 16);

  std::span<const std::string_view> names;  ///< of the members to keep; at most 255
  std::vector<Node> nodes;                  ///< the root first
  std::string texts;
};

/// Fills an empty tree with the members that its names want; JsonDocument::parse() says the rest.
[[nodiscard]] sys::Result<sys::Done> read_json(std::string_view text,
                                               const JsonDocument::OnItem& on_item, JsonTree& tree);

}  // namespace kite::aws
