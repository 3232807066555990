#include "discovery/snapshot_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "sys/small_file.h"

namespace kite::discovery {

namespace {

constexpr std::string_view kFirstLine = "ecs-task-kite-set 1\n";
constexpr std::string_view kEnd = "end ";
constexpr size_t kChecksumDigits = 16;

/// FNV-1a of 64 bits: for damage, not for malice. Who may write the file may write any address.
std::string checksum(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3U;
  }
  std::string digits(kChecksumDigits, '0');
  for (size_t i = kChecksumDigits; i-- > 0; hash >>= 4U) {
    digits[i] = "0123456789abcdef"[hash & 15U];
  }
  return digits;
}

/// A word without spaces or line ends: "-" for nothing, and %XX for what could be mistaken.
std::string word(std::string_view text) {
  if (text.empty()) return "-";
  std::string escaped;
  for (const char byte : text) {
    if (byte > ' ' && byte < '\x7f' && byte != '%' && text != "-") {
      escaped += byte;
      continue;
    }
    const auto value = static_cast<unsigned char>(byte);
    escaped += '%';
    escaped += "0123456789abcdef"[value >> 4U];
    escaped += "0123456789abcdef"[value & 15U];
  }
  return escaped;
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base = 10) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value, base);
  if (failure != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::string> unescape(std::string_view text) {
  if (text == "-") return std::string();
  std::string plain;
  while (!text.empty()) {  // ends: each round takes a byte at least
    if (text.front() != '%') {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto value = number<uint8_t>(text.substr(1, 2), 16);
    if (text.size() < 3 || !value) return std::nullopt;
    plain += static_cast<char>(*value);
    text.remove_prefix(3);
  }
  return plain;
}

/// Takes what comes before the next `mark`, and the mark.
std::string_view take_until(std::string_view& rest, char mark) {
  const size_t length = std::min(rest.find(mark), rest.size());
  const std::string_view taken = rest.substr(0, length);
  rest.remove_prefix(std::min(length + 1, rest.size()));
  return taken;
}

/// Reads the lines between target and checksum.
class Body {
 public:
  bool take(std::string_view line) {
    const std::string_view kind = take_until(line, ' ');
    if (kind == "port") return take_port(line);
    if (kind == "task") return take_task(line);
    return kind == "backend" && take_backend(line);
  }
  snapshot::SnapshotPtr finish() {
    std::vector<snapshot::PortBackends> ports;
    for (auto& [port, backends] : ports_) ports.push_back({port, std::move(backends)});
    return std::make_shared<const snapshot::Snapshot>(std::move(tasks_), std::move(ports));
  }

 private:
  bool take_port(std::string_view line) {
    const auto port = number<uint16_t>(line);
    if (!port || *port == 0) return false;
    ports_[*port];
    return true;
  }
  bool take_task(std::string_view line) {
    const auto id = unescape(take_until(line, ' '));
    const auto zone = unescape(line);
    if (!id || !zone) return false;
    tasks_.push_back({*id, *zone});
    return true;
  }
  bool take_backend(std::string_view line) {
    const auto port = number<uint16_t>(take_until(line, ' '));
    const std::string_view address = take_until(line, ' ');
    const auto at = number<uint16_t>(take_until(line, ' '));
    const auto task = number<uint32_t>(line);
    if (!port || !ports_.contains(*port) || !at || *at == 0) return false;
    if (!task || *task >= tasks_.size()) return false;
    const auto endpoint = sys::Endpoint::parse(address, *at);
    if (!endpoint.ok()) return false;
    ports_[*port].push_back({*endpoint, *task});
    return true;
  }

  std::vector<snapshot::BackendTask> tasks_;
  std::map<uint16_t, std::vector<snapshot::Backend>> ports_;
};

/// The text without its last line, if that holds the right checksum.
std::optional<std::string_view> checked(std::string_view text) {
  const size_t last_line = kEnd.size() + kChecksumDigits + 1;
  if (text.size() < last_line || text.back() != '\n') return std::nullopt;
  const std::string_view body = text.substr(0, text.size() - last_line);
  if (text.substr(body.size()) != std::string(kEnd) + checksum(body) + "\n") return std::nullopt;
  return body;
}

}  // namespace

std::string render_saved_set(const snapshot::Snapshot& set, std::string_view target,
                             sys::WallTime confirmed_at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(confirmed_at).time_since_epoch();
  std::string text(kFirstLine);
  text += "target " + word(target) + "\nconfirmed " + std::to_string(seconds.count()) + "\n";
  for (const snapshot::BackendTask& task : set.tasks()) {
    text += "task " + word(task.id) + " " + word(task.zone) + "\n";
  }
  for (const snapshot::PortBackends& port : set.ports()) {
    const std::string name = std::to_string(port.container_port);
    text += "port " + name + "\n";
    for (const snapshot::Backend& backend : port.backends) {
      text += "backend " + name + " " + backend.endpoint.address_text() + " " +
              std::to_string(backend.endpoint.port()) + " " + std::to_string(backend.task_index) +
              "\n";
    }
  }
  return seal_saved_set(std::move(text));
}

std::string seal_saved_set(std::string text) {
  const std::string sum = checksum(text);
  return text.append(kEnd).append(sum).append("\n");
}

sys::Result<SavedSet> parse_saved_set(std::string_view text, std::string_view target) {
  if (!text.starts_with(kFirstLine)) {
    return sys::Error{"it is no set that this version of the kite saved"};
  }
  const std::optional<std::string_view> body = checked(text);
  if (!body) return sys::Error{"it is damaged: its checksum is another"};
  std::string_view rest = body->substr(kFirstLine.size());
  std::string_view line = take_until(rest, '\n');
  if (take_until(line, ' ') != "target") return sys::Error{"it names no target"};
  if (line != word(target)) {
    return sys::Error{"it is of another target: " + unescape(line).value_or("") + "; this one is " +
                      std::string(target)};
  }
  line = take_until(rest, '\n');
  if (take_until(line, ' ') != "confirmed") return sys::Error{"it names no time"};
  const auto seconds = number<int64_t>(line);
  // Within what milliseconds can say.
  if (!seconds || *seconds < 0 || *seconds > INT64_MAX / 2000) {
    return sys::Error{"it names no time"};
  }
  Body lines;
  while (!rest.empty()) {  // ends: each round takes a line
    if (!lines.take(take_until(rest, '\n'))) return sys::Error{"it is damaged: a line is unknown"};
  }
  return SavedSet{lines.finish(), sys::WallTime(std::chrono::seconds(*seconds))};
}

SnapshotFile::SnapshotFile(const Deps& deps, Options options)
    : clock_(deps.clock), logger_(deps.logger), options_(std::move(options)) {}

snapshot::SnapshotPtr SnapshotFile::load() {
  const auto text = sys::read_small_file(options_.path, kBytesMax);
  if (!text.ok()) {
    const bool nothing_saved_yet = text.error().os_error == ENOENT;
    if (!nothing_saved_yet) refuse(text.error().message);
    return nullptr;
  }
  const sys::Result<SavedSet> saved = parse_saved_set(*text, options_.target);
  if (!saved.ok()) {
    refuse(saved.error().message);
    return nullptr;
  }
  const auto age =
      std::chrono::floor<std::chrono::seconds>(clock_.wall_now() - saved->confirmed_at);
  age_ = std::max(age, std::chrono::seconds(0));
  if (age_ > kAgeMax) {
    refuse("it is " + std::to_string(age_.count() / 3600) + " hours old, more than " +
           std::to_string(kAgeMax.count()) + ": its addresses may be somebody else's by now");
    return nullptr;
  }
  return saved->snapshot;
}

void SnapshotFile::refuse(const std::string& reason) {
  logger_.warn("cache_refused", {{"path", options_.path}, {"reason", reason}});
}

void SnapshotFile::save(const snapshot::SnapshotPtr& set) {
  const sys::SteadyTime now = clock_.steady_now();
  if (saved_ == set && now < saved_at_ + kConfirmEvery) return;
  const std::string text = render_saved_set(*set, options_.target, clock_.wall_now());
  const sys::Result<sys::Done> written =
      text.size() <= kBytesMax
          ? sys::replace_file(options_.path, text)
          : sys::Error{"the set needs more than " + std::to_string(kBytesMax) + " bytes"};
  saved_ = set;
  saved_at_ = now;
  const std::string failure = written.ok() ? "" : written.error().message;
  if (failure == std::exchange(told_failure_, failure)) return;
  if (failure.empty()) {
    logger_.info("cache_written_again", {{"path", options_.path}});
  } else {
    logger_.warn("cache_not_written",
                 {{"path", options_.path},
                  {"reason", failure},
                  {"message", "the kite goes on without; -cache needs a folder it may write to"}});
  }
}

}  // namespace kite::discovery
