#include "http/response_collector.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace kite::http {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

size_t ResponseCollector::announced_bytes() const {
  const std::string_view length = response_.header("Content-Length");
  size_t bytes = 0;
  std::from_chars(length.data(), length.data() + length.size(), bytes);
  return std::min(bytes, body_bytes_max_);
}

bool ResponseCollector::add_header_line(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > kHeaderBytesMax) {
    too_large_ = true;
    return false;
  }
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();
    in_header_block_ = true;
    return true;
  }
  if (!in_header_block_) return true;  // a trailer
  const std::string_view text = trimmed(line);
  if (text.empty()) {
    in_header_block_ = false;
    return true;
  }
  const bool folded = line.front() == ' ' || line.front() == '\t';  // RFC 9112 section 5.2
  if (folded && !response_.headers.empty()) {
    response_.headers.back().value.append(" ").append(text);
    return true;
  }
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  response_.headers.push_back(
      {std::string(trimmed(text.substr(0, colon))), std::string(trimmed(text.substr(colon + 1)))});
  return true;
}

bool ResponseCollector::add_body(std::string_view piece) {
  if (piece.size() > body_bytes_max_ - response_.body.size()) {
    too_large_ = true;
    return false;
  }
  // Grown piece by piece it would be copied on the way and end with up to twice the room.
  if (response_.body.empty()) response_.body.reserve(announced_bytes());
  response_.body.append(piece);
  return true;
}

Response ResponseCollector::take(int status) {
  response_.status = status;
  return std::move(response_);
}

}  // namespace kite::http
