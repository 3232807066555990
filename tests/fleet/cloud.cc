#include "tests/fleet/cloud.h"

#include <utility>

namespace kite::fleet {

namespace {

http::Response refusal(int status, std::string body) {
  return {status, {}, std::move(body)};
}

/// A request under way: first to the cloud, then back with what it said there.
class Exchange final : public http::Ticket {
 public:
  Exchange(Wire& wire, http::Request request, http::OnDone on_done)
      : wire_(wire),
        request_(std::move(request)),
        on_done_(std::move(on_done)),
        timer_(wire.cloud().reactor().timers(), event::Timer::OnDue::to<&Exchange::on_due>(this)) {
    wait(request_.start_delay + wire.cloud().one_way());
  }

 private:
  void wait(sys::Duration pause) { timer_.start(wire_.cloud().reactor().now() + pause); }
  void on_due() {
    if (!std::exchange(arrived_, true)) {
      outcome_ = wire_.arrive(request_);
      return wait(outcome_.ok() ? wire_.cloud().one_way() : sys::Duration(request_.timeout));
    }
    const http::OnDone on_done = std::move(on_done_);
    on_done(std::move(outcome_));  // last: it may destroy this
  }

  Wire& wire_;
  const http::Request request_;
  http::OnDone on_done_;
  http::Outcome outcome_ = http::RequestError{};
  bool arrived_ = false;
  event::Timer timer_;
};

class Later final : public http::Ticket {
 public:
  Later(event::Reactor& reactor, std::function<void()> action)
      : action_(std::move(action)),
        turn_(reactor, event::Continuation::OnTurn::to<&Later::run>(this)) {
    turn_.request();
  }

 private:
  void run() {
    const std::function<void()> action = std::move(action_);
    action();
  }
  std::function<void()> action_;
  event::Continuation turn_;
};

/// What X-Amz-Target names; empty for EC2.
std::string_view operation_of(const http::Request& request) {
  for (const http::Header& header : request.headers) {
    if (header.name != "X-Amz-Target") continue;
    return std::string_view(header.value).substr(header.value.rfind('.') + 1);
  }
  return {};
}

}  // namespace

Cloud::Cloud(event::Reactor& reactor, Cluster& cluster, sys::Random& random, Options options)
    : reactor_(reactor),
      cluster_(cluster),
      random_(random),
      options_(options),
      start_(reactor.now()),
      reads_(options.bucket, start_),
      instances_({}, start_),
      discoveries_({2 * options.discoveries_per_second, options.discoveries_per_second}, start_),
      revisions_({3 * options.discoveries_per_second, 3 * options.discoveries_per_second}, start_) {
}

sys::Duration Cloud::one_way() {
  return options_.latency_min / 2 + random_.jitter(options_.latency_spread / 2);
}

Counts& Cloud::now_counts() {
  const auto second = std::chrono::floor<std::chrono::seconds>(reactor_.now() - start_).count();
  if (static_cast<size_t>(second) >= seconds_.size())
    seconds_.resize(static_cast<size_t>(second) + 1);
  return seconds_.back();
}

http::Outcome Cloud::answer(const http::Request& request) {
  const std::string_view operation = operation_of(request);
  if (operation.empty()) return answer_ec2(request);
  return operation.starts_with("Discover") ? answer_cloud_map(request, operation)
                                           : answer_ecs(request, operation);
}

http::Outcome Cloud::fail() {
  if (random_.below(2) == 0) return http::RequestError{http::Failure::timeout, "no answer"};
  return refusal(503, R"({"__type":"ServiceUnavailable","message":"down"})");
}

http::Outcome Cloud::answer_ecs(const http::Request& request, std::string_view operation) {
  Counts& counts = now_counts();
  ++counts.calls;
  if (down_) return fail();
  if (!reads_.take(reactor_.now())) {
    ++counts.throttled;
    return refusal(400, R"({"__type":"ThrottlingException","message":"Rate exceeded"})");
  }
  http::Response response{200, {}, ""};
  if (operation == "ListTasks") response.body = cluster_.list_tasks(request.body);
  if (operation == "DescribeTasks") response.body = cluster_.describe_tasks(request.body);
  if (operation == "DescribeContainerInstances") {
    response.body = cluster_.describe_container_instances(request.body);
  }
  return response;
}

http::Outcome Cloud::answer_ec2(const http::Request& request) {
  if (down_) return fail();
  if (!instances_.take(reactor_.now())) {
    ++other_throttled_;
    return refusal(503,
                   "<Response><Errors><Error><Code>RequestLimitExceeded</Code>"
                   "<Message>Request limit exceeded.</Message></Error></Errors></Response>");
  }
  return http::Response{200, {}, cluster_.describe_instances(request.body)};
}

http::Outcome Cloud::answer_cloud_map(const http::Request& request, std::string_view operation) {
  const bool revision = operation == "DiscoverInstancesRevision";
  Counts& counts = now_counts();
  ++(revision ? counts.revisions : counts.calls);
  if (down_) return fail();
  if (!(revision ? revisions_ : discoveries_).take(reactor_.now())) {
    ++counts.throttled;
    return refusal(400, R"({"__type":"RequestLimitExceeded","message":"Rate exceeded"})");
  }
  return http::Response{200,
                        {},
                        revision ? cluster_.discover_revision(request.body)
                                 : cluster_.discover_instances(request.body)};
}

void Cloud::call_from_outside() {
  Counts& counts = now_counts();
  ++counts.outside_calls;
  if (!down_ && !reads_.take(reactor_.now())) ++counts.outside_throttled;
}

http::Outcome Wire::arrive(const http::Request& request) {
  http::Outcome outcome = cloud_.answer(request);
  const bool answered = outcome.ok() && outcome->status == 200;
  if (answered && operation_of(request) == "DescribeTasks") on_described_();
  return outcome;
}

std::unique_ptr<http::Ticket> Wire::start(http::Request request, http::OnDone on_done) {
  return std::make_unique<Exchange>(*this, std::move(request), std::move(on_done));
}

std::unique_ptr<http::Ticket> Wire::later(std::function<void()> action) {
  return std::make_unique<Later>(cloud_.reactor(), std::move(action));
}

}  // namespace kite::fleet
