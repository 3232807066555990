#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sys/check.h"

namespace kite::testing {

/// A folder that is empty at first and gone in the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = std::filesystem::temp_directory_path() / "kite-test.XXXXXX";
    KITE_CHECK(::mkdtemp(path.data()) != nullptr, "tests need a folder for temporary files");
    root_ = path;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() { std::filesystem::remove_all(root_); }

  std::string path(const std::string& name) const { return root_ / name; }
  /// What is in it, sorted, separated by spaces.
  std::string names() const {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(root_)) {
      found.push_back(entry.path().filename());
    }
    std::sort(found.begin(), found.end());
    std::string text;
    for (const std::string& name : found) text += (text.empty() ? "" : " ") + name;
    return text;
  }

 private:
  std::filesystem::path root_;
};

}  // namespace kite::testing
