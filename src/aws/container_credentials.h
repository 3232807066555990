#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/credentials_provider.h"
#include "http/http_client.h"
#include "sys/environment.h"
#include "sys/result.h"

namespace kite::aws {

/// The credentials endpoint of a container: ECS task role, EKS Pod Identity, local stand-ins.
/// Source:    "Container credential provider" in the AWS SDKs and Tools guide.

/// What the environment says of it.
struct ContainerEndpoint {
  std::string url;
  std::string token_file;  ///< read at every fetch; outranks `token`
  Secret token;            ///< sent verbatim as Authorization; empty: no header
};

/// Nothing when the environment names no endpoint; an error when it names one that may not be
/// asked: plain http reveals the token and the keys, so it is only for loopback and the addresses
/// of the ECS and EKS agents. Names other than localhost need https: nobody can say beforehand
/// where they lead. Pure.
sys::Result<std::optional<ContainerEndpoint>> plan_container_endpoint(
    const sys::Environment& environment);

class ContainerCredentials final : public CredentialsProvider {
 public:
  ContainerCredentials(http::Client& client, ContainerEndpoint endpoint);

  std::string name() const override;
  [[nodiscard]] std::unique_ptr<Call> fetch(OnCredentials on_credentials) override;

 private:
  sys::Result<Secret> authorization() const;

  http::Client& client_;
  ContainerEndpoint endpoint_;
};

}  // namespace kite::aws
