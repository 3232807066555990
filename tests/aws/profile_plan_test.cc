#include "aws/profile_plan.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

using Base = ProfilePlan::Base;

const std::string kArn = "arn:aws:iam::111122223333:role/r";

sys::Result<std::optional<ProfilePlan>> plan(std::string_view config,
                                             std::string_view name = "default") {
  ProfileSet set;
  CHECK(set.add(ProfileFileKind::config, config, "f").ok());
  return plan_profile(set, name);
}

ProfilePlan good(std::string_view config, std::string_view name = "default") {
  const auto result = plan(config, name);
  CAPTURE(config);
  if (!result.ok()) FAIL(result.error().message);
  REQUIRE(result->has_value());
  return **result;
}

std::string problem(std::string_view config, std::string_view name = "default") {
  const auto result = plan(config, name);
  return result.ok() ? "(none)" : result.error().message;
}

const std::string kKeys = "aws_access_key_id=A\naws_secret_access_key=S\n";

}  // namespace

TEST_CASE("profile plan: a profile without a word on credentials plans nothing") {
  CHECK_FALSE(plan("").value().has_value());
  CHECK_FALSE(plan("[default]\nregion=x\n").value().has_value());
  CHECK_FALSE(plan("[default]\nregion=x\n", "absent").value().has_value());
}

TEST_CASE("profile plan: keys") {
  const ProfilePlan keys = good("[default]\n" + kKeys + "aws_session_token=T\n");
  CHECK(keys.base == Base::keys);
  CHECK(keys.keys.access_key_id == "A");
  CHECK(keys.keys.secret_access_key.reveal() == "S");
  CHECK(keys.keys.session_token.reveal() == "T");
  CHECK(keys.roles.empty());
  CHECK(good("[default]\n" + kKeys + "aws_security_token=T\n").keys.session_token.reveal() == "T");
  CHECK(problem("[default]\naws_access_key_id=A\n").ends_with("must both be set"));
  CHECK(problem("[default]\naws_secret_access_key=S\n").ends_with("must both be set"));
  const std::string broken =
      problem("[default]\naws_access_key_id=A\naws_secret_access_key=HIDDEN\n  MORE\n");
  CHECK(broken.find("line break") != std::string::npos);
  CHECK(broken.find("HIDDEN") == std::string::npos);
}

TEST_CASE("profile plan: roles are assumed from the source outwards") {
  const ProfilePlan chain =
      good("[default]\nrole_arn=" + kArn + "1\nsource_profile=mid\nexternal_id=x1\n" +
           "role_session_name=me\nduration_seconds=900\n[profile mid]\nrole_arn=" + kArn +
           "2\nsource_profile=base\n[profile base]\n" + kKeys);
  REQUIRE(chain.roles.size() == 2);
  CHECK(chain.base == Base::keys);
  CHECK(chain.roles[0] == RoleOrder{kArn + "2", "ecs-task-kite", "", 0});
  CHECK(chain.roles[1] == RoleOrder{kArn + "1", "me", "x1", 900});
}

TEST_CASE("profile plan: a role may start from the environment, the container or the instance") {
  const std::string role = "[default]\nrole_arn=" + kArn + "\ncredential_source=";
  CHECK(good(role + "Environment\n").base == Base::environment);
  CHECK(good(role + "EcsContainer\n").base == Base::container);
  CHECK(good(role + "Ec2InstanceMetadata\n").base == Base::instance);
  CHECK(problem(role + "environment\n").find("credential_source is none of") != std::string::npos);
}

TEST_CASE("profile plan: a role outranks keys beside it, a source's keys outrank its role") {
  const std::string text = "[default]\n" + kKeys + "role_arn=" + kArn +
                           "\nsource_profile=other\n[profile other]\naws_access_key_id=B\n" +
                           "aws_secret_access_key=S\nrole_arn=" + kArn +
                           "\nsource_profile=nowhere\n";
  const ProfilePlan found = good(text);
  CHECK(found.roles.size() == 1);
  CHECK(found.keys.access_key_id == "B");
}

