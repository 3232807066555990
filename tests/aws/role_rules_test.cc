#include "aws/role_rules.h"

#include <doctest/doctest.h>

#include <string>

namespace kite::aws {

TEST_CASE("role rules: role ARNs and external ids") {
  CHECK(is_role_arn("arn:aws:iam::111122223333:role/kite"));
  CHECK(is_role_arn("arn:aws-us-gov:iam::111122223333:role/a/b/kite+=,.@-_"));
  for (const std::string arn :
       {"", "kite", "arn:aws:iam::111122223333:role/", "arn:aws:iam::111122223333:user/u",
        "arn:aws:iam::11112222333:role/kite", "arn:aws:iam::11112222333x:role/kite",
        "arn:aws:sts::111122223333:role/kite", "arn:aws:iam::111122223333:role/k k",
        "iam::111122223333:role/kite", "arn:aws:iam:eu-west-1:111122223333:role/kite"}) {
    CAPTURE(arn);
    CHECK_FALSE(is_role_arn(arn));
  }
  CHECK_FALSE(is_role_arn("arn:aws:iam::111122223333:role/" + std::string(2048, 'k')));
  CHECK(is_external_id("aZ09_+=,.@:/-"));
  for (const std::string& id :
       {std::string(), std::string("a"), std::string("a b"), std::string(1225, 'a')}) {
    CHECK_FALSE(is_external_id(id));
  }
}

TEST_CASE("role rules: session names have neither colon nor slash, and 64 bytes at most") {
  CHECK(is_role_session_name("aZ09_+=,.@-"));
  for (const std::string& name : {std::string("a"), std::string("a b"), std::string("a/b"),
                                  std::string("a:b"), std::string(65, 'a')}) {
    CAPTURE(name);
    CHECK_FALSE(is_role_session_name(name));
  }
}

}  // namespace kite::aws
