#include "aws/profile_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "sys/ascii.h"

namespace kite::aws {

namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";
constexpr std::array<std::string_view, 4> kKeyTriple = {
    "aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Up to a '#' or ';' that has a blank before it.
std::string_view without_comment(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    const bool starts = text[i] == '#' || text[i] == ';';
    if (starts && kBlanks.find(text[i - 1]) != std::string_view::npos) {
      return trimmed(text.substr(0, i));
    }
  }
  return text;
}

/// A name may stand in quotes, as in [profile "my team"].
std::string_view unquoted(std::string_view name) {
  if (name.size() < 2 || (name.front() != '"' && name.front() != '\'')) return name;
  return name.back() == name.front() ? name.substr(1, name.size() - 2) : name;
}

/// "name" of "word name"; nothing when the section is of another type.
std::optional<std::string_view> name_after(std::string_view word, std::string_view title) {
  if (title.size() <= word.size() || !title.starts_with(word)) return std::nullopt;
  if (kBlanks.find(title[word.size()]) == std::string_view::npos) return std::nullopt;
  return unquoted(trimmed(title.substr(word.size())));
}

}  // namespace

/// Line by line, as configparser does it: a line that is indented further than the key above it
/// belongs to that key's value.
class ProfileSet::Reader {
 public:
  Reader(ProfileSet& set, ProfileFileKind kind) : set_(set), kind_(kind) {}

  /// What is wrong with the line; empty when nothing is.
  std::string_view read(std::string_view line) {
    const size_t indent = std::min(line.find_first_not_of(kBlanks), line.size());
    const std::string_view text = trimmed(line);
    if (text.empty() || text.front() == '#' || text.front() == ';') return {};
    if (!key_.empty() && indent > key_indent_) return read_nested(text);
    if (text.front() == '[') return open(text);
    if (!is_open_) return "stands before the first [section]";
    key_indent_ = indent;
    return read_key(text);
  }

  void close() {
    if (is_open_ && target_ != nullptr) merge(*target_, std::exchange(section_, {}));
    section_ = {};
    key_.clear();
    is_open_ = false;
  }

 private:
  std::string_view open(std::string_view text) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return "begins a [section] without closing the bracket";
    close();
    if (set_.profiles_.size() + set_.services_.size() >= kSectionsMax)
      return "is one [section] too many";
    is_open_ = true;
    target_ = nullptr;  // a section of another type: its keys are read and dropped
    const std::string_view title = trimmed(text.substr(1, end - 1));
    std::string_view name = title;
    if (kind_ == ProfileFileKind::credentials || title == "default") {
      target_ = &set_.profiles_;
    } else if (const auto profile = name_after("profile", title)) {
      target_ = &set_.profiles_;
      name = *profile;
    } else if (const auto services = name_after("services", title)) {
      target_ = &set_.services_;
      name = *services;
    }
    section_.name = name;
    return {};
  }

  std::string_view read_key(std::string_view text) {
    const size_t delimiter = text.find_first_of("=:");
    if (delimiter == std::string_view::npos || delimiter == 0) return "is not 'key = value'";
    key_ = sys::ascii_lower(trimmed(text.substr(0, delimiter)));
    section_.keys.insert_or_assign(key_, without_comment(trimmed(text.substr(delimiter + 1))));
    return {};
  }

  std::string_view read_nested(std::string_view text) {
    std::string& value = section_.keys[key_];
    if (!value.empty()) {  // goes on with the value, which no key or name survives: it is refused
      value += '\n';
      value += text;
      return {};
    }
    const size_t delimiter = text.find_first_of("=:");
    if (delimiter == std::string_view::npos || delimiter == 0) return "is not 'key = value'";
    section_.keys.insert_or_assign(
        key_ + "." + sys::ascii_lower(trimmed(text.substr(0, delimiter))),
        without_comment(trimmed(text.substr(delimiter + 1))));
    return {};
  }

  ProfileSet& set_;
  ProfileFileKind kind_;
  bool is_open_ = false;
  std::vector<Section>* target_ = nullptr;  ///< where the open section goes; null: nowhere
  Section section_;
  std::string key_;  ///< the last one read; empty at the start of a section
  size_t key_indent_ = 0;
};

sys::Result<sys::Done> ProfileSet::add(ProfileFileKind kind, std::string_view text,
                                       std::string_view path) {
  if (text.size() > kFileBytesMax) {
    return sys::Error{std::string(path) + " is too long for a file of profiles"};
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Reader reader(*this, kind);
  for (size_t line = 1; !text.empty(); ++line) {  // ends: each round takes a line off the text
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view problem = reader.read(text.substr(0, end));
    if (!problem.empty()) {
      return sys::Error{"line " + std::to_string(line) + " of " + std::string(path) + " " +
                        std::string(problem)};
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  reader.close();
  return sys::Done{};
}

const ProfileKeys* ProfileSet::find(const std::vector<Section>& sections, std::string_view name) {
  const auto found = std::find_if(sections.begin(), sections.end(),
                                  [name](const Section& section) { return section.name == name; });
  return found == sections.end() ? nullptr : &found->keys;
}

void ProfileSet::merge(std::vector<Section>& sections, Section section) {
  const auto same =
      std::find_if(sections.begin(), sections.end(),
                   [&section](const Section& candidate) { return candidate.name == section.name; });
  if (same == sections.end()) return sections.push_back(std::move(section));
  if (section.keys.count(kKeyTriple[0]) != 0 || section.keys.count(kKeyTriple[1]) != 0) {
    for (const std::string_view key : kKeyTriple) {
      if (const auto old = same->keys.find(key); old != same->keys.end()) same->keys.erase(old);
    }
  }
  for (auto& [key, value] : section.keys) same->keys.insert_or_assign(key, std::move(value));
}

}  // namespace kite::aws
