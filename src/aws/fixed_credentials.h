#pragma once

#include <memory>
#include <string>

#include "aws/credentials_provider.h"
#include "http/http_client.h"
#include "sys/result.h"

namespace kite::aws {

/// Always the same answer: keys that were given, or why there are none.
class FixedCredentials final : public CredentialsProvider {
 public:
  FixedCredentials(http::Client& client, std::string name, sys::Result<Credentials> answer);

  std::string name() const override { return name_; }
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  http::Client& client_;
  std::string name_;
  sys::Result<Credentials> answer_;
};

}  // namespace kite::aws
