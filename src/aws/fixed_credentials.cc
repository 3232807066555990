#include "aws/fixed_credentials.h"

#include <utility>

#include "aws/call_later.h"

namespace kite::aws {

FixedCredentials::FixedCredentials(http::Client& client, std::string name,
                                   sys::Result<Credentials> answer)
    : client_(client), name_(std::move(name)), answer_(std::move(answer)) {}

std::unique_ptr<Call> FixedCredentials::fetch(OnCredentials on_credentials) {
  return call_later(client_, [on_credentials = std::move(on_credentials), answer = answer_] {
    on_credentials(answer);
  });
}

}  // namespace kite::aws
