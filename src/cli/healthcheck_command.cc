#include "cli/healthcheck_command.h"

#include <chrono>
#include <string_view>

#include "sys/blocking_socket.h"

namespace kite::cli {

namespace {

// Below the 5 s that ECS gives a health check by default.
constexpr std::chrono::milliseconds kPatience{3000};
constexpr size_t kAnswerBytesMax = 4096;

}  // namespace

HealthAnswer ask_health(const std::optional<sys::StreamAddress>& admin) {
  if (!admin) {
    return {false, "-admin=off: there is no address to ask; give the one that the kite has"};
  }
  auto kite = sys::BlockingSocket::connect(*admin, kPatience);
  if (!kite.ok()) {
    return {false, kite.error().message + "; is the kite running, with the same -admin?"};
  }
  const auto answer = kite->exchange(
      "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", kAnswerBytesMax);
  if (!answer.ok()) return {false, answer.error().message};
  return read_health_answer(*answer);
}

HealthAnswer read_health_answer(std::string_view answer) {
  constexpr std::string_view kStart = "HTTP/1.1 ";
  constexpr std::string_view kHeadEnd = "\r\n\r\n";
  const size_t head_end = answer.find(kHeadEnd);
  if (!answer.starts_with(kStart) || head_end == std::string_view::npos) {
    return {false, "what answers there is no kite"};
  }
  std::string_view reason = answer.substr(head_end + kHeadEnd.size());
  reason = reason.substr(0, reason.find('\n'));
  const bool ready = answer.substr(kStart.size()).starts_with("200 ");
  return {ready, std::string(reason)};
}

}  // namespace kite::cli
