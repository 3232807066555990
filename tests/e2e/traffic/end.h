#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sys/owned_fd.h"
#include "tests/e2e/traffic/loop.h"
#include "tests/e2e/traffic/pattern.h"
#include "tests/e2e/traffic/plan.h"

namespace kite::traffic {

/// How a connection ended, seen from one end. Up to `unplanned_cut` all is as planned.
enum class Outcome : uint8_t {
  complete,       ///< both streams whole, both FINs seen
  reset_sent,     ///< this end cut it, as planned
  reset_seen,     ///< the other end's planned cut arrived as a reset
  unplanned_cut,  ///< cut before the plan arrived: the server cannot know what was meant
  connect_failed,
  mismatch,      ///< a byte was not what the pattern has at its place
  short_stream,  ///< FIN before the planned length
  long_stream,   ///< more bytes than planned
  unexpected_reset,
  eof_instead_of_reset,
  bad_header,
  stuck,  ///< no progress for too long
};
constexpr size_t kOutcomes = 12;
std::string_view outcome_name(Outcome outcome);
constexpr bool is_failure(Outcome outcome) {
  return outcome > Outcome::unplanned_cut;
}

/// What one end says of a connection; the other end's must agree.
struct Record {
  uint64_t id = 0;
  Outcome outcome = Outcome::complete;
  int saved_errno = 0;
  bool answered_late = false;
  uint64_t sent_bytes = 0;
  uint64_t sent_hash = 0;
  uint64_t received_bytes = 0;
  uint64_t received_hash = 0;
};

class EndOwner {
 public:
  virtual ~EndOwner() = default;
  virtual void on_end_finished(const Record& record) = 0;  ///< once per End
};

/// One end of a connection, playing its part of a plan: sends its stream in chunks of drawn size,
/// checks the other's byte by byte, half-closes, rests, or cuts with RST when the plan says so.
/// Owns:      the socket.
/// Lifetime:  the loop owns it; it removes itself when finished. `owner` outlives it.
class End : public Target {
 public:
  enum class Role : uint8_t { client, server };

  /// `plan` is absent on the server, which reads it from the head of the stream.
  End(Loop& loop, EndOwner& owner, Role role, sys::OwnedFd socket, std::optional<Plan> plan);

  int fd() const override { return socket_.get(); }
  void on_ready(uint32_t events) override;
  void on_deadline() override;
  /// Call once after Loop::add.
  void start();

 private:
  enum class Step : uint8_t { again, blocked, finished };

  const EndPlan& mine() const { return role_ == Role::client ? plan_->client : plan_->server; }
  const EndPlan& theirs() const { return role_ == Role::client ? plan_->server : plan_->client; }
  void adopt_plan(const Plan& plan);
  void apply_buffer_size();

  bool finish_connect();
  Step receive();
  Step receive_header();
  Step on_received_bytes(size_t count);
  Step on_receive_end(ssize_t result, int saved_errno);
  Step send_some();
  Step send_header();
  Step on_send_error(int saved_errno);
  uint64_t sendable_bytes() const;
  bool may_finish_sending();
  void update_interest();
  void finish(Outcome outcome, int saved_errno = 0);

  Loop& loop_;
  EndOwner& owner_;
  Role role_;
  sys::OwnedFd socket_;
  std::optional<Plan> plan_;

  std::array<uint8_t, Plan::kEncodedBytes> header_{};
  size_t header_done_ = 0;

  Pattern out_pattern_{0};
  Pattern in_pattern_{0};
  StreamHash out_hash_;
  StreamHash in_hash_;
  uint64_t chunk_state_ = 0;

  bool connecting_;
  bool eof_seen_ = false;
  bool shutdown_sent_ = false;
  bool resting_ = false;
  bool finished_ = false;
  uint32_t interest_ = 0;
  Time last_progress_;
};

}  // namespace kite::traffic
