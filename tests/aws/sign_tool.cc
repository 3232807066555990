// The signer as a filter, so that another signer can be held against it: one JSON object a line on
// stdin, one a line on stdout. Only for tests; what it reads and prints holds keys of no account.

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "aws/endpoints.h"
#include "aws/sigv4.h"

namespace {

using kite::aws::Secret;

/// {"url", "query", "headers": [[name, value]], "body", "region", "service", "timestamp",
///  "access_key", "secret", "token"}
nlohmann::json sign(const nlohmann::json& order) {
  const auto endpoint = kite::aws::parse_endpoint_url(order.at("url").get<std::string>());
  if (!endpoint.ok()) return {{"error", endpoint.error().message}};
  std::vector<kite::http::Header> headers = {{"Host", endpoint->host}};
  for (const auto& header : order.at("headers")) headers.push_back({header.at(0), header.at(1)});
  const std::string body = order.at("body");
  const std::string query = order.at("query");
  const kite::aws::SigV4Request request{"POST", endpoint->path, query, body};
  const kite::aws::SigningScope scope{order.at("timestamp"), order.at("region"),
                                      order.at("service")};
  const kite::aws::Credentials credentials{
      order.at("access_key"), Secret(order.at("secret")), Secret(order.at("token")), {}};
  sign_headers(request, credentials, scope, headers);
  const std::string canonical = canonical_request(request, headers).text;
  return {{"canonical_request", canonical},
          {"string_to_sign", string_to_sign(scope, canonical)},
          {"authorization", headers.back().value}};
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) std::cout << sign(nlohmann::json::parse(line)) << "\n";
  return 0;
}
