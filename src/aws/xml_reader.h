#pragma once

#include <cstddef>
#include <string_view>

#include "sys/result.h"

namespace kite::aws {

/// Told of each element by its path from the root, "Root/list/item/name", so that a reader matches
/// whole paths and cannot mistake a deeper namesake for the element it wants.
class XmlVisitor {
 public:
  virtual ~XmlVisitor() = default;
  virtual void on_open(std::string_view path) = 0;
  /// `text` is what stands directly in an element without children, entities decoded; for one with
  /// children what follows the last of them. Both views die with the call.
  virtual void on_close(std::string_view path, std::string_view text) = 0;
};

/// Reads one document from start to end, with bounds. Attributes, comments, processing
/// instructions and namespaces are ignored; a document type declaration is refused before any
/// entity of it is read.
/// Errors:    not well-formed, cut off, a bound exceeded: an Error that says which and quotes
///            nothing. The visitor has then seen a part and its findings must not be used.
/// Source:    XML 1.0; expat's reference, "Billion laughs" and XML_StopParser.
inline constexpr size_t kXmlDepthMax = 32;
inline constexpr size_t kXmlElementsMax = 500'000;
inline constexpr size_t kXmlTextBytesMax = 16'384;  ///< of one element
inline constexpr size_t kXmlPathBytesMax = 2'048;
[[nodiscard]] sys::Result<sys::Done> read_xml(std::string_view document, XmlVisitor& visitor);

}  // namespace kite::aws
