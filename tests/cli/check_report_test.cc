#include "cli/check_report.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace kite::cli {

namespace {

ActionFinding finding(const std::string& action, const std::string& use, ActionVerdict verdict) {
  return {action, use, verdict, verdict == ActionVerdict::allowed ? "" : "not authorized"};
}

CheckFindings reached_backend() {
  CheckedTarget target;
  target.listed.target.service = "orders";
  target.listed.target.container = "app";
  target.backends.push_back({8080, sys::Endpoint::parse("10.0.0.7", 32771).value(), "task", 0});
  return {"eu-west-1", "AWS_REGION", "environment", "", {target}};
}

}  // namespace

TEST_CASE(
    "check: what is denied and always needed is missing, the rest only when a poll wanted it") {
  CheckFindings findings = reached_backend();
  auto& target = findings.targets.front();
  target.actions = {
      finding("ecs:ListTasks", "always", ActionVerdict::denied),
      finding("ecs:DescribeTasks", "always", ActionVerdict::unknown),
      finding("ec2:DescribeInstances", "tasks in bridge or host mode", ActionVerdict::denied)};
  CHECK(missing_actions(findings.targets) == std::vector<std::string>{"ecs:ListTasks"});
  aws::CallError error;
  error.error_class = aws::ErrorClass::denied;
  error.operation = "ec2:DescribeInstances";
  target.listed.result.problems.push_back({error, 1});
  CHECK(missing_actions(findings.targets) ==
        std::vector<std::string>{"ec2:DescribeInstances", "ecs:ListTasks"});
  CHECK_FALSE(findings.all_well());
}

TEST_CASE("check: a cause is told once, and at the end when no policy is missing") {
  CheckFindings findings = reached_backend();
  auto& target = findings.targets.front();
  target.backends.clear();
  target.actions = {
      finding("ecs:ListTasks", "always", ActionVerdict::unknown),
      finding("ecs:DescribeTasks", "always", ActionVerdict::unknown),
      {"ec2:DescribeInstances", "bridge mode", ActionVerdict::unknown,
       "ec2:DescribeInstances failed: check the credentials"},
  };
  aws::CallError error;
  error.error_class = aws::ErrorClass::bad_credentials;
  error.operation = "ecs:ListTasks";
  error.message = "ecs:ListTasks failed: check the credentials";
  target.listed.result.problems.push_back({error, 1});
  const std::string text = check_text(findings, {});
  CAPTURE(text);
  CHECK(text.find("see NOT ANSWERED") != std::string::npos);
  CHECK(text.find("not authorized") != std::string::npos);  // what only this table knows
  CHECK(text.find("ec2:DescribeInstances failed") == std::string::npos);
  CHECK(text.ends_with("\necs:ListTasks failed: check the credentials\n"));
}

TEST_CASE("check: one backend of each target that was reached is enough") {
  CheckFindings findings = reached_backend();
  CHECK(findings.all_well());
  findings.targets.front().backends.push_back(
      {8080, sys::Endpoint::parse("10.0.0.8", 1).value(), "other", ECONNREFUSED});
  CHECK(findings.all_well());
  findings.targets.front().backends.front().error = ETIMEDOUT;
  CHECK_FALSE(findings.all_well());
  CHECK(check_text(findings, {}).find("check the security groups") != std::string::npos);
  findings.targets.front().backends.front().error = ECONNREFUSED;
  CHECK(check_text(findings, {}).find("nothing listens there") != std::string::npos);
}

TEST_CASE("check: keys that could not be had are told") {
  CheckFindings findings = reached_backend();
  findings.credentials_error = "the container endpoint answered 404";
  CHECK_FALSE(findings.all_well());
  CHECK(check_text(findings, {}).find("answered 404") != std::string::npos);
  CHECK(check_json(findings).starts_with("{\"ok\":false,\"region\":\"eu-west-1\""));
}

TEST_CASE("check: the policy is JSON that allows what is missing") {
  CHECK(policy_text(std::vector<std::string>{"ecs:A", "ecs:B"}) ==
        "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": "
        "\"Allow\",\n      \"Action\": [\n        \"ecs:A\",\n        \"ecs:B\"\n      ],\n      "
        "\"Resource\": \"*\"\n    }\n  ]\n}\n");
}

}  // namespace kite::cli