TEST_CASE("profile plan: a profile may be its own source if it has keys") {
  const std::string text = "[default]\nrole_arn=" + kArn + "\nsource_profile=default\n";
  CHECK(good(text + kKeys).keys.access_key_id == "A");
  CHECK(problem(text).ends_with("it is its own source_profile and has no keys"));
}

TEST_CASE("profile plan: a web identity") {
  const std::string token = "web_identity_token_file=/t\n";
  const ProfilePlan found =
      good("[default]\n" + token + "role_arn=" + kArn + "\nrole_session_name=me\n" + kKeys);
  CHECK(found.base == Base::web_identity);
  CHECK(found.web_identity == WebIdentityOrder{{kArn, "me", "", 0}, "/t"});
  CHECK(found.roles.empty());
  CHECK(problem("[default]\n" + token).find("needs role_arn") != std::string::npos);
  const ProfilePlan source = good("[default]\nrole_arn=" + kArn + "\nsource_profile=w\n" +
                                  "[profile w]\n" + token + "role_arn=" + kArn + "2\n");
  CHECK(source.base == Base::web_identity);
  CHECK(source.web_identity.role.arn == kArn + "2");
  CHECK(source.roles.size() == 1);
}

TEST_CASE("profile plan: circles, dead ends and endless chains end in a sentence") {
  const std::string role = "role_arn=" + kArn + "\nsource_profile=";
  CHECK(problem("[default]\n" + role + "a\n[profile a]\n" + role + "default\n")
            .ends_with("its source_profile leads back to it"));
  CHECK(problem("[default]\n" + role + "a\n[profile a]\n" + role + "a\n")
            .ends_with("it is its own source_profile and has no keys"));
  CHECK(problem("[default]\n" + role + "gone\n") ==
        "the profile gone cannot be used: it is a source_profile, but in neither file");
  CHECK(problem("[default]\n" + role + "a\n[profile a]\nregion=x\n")
            .ends_with("it is a source_profile and has no credentials"));
  std::string chain = "[default]\n" + role + "p0\n";
  for (int i = 0; i < 20; ++i) {
    chain += "[profile p" + std::to_string(i) + "]\n" + role + "p" + std::to_string(i + 1) + "\n";
  }
  CHECK(problem(chain).ends_with("the chain of source_profile before it is too long"));
}

TEST_CASE(
    "profile plan: a role needs one source, a usable ARN, name and duration, and nobody's code") {
  const std::string role = "[default]\nrole_arn=" + kArn + "\n";
  CHECK(problem(role).find("needs one of source_profile") != std::string::npos);
  CHECK(problem(role + "source_profile=a\ncredential_source=Environment\n")
            .find("needs one of source_profile") != std::string::npos);
  const std::string from = "credential_source=Environment\n";
  CHECK(problem("[default]\nrole_arn=r\n" + from).find("not an ARN") != std::string::npos);
  CHECK(problem(role + from + "role_session_name=a b\n").find("session name") != std::string::npos);
  CHECK(problem(role + from + "external_id=?\n").find("external id") != std::string::npos);
  for (const char* seconds : {"899", "43201", "x", "1e3", "-900"}) {
    CHECK(problem(role + from + "duration_seconds=" + seconds + "\n").find("900 to 43200") !=
          std::string::npos);
  }
  CHECK(problem(role + from + "mfa_serial=m\n").find("mfa_serial") != std::string::npos);
}

TEST_CASE("profile plan: programs and browsers are refused, unless there are keys beside them") {
  for (const std::string key :
       {"credential_process", "sso_session", "sso_start_url", "sso_account_id", "login_session"}) {
    CHECK(problem("[default]\n" + key + "=/bin/secret\n")
              .starts_with("the profile default cannot be used: " + key + " is not supported"));
    CHECK(good("[default]\n" + key + "=x\n" + kKeys).base == Base::keys);
  }
}

}  // namespace kite::aws
