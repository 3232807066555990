#include "tests/bench/load/measurement.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace kite::load {

uint64_t cpu_ns(const std::vector<pid_t>& pids) {
  uint64_t total = 0;
  for (const pid_t pid : pids) {
    std::error_code gone;
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid) + "/task",
                                                      gone);
    for (const auto& thread : threads) {
      uint64_t on_cpu = 0;
      if (std::ifstream(thread.path() / "schedstat") >> on_cpu) total += on_cpu;
    }
  }
  return total;
}

uint64_t percentile(const std::vector<uint64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto index = static_cast<size_t>(part * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

Time Measurement::start() {
  if (options_.attended) {
    std::puts("ready");
    std::fflush(stdout);
    while (std::getchar() != '\n' && !std::feof(stdin)) continue;
  }
  const Time now = Clock::now();
  const auto span = [](double seconds) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  };
  from_ = now + span(options_.warm_up_seconds);
  until_ = from_ + span(options_.seconds);
  latencies_ns_.reserve(size_t{1} << 20);
  return now;
}

Measurement::Sample Measurement::sample(Time now, uint64_t bytes) const {
  return {now, bytes, cpu_ns(options_.cpu_of), cpu_ns({::getpid()})};
}

void Measurement::on_turn(Time now, uint64_t bytes) {
  if (!measuring_ && now >= from_) {
    first_ = sample(now, bytes);
    measuring_ = true;
  }
  if (measuring_ && !over_ && now >= until_) {
    last_ = sample(now, bytes);
    over_ = true;
  }
}

void Measurement::note_exchange(Time begun, Time now) {
  if (!measuring_ || over_) return;
  latencies_ns_.push_back(static_cast<uint64_t>((now - begun).count()));
}

std::string Measurement::report() {
  std::sort(latencies_ns_.begin(), latencies_ns_.end());
  const auto us = [&](double part) {
    return static_cast<double>(percentile(latencies_ns_, part)) / 1e3;
  };
  const auto seconds = [](uint64_t ns) { return static_cast<double>(ns) / 1e9; };
  char text[512];
  std::snprintf(text, sizeof text,
                "{\"seconds\": %.6f, \"bytes\": %llu, \"exchanges\": %zu, \"failures\": %llu, "
                "\"unfinished\": %llu, \"proxy_cpu_s\": %.6f, \"client_cpu_s\": %.6f, "
                "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}",
                std::chrono::duration<double>(last_.at - first_.at).count(),
                static_cast<unsigned long long>(last_.bytes - first_.bytes), latencies_ns_.size(),
                static_cast<unsigned long long>(failures_),
                static_cast<unsigned long long>(unfinished_),
                seconds(last_.proxy_ns - first_.proxy_ns), seconds(last_.own_ns - first_.own_ns),
                us(0.5), us(0.99), us(0.999), us(1.0));
  return text;
}

}  // namespace kite::load
