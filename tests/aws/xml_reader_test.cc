#include "aws/xml_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace kite::aws {
namespace {

class Recorder final : public XmlVisitor {
 public:
  void on_open(std::string_view path) override { opened.emplace_back(path); }
  void on_close(std::string_view path, std::string_view text) override {
    closed.push_back(std::string(path) + "=" + std::string(text));
  }
  std::vector<std::string> opened;
  std::vector<std::string> closed;
};

std::string repeated(const std::string& text, size_t count) {
  std::string result;
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

bool reads(const std::string& document) {
  Recorder recorder;
  return read_xml(document, recorder).ok();
}

std::string failure_of(const std::string& document) {
  Recorder recorder;
  const auto outcome = read_xml(document, recorder);
  return outcome.ok() ? "" : outcome.error().message;
}

}  // namespace

TEST_CASE("xml_reader: elements are told by their whole path") {
  Recorder recorder;
  REQUIRE(read_xml("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a x='1'><b>1</b><c><b/></c></a>",
                   recorder)
              .ok());
  CHECK(recorder.opened == std::vector<std::string>{"a", "a/b", "a/c", "a/c/b"});
  CHECK(recorder.closed == std::vector<std::string>{"a/b=1", "a/c/b=", "a/c=", "a="});
}

TEST_CASE("xml_reader: entities, references and CDATA are decoded") {
  Recorder recorder;
  REQUIRE(read_xml("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;<![CDATA[<c>]]></a>", recorder).ok());
  CHECK(recorder.closed == std::vector<std::string>{"a=<>&\"'AB<c>"});
}

TEST_CASE("xml_reader: a document type is refused before its entities count") {
  const std::string laughs =
      "<!DOCTYPE a [<!ENTITY x \"ha\"><!ENTITY y \"&x;&x;&x;&x;\"><!ENTITY z \"&y;&y;&y;&y;\">]>"
      "<a>&z;</a>";
  CHECK(failure_of(laughs) == "the answer is not usable XML: it declares a document type");
  CHECK_FALSE(reads("<!DOCTYPE html><html></html>"));
  CHECK_FALSE(reads("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"));
  CHECK_FALSE(reads("<a>&undeclared;</a>"));
}

TEST_CASE("xml_reader: what is not a whole document is an error") {
  for (const char* text : {"", " ", "<a>", "<a><b></a>", "</a>", "<a/><b/>", "{}", "<a></a>x",
                           "<a>\xff</a>", "<br>", "<a b=1/>", "<a>&#0;</a>"}) {
    CAPTURE(text);
    CHECK_FALSE(reads(text));
  }
  CHECK_FALSE(reads(std::string("<a>\0</a>", 8)));
  CHECK_FALSE(reads("\xff\xfe<\0a\0/\0>\0"));
}

TEST_CASE("xml_reader: depth, text, paths and elements are bounded") {
  const auto nested = [](size_t depth) { return repeated("<a>", depth) + repeated("</a>", depth); };
  CHECK(reads(nested(kXmlDepthMax)));
  CHECK_FALSE(reads(nested(kXmlDepthMax + 1)));
  CHECK_FALSE(reads(repeated("<a>", 1'000'000)));

  CHECK(reads("<a>" + std::string(kXmlTextBytesMax, 'x') + "</a>"));
  CHECK_FALSE(reads("<a>" + std::string(kXmlTextBytesMax + 1, 'x') + "</a>"));

  CHECK(reads("<" + std::string(kXmlPathBytesMax - 1, 'n') + "/>"));
  CHECK_FALSE(reads("<" + std::string(kXmlPathBytesMax, 'n') + "/>"));

  CHECK(reads("<a>" + repeated("<b/>", kXmlElementsMax - 1) + "</a>"));
  CHECK_FALSE(reads("<a>" + repeated("<b/>", kXmlElementsMax) + "</a>"));
}

}  // namespace kite::aws
