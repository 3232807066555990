#include "sys/shared_text.h"

#include <cstring>
#include <new>

namespace kite::sys {

SharedText::SharedText(std::string_view text) {
  if (text.empty()) return;
  block_ = new (::operator new(sizeof(Block) + text.size()))
      Block{1, static_cast<uint32_t>(text.size())};
  std::memcpy(block_ + 1, text.data(), text.size());
}

void SharedText::release() {
  if (block_ != nullptr && --block_->shares == 0) ::operator delete(block_);
}

SharedText TextPool::share(const SharedText& text) {
  return text.empty() ? text : *texts_.insert(text).first;
}

void TextPool::trim() {
  std::erase_if(texts_, [](const SharedText& text) { return !text.is_shared(); });
}

}  // namespace kite::sys
