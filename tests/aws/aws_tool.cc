// The way from the environment to signed calls as a filter, so that it can be held against botocore
// and the local AWS without a whole program: one JSON order a line on stdin, one JSON answer a line
// on stdout. Delays between retries are drawn as zero. Only for tests.

#include <csignal>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "aws/credentials_cache.h"
#include "aws/credentials_chain.h"
#include "aws/endpoints.h"
#include "aws/instance_metadata.h"
#include "aws/settings.h"
#include "aws/signed_call.h"
#include "event/reactor.h"
#include "http/curl_client.h"
#include "tests/support/scripted_random.h"

namespace {

using namespace kite;
using nlohmann::json;

/// The kernel's clock, and what the orders add to it.
class MovableClock final : public sys::Clock {
 public:
  sys::SteadyTime steady_now() const override { return clock_.steady_now() + moved; }
  sys::WallTime wall_now() const override { return clock_.wall_now() + moved; }
  std::chrono::seconds moved{0};

 private:
  sys::SystemClock clock_;
};

/// Everything a kite has between its environment and AWS.
class Tool {
 public:
  Tool(aws::Settings settings, const http::ProxyRules& proxies, const std::string& assume_role,
       const std::string& external_id)
      : settings_(std::move(settings)),
        log_(clock_, sink_, {.level = sys::LogLevel::fatal}),
        reactor_(clock_),
        http_(reactor_, options(proxies)),
        metadata_(aws::plan_instance_metadata(settings_).value(), http_, clock_, log_),
        credentials_(aws::choose_credentials(
                         {settings_, kRegion, http_, metadata_, clock_, random_, log_},
                         aws::order_role(assume_role, external_id, settings_.environment())),
                     http_, clock_, random_, log_),
        ecs_(target(aws::Service::ecs), http_, credentials_, clock_, random_),
        ec2_(target(aws::Service::ec2), http_, credentials_, clock_, random_) {}

  json advance(int seconds) {
    clock_.moved += std::chrono::seconds(seconds);
    return {{"result", "ok"}};
  }

  json credentials() {
    std::optional<sys::Result<aws::Credentials>> got;
    const auto call = credentials_.get(
        false, [&got](sys::Result<aws::Credentials> result) { got.emplace(std::move(result)); });
    while (!got) reactor_.run_turn(std::chrono::seconds(1));
    if (!got->ok()) return {{"error", got->error().message}};
    return {{"access_key", (*got)->access_key_id}, {"source", credentials_.source_name()}};
  }

  /// `name` is "ecs:ListTasks" or the like.
  json call(const std::string& name) {
    const bool is_ecs = name.starts_with("ecs:");
    aws::SignedCaller& caller = is_ecs ? ecs_ : ec2_;
    const std::string action = name.substr(4);
    aws::Operation operation{name, "", "application/x-www-form-urlencoded; charset=utf-8",
                             "Action=" + action + "&Version=2016-11-15&MaxResults=1000"};
    if (is_ecs) {
      operation.target = "AmazonEC2ContainerServiceV20141113." + action;
      operation.content_type = "application/x-amz-json-1.1";
      operation.body = "{}";
    }
    const aws::SignedCaller::Stats before = caller.stats();
    std::optional<aws::CallResult<http::Response>> got;
    const auto call =
        caller.start(std::move(operation), [&got](auto result) { got.emplace(std::move(result)); });
    while (!got) reactor_.run_turn(std::chrono::seconds(1));
    const aws::SignedCaller::Stats& after = caller.stats();
    json answer = {{"result", "ok"},
                   {"attempts", after.attempts - before.attempts},
                   {"throttled", after.throttled_attempts - before.throttled_attempts},
                   {"refreshes", after.credential_refreshes - before.credential_refreshes},
                   {"skew_corrections", after.skew_corrections - before.skew_corrections}};
    if (got->ok()) return answer;
    const aws::CallError& error = got->error();
    answer["result"] = std::string(aws::error_class_name(error.error_class));
    answer["code"] = error.code;
    answer["message"] = error.message;
    return answer;
  }

 private:
  static constexpr const char* kRegion = "eu-west-1";

  http::CurlClient::Options options(const http::ProxyRules& proxies) const {
    http::CurlClient::Options result;
    if (const auto path = settings_.get("AWS_CA_BUNDLE", "ca_bundle"))
      result.ca_bundle = path->text;
    result.proxies = proxies;
    return result;
  }

  aws::SignedCaller::Target target(aws::Service service) const {
    return {service, kRegion, aws::resolve_endpoint(service, kRegion, "", settings_).value()};
  }

  aws::Settings settings_;
  MovableClock clock_;
  sys::StderrSink sink_;
  sys::Logger log_;
  testing::ScriptedRandom random_;
  event::Reactor reactor_;
  http::CurlClient http_;
  aws::InstanceMetadata metadata_;
  aws::CredentialsCache credentials_;
  aws::SignedCaller ecs_;
  aws::SignedCaller ec2_;
};

}  // namespace

/// aws-tool [role-arn [external-id]]
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto environment = sys::Environment::of_process();
  auto settings = aws::Settings::read(environment);
  const auto proxies = http::ProxyRules::read(environment);
  if (!settings.ok() || !proxies.ok()) {
    const sys::Error& error = settings.ok() ? proxies.error() : settings.error();
    std::cout << json{{"error", error.message}} << std::endl;
    return 0;
  }
  Tool tool(*std::move(settings), *proxies, argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
  std::string line;
  while (std::getline(std::cin, line)) {
    const json order = json::parse(line);
    json answer;
    if (order.is_number()) {
      answer = tool.advance(order.get<int>());
    } else if (order == "credentials") {
      answer = tool.credentials();
    } else {
      answer = tool.call(order.get<std::string>());
    }
    std::cout << answer << std::endl;
  }
  return 0;
}
