#include "tests/e2e/traffic/client.h"

#include <memory>
#include <optional>
#include <utility>

#include "sys/socket.h"

namespace kite::traffic {

Client::Client(Loop& loop, Options options)
    : loop_(loop), options_(std::move(options)), dealer_(options_.plans) {}

bool Client::enough() const {
  return opened_ >= options_.connections_min && planned_up_bytes_ >= options_.bytes_each_way &&
         planned_down_bytes_ >= options_.bytes_each_way;
}

bool Client::advance() {
  while (!enough() && opened_ - report_.finished() < options_.parallel) open_one();
  return enough() && report_.finished() == opened_;
}

void Client::open_one() {
  const Plan plan = dealer_.next();
  const sys::Endpoint& target = options_.targets[opened_ % options_.targets.size()];
  ++opened_;
  if (!plan.resets()) {
    planned_up_bytes_ += plan.client.bytes;
    planned_down_bytes_ += plan.server.bytes;
  }
  int saved_errno = 0;
  sys::OwnedFd socket = sys::connect_tcp(target, saved_errno);
  if (!socket.valid()) {
    Record failed;
    failed.id = plan.id;
    failed.outcome = Outcome::connect_failed;
    failed.saved_errno = saved_errno;
    return report_.add(failed);
  }
  auto end = std::make_unique<End>(loop_, *this, End::Role::client, std::move(socket), plan);
  End& added = *end;
  loop_.add(std::move(end), 0);
  added.start();
}

void Client::on_end_finished(const Record& record) {
  report_.add(record);
}

}  // namespace kite::traffic
