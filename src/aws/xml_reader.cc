#include "aws/xml_reader.h"

#include <expat.h>

#include <limits>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace kite::aws {
namespace {

struct ParserDeleter {
  void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};
using ParserHandle = std::unique_ptr<std::remove_pointer_t<XML_Parser>, ParserDeleter>;

/// What expat's callbacks work on.
/// Invariant: path_ is the slash-joined names of the open elements; lengths_ has one entry for
/// each.
class Reading {
 public:
  Reading(XML_Parser parser, XmlVisitor& visitor) : parser_(parser), visitor_(visitor) {
    XML_SetUserData(parser, this);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
  }

  /// Why the reading was stopped, or null.
  const char* refusal() const { return refusal_; }

 private:
  static Reading& self(void* data) { return *static_cast<Reading*>(data); }

  static void XMLCALL on_start(void* data, const XML_Char* name, const XML_Char** /*attributes*/) {
    self(data).open(name);
  }
  static void XMLCALL on_end(void* data, const XML_Char* /*name*/) { self(data).close(); }
  static void XMLCALL on_text(void* data, const XML_Char* text, int text_bytes) {
    self(data).append({text, static_cast<size_t>(text_bytes)});
  }
  static void XMLCALL on_doctype(void* data, const XML_Char* /*name*/, const XML_Char* /*system*/,
                                 const XML_Char* /*public_id*/, int /*has_internal_subset*/) {
    self(data).refuse("it declares a document type");
  }

  void open(std::string_view name) {
    if (refusal_ != nullptr) return;
    if (lengths_.size() == kXmlDepthMax) return refuse("it is nested too deeply");
    if (++elements_ > kXmlElementsMax) return refuse("it has too many elements");
    if (path_.size() + name.size() + 1 > kXmlPathBytesMax) return refuse("its names are too long");
    lengths_.push_back(path_.size());
    if (!path_.empty()) path_ += '/';
    path_ += name;
    text_.clear();
    visitor_.on_open(path_);
  }

  void close() {
    if (refusal_ != nullptr) return;  // expat may still report the end of an empty element
    visitor_.on_close(path_, text_);
    text_.clear();
    path_.resize(lengths_.back());
    lengths_.pop_back();
  }

  void append(std::string_view text) {
    if (refusal_ != nullptr) return;
    if (text_.size() + text.size() > kXmlTextBytesMax) return refuse("a text in it is too long");
    text_ += text;
  }

  void refuse(const char* reason) {
    refusal_ = reason;
    XML_StopParser(parser_, XML_FALSE);
  }

  XML_Parser parser_;
  XmlVisitor& visitor_;
  std::string path_;
  std::vector<size_t> lengths_;
  std::string text_;
  size_t elements_ = 0;
  const char* refusal_ = nullptr;
};

}  // namespace

sys::Result<sys::Done> read_xml(std::string_view document, XmlVisitor& visitor) {
  if (document.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return sys::Error{"the answer is not usable XML: it is too large"};
  }
  // The encoding is ours to say: a document that claims another one is not from AWS.
  const ParserHandle parser(XML_ParserCreate("UTF-8"));
  if (parser == nullptr) return sys::Error{"the XML parser could not be set up"};
  Reading reading(parser.get(), visitor);
  const XML_Status status =
      XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE);
  if (reading.refusal() != nullptr) {
    return sys::Error{std::string("the answer is not usable XML: ") + reading.refusal()};
  }
  if (status != XML_STATUS_OK) {
    return sys::Error{std::string("the answer is not XML: ") +
                      XML_ErrorString(XML_GetErrorCode(parser.get()))};
  }
  return sys::Done{};
}

}  // namespace kite::aws
