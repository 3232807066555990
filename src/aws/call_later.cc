#include "aws/call_later.h"

#include <utility>

namespace kite::aws {
namespace {

class LaterCall final : public Call {
 public:
  LaterCall(http::Client& client, std::function<void()> action)
      : ticket_(client.later(std::move(action))) {}

 private:
  std::unique_ptr<http::Ticket> ticket_;
};

}  // namespace

std::unique_ptr<Call> call_later(http::Client& client, std::function<void()> action) {
  return std::make_unique<LaterCall>(client, std::move(action));
}

}  // namespace kite::aws
