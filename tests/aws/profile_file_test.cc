#include "aws/profile_file.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {
namespace {

constexpr auto kConfig = ProfileFileKind::config;
constexpr auto kCredentials = ProfileFileKind::credentials;

ProfileSet read(std::string_view config, std::string_view credentials = "") {
  ProfileSet set;
  CHECK(set.add(kConfig, config, "config").ok());
  CHECK(set.add(kCredentials, credentials, "credentials").ok());
  return set;
}

/// "(no profile)", "(no key)" or the value.
std::string value(const ProfileSet& set, std::string_view profile, std::string_view key) {
  const ProfileKeys* keys = set.profile(profile);
  if (keys == nullptr) return "(no profile)";
  const auto found = keys->find(key);
  return found == keys->end() ? "(no key)" : found->second;
}

std::string problem(std::string_view text, ProfileFileKind kind = kConfig) {
  ProfileSet set;
  const auto added = set.add(kind, text, "/f");
  return added.ok() ? "" : added.error().message;
}

}  // namespace

TEST_CASE("profile file: the two files name their sections each in its way") {
  const ProfileSet set = read(
      "[default]\nregion = a\n[profile dev]\nregion=b\n[profile \"my team\"]\nregion=c\n"
      "[dev]\nregion=x\n[profiledev]\nregion=y\n[sso-session "
      "s]\nregion=z\n[profile\tt]\nregion=d\n",
      "[dev]\naws_access_key_id=A\n[profile dev]\naws_access_key_id=B\n");
  CHECK(value(set, "default", "region") == "a");
  CHECK(value(set, "dev", "region") == "b");
  CHECK(value(set, "my team", "region") == "c");
  CHECK(value(set, "t", "region") == "d");
  CHECK(value(set, "dev", "aws_access_key_id") == "A");
  CHECK(value(set, "profile dev", "aws_access_key_id") == "B");
  CHECK(value(set, "profiledev", "region") == "(no profile)");
  CHECK(value(set, "s", "region") == "(no profile)");
  CHECK(value(set, "absent", "region") == "(no profile)");
}

TEST_CASE("profile file: blanks, comments, case and line ends are read as the SDKs read them") {
  const ProfileSet set = read(
      "\xef\xbb\xbf# first\r\n; second\r\n\r\n  [ default ]  # why\r\n  REGION : eu-west-1 # "
      "home\r\n"
      "  output=json;text\r\n  empty =\r\n  secret = a#b=c:d\r\n");
  CHECK(value(set, "default", "region") == "eu-west-1");
  CHECK(value(set, "default", "output") == "json;text");
  CHECK(value(set, "default", "empty").empty());
  CHECK(value(set, "default", "secret") == "a#b=c:d");
}

TEST_CASE("profile file: indented lines are nested values") {
  const ProfileSet set = read(
      "[profile p]\nservices = local\ns3 =\n  max = 1\n\n  # between\n  Other=2\nregion = r\n"
      "[services local]\necs =\n  endpoint_url = http://a:1/x\nec2=\n\tendpoint_url=http://b\n");
  CHECK(value(set, "p", "s3.max") == "1");
  CHECK(value(set, "p", "s3.other") == "2");
  CHECK(value(set, "p", "region") == "r");
  const ProfileKeys* services = set.services("local");
  REQUIRE(services != nullptr);
  CHECK(services->at("ecs.endpoint_url") == "http://a:1/x");
  CHECK(services->at("ec2.endpoint_url") == "http://b");
  CHECK(set.services("p") == nullptr);
}

TEST_CASE(
    "profile file: a value that goes on on the next line cannot be mistaken for a short one") {
  const ProfileSet set = read("[default]\nrole_arn = arn\n  more\n");
  CHECK(value(set, "default", "role_arn") == "arn\nmore");
}

TEST_CASE("profile file: the credentials file wins, and keys are never mixed") {
  const ProfileSet set = read(
      "[default]\naws_access_key_id=A1\naws_secret_access_key=S1\naws_session_token=T1\nregion=r1\n"
      "[profile q]\naws_access_key_id=A1\naws_secret_access_key=S1\n",
      "[default]\naws_access_key_id=A2\naws_secret_access_key=S2\nregion=r2\n[q]\nregion=r\n");
  CHECK(value(set, "default", "aws_access_key_id") == "A2");
  CHECK(value(set, "default", "aws_secret_access_key") == "S2");
  CHECK(value(set, "default", "aws_session_token") == "(no key)");
  CHECK(value(set, "default", "region") == "r2");
  CHECK(value(set, "q", "aws_access_key_id") == "A1");
  CHECK(value(set, "q", "region") == "r");
}

TEST_CASE("profile file: of two values for one key the last counts") {
  const ProfileSet set =
      read("[default]\nregion=a\nregion=b\n[profile x]\nk=1\n[default]\nregion=c\n");
  CHECK(value(set, "default", "region") == "c");
}

TEST_CASE("profile file: what means nothing is told by its line and never quoted") {
  CHECK(problem("region = a\n") == "line 1 of /f stands before the first [section]");
  CHECK(problem("[default]\n\nAKIASECRET\n") == "line 3 of /f is not 'key = value'");
  CHECK(problem("[default]\n=SECRET\n") == "line 2 of /f is not 'key = value'");
  CHECK(problem("[default]\ns3 =\n  SECRET\n") == "line 3 of /f is not 'key = value'");
  CHECK(problem("[default\nSECRET=x\n") ==
        "line 1 of /f begins a [section] without closing the bracket");
  CHECK(problem("").empty());
  CHECK(problem("# only\n").empty());
}

TEST_CASE("profile file: size and number of sections are bounded") {
  CHECK(problem(std::string(ProfileSet::kFileBytesMax + 1, '\n')) ==
        "/f is too long for a file of profiles");
  std::string many;
  for (size_t i = 0; i <= ProfileSet::kSectionsMax; ++i) many += "[" + std::to_string(i) + "]\n";
  CHECK(problem(many, kCredentials) == "line " + std::to_string(ProfileSet::kSectionsMax + 1) +
                                           " of /f is one [section] too many");
}

}  // namespace kite::aws
