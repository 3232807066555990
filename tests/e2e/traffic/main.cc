// traffic: the two ends of a proxied connection, for tests of integrity. See options.cc.
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "sys/socket.h"
#include "tests/e2e/traffic/client.h"
#include "tests/e2e/traffic/options.h"
#include "tests/e2e/traffic/server.h"

namespace kite::traffic {
namespace {

constexpr auto kDrainMax = std::chrono::seconds(10);

/// Notices the end of stdin: the server's owner says "that is all", or died.
class StdinWatch final : public Target {
 public:
  explicit StdinWatch(bool& ended) : ended_(ended) {}
  int fd() const override { return STDIN_FILENO; }
  void on_ready(uint32_t /*events*/) override {
    char ignored[256];
    if (::read(STDIN_FILENO, ignored, sizeof ignored) <= 0) ended_ = true;
  }

 private:
  bool& ended_;
};

double seconds_since(Time start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

int conclude(const Report& report, const Options& options, const char* role, double seconds) {
  std::puts(report.json(role, seconds).c_str());
  if (!options.records.empty() && !report.write_records(options.records)) {
    std::perror(options.records.c_str());
    return 1;
  }
  return report.failures() == 0 ? 0 : 1;
}

int serve(const Options& options) {
  Loop loop;
  Server server(loop);
  std::string line = "{\"listening\": [";
  for (const sys::Endpoint& endpoint : options.endpoints) {
    auto bound = server.listen(endpoint);
    if (!bound.ok()) {
      std::fprintf(stderr, "traffic: %s\n", bound.error().message.c_str());
      return 2;
    }
    line += (line.back() == '[' ? "\"" : ", \"") + bound->text() + "\"";
  }
  std::puts((line + "]}").c_str());
  std::fflush(stdout);

  bool ended = false;
  const Time start = Clock::now();
  auto watch = std::make_unique<StdinWatch>(ended);
  StdinWatch& stdin_watch = *watch;
  loop.add(std::move(watch), EPOLLIN);
  loop.run([&] { return ended; });
  loop.remove(stdin_watch);
  const Time drain_end = Clock::now() + kDrainMax;
  loop.run([&] { return server.open() == 0 || loop.now() > drain_end; });
  if (server.open() != 0) {
    std::fprintf(stderr, "traffic: %llu connections still open\n",
                 static_cast<unsigned long long>(server.open()));
  }
  const int status = conclude(server.report(), options, "server", seconds_since(start));
  return server.open() == 0 ? status : 1;
}

int drive(const Options& options) {
  Loop loop;
  Client client(loop, options.client);
  const Time start = Clock::now();
  bool over = false;
  loop.run([&] {
    over = client.advance();
    return over || seconds_since(start) > options.time_limit_seconds;
  });
  const int status = conclude(client.report(), options, "client", seconds_since(start));
  if (!over) std::fputs("traffic: the time limit ended the run\n", stderr);
  return over ? status : 1;
}

}  // namespace
}  // namespace kite::traffic

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  kite::sys::raise_descriptor_limit();
  auto options = kite::traffic::parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) {
    std::fprintf(stderr, "traffic: %s\n%s", options.error().message.c_str(), kite::traffic::kUsage);
    return 2;
  }
  return options->mode == kite::traffic::Options::Mode::serve ? kite::traffic::serve(*options)
                                                              : kite::traffic::drive(*options);
}
