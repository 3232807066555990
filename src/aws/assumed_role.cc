#include "aws/assumed_role.h"

#include <utility>

#include "aws/parsed_call.h"

namespace kite::aws {

namespace {

sys::Result<Credentials> parse_answer(std::string_view body) {
  return parse_assumed_role(kAssumeRole, body);
}

}  // namespace

AssumedRole::AssumedRole(RoleOrder role, std::unique_ptr<CredentialsProvider> base,
                         SignedCaller::Target sts, const Parts& parts)
    : role_(std::move(role)),
      base_(std::move(base), parts.client, parts.clock, parts.random, parts.log),
      sts_(std::move(sts), parts.client, base_, parts.clock, parts.random) {}

std::string AssumedRole::name() const {
  return "role " + role_.arn + ", assumed with the " + base_.source_name();
}

std::unique_ptr<Call> AssumedRole::fetch(OnCredentials on_credentials) {
  Operation operation;
  operation.name = "sts:AssumeRole";
  operation.content_type = kStsContentType;
  operation.body = assume_role_body(role_);
  return start_parsed<Credentials>(
      sts_, std::move(operation), parse_answer,
      [on_credentials = std::move(on_credentials)](const CallResult<Credentials>& answer) {
        if (!answer.ok()) return on_credentials(sys::Error{answer.error().message});
        on_credentials(*answer);
      });
}

}  // namespace kite::aws
