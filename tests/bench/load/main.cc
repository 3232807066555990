#include <csignal>
#include <cstdio>

#include "sys/socket.h"
#include "tests/bench/load/idle_connections.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/server.h"

namespace {

using kite::load::BulkClient;
using kite::load::ExchangeClient;
using kite::load::Options;

/// The figures are said before the connections end, so that whoever attends can look at them.
template <typename Client>
void drive(Client client, bool attended) {
  std::printf("%s\n", client.run().c_str());
  std::fflush(stdout);
  while (attended && std::getchar() != EOF) continue;
  client.finish();
}

BulkClient::Options bulk_options(const Options& options) {
  BulkClient::Options bulk;
  bulk.targets = options.endpoints;
  bulk.connections = options.connections;
  bulk.direction = options.direction;
  bulk.measurement = options.measurement;
  return bulk;
}

ExchangeClient::Options exchange_options(const Options& options) {
  // A fixed rate opens as many connections as it needs; so many at once are a proxy that is stuck.
  constexpr size_t kFreshAtOnceMax = 1000;
  ExchangeClient::Options exchange;
  exchange.targets = options.endpoints;
  exchange.fresh = options.mode == Options::Mode::connect;
  exchange.per_second = options.per_second;
  exchange.connections =
      exchange.fresh && options.per_second > 0 ? kFreshAtOnceMax : options.connections;
  // On a new connection the order is part of the request.
  exchange.request_bytes =
      options.bytes - (exchange.fresh ? static_cast<uint32_t>(sizeof(kite::load::Order)) : 0);
  exchange.answer_bytes = options.bytes;
  exchange.measurement = options.measurement;
  return exchange;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = kite::load::parse_options({argv + 1, argv + argc});
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n%s", options.error().message.c_str(), kite::load::kUsage);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  kite::sys::raise_descriptor_limit();
  if (options->mode == Options::Mode::serve) {
    kite::load::Server(options->endpoints).run();
    return 0;
  }
  kite::load::Dialer dialer(options->endpoints);
  const auto idle = kite::load::open_idle(dialer, options->idle);
  const bool attended = options->measurement.attended;
  if (options->mode == Options::Mode::bulk) {
    drive(BulkClient(bulk_options(*options)), attended);
  } else {
    drive(ExchangeClient(exchange_options(*options)), attended);
  }
  return 0;
}
