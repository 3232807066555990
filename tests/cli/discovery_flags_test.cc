#include <string>

#include "tests/cli/command_line.h"

namespace kite::cli {

TEST_CASE("config: the poll range") {
  CHECK(accepted({"-poll=1s-1s"}).poll.high == milliseconds(1000));
  CHECK(accepted({"-poll=1m30s-1h"}).poll.low == milliseconds(90'000));
  for (const std::string text : {"", "10s", "-", "-5s", "5s"}) {
    CAPTURE(text);
    CHECK(refused("-poll=" + text) ==
          "-poll is \"" + text +
              "\": give the shortest and the longest interval as low-high, such as "
              "-poll=5s-20s");
  }
  for (const std::string text : {"5-20", "5s-", "5s-20", "5s-20s-30s", "5s--", "5s - 20s"}) {
    CAPTURE(text);
    CHECK(refused("-poll=" + text).find("a duration is a number and a unit") != std::string::npos);
  }
  for (const std::string text : {"999ms-20s", "0-20s", "5s-61m", "5s--20s", "-5s-20s"}) {
    CAPTURE(text);
    CHECK(refused("-poll=" + text) ==
          "-poll is \"" + text + "\": give a duration from 1s to 1h, such as -poll=5s-20s");
  }
  CHECK(refused("-poll=20s-5s") ==
        "-poll is \"20s-5s\": the low end comes first, such as -poll=5s-20s");
}

TEST_CASE("config: the region is a host label") {
  CHECK(accepted({"-region=us-gov-west-1"}).region == "us-gov-west-1");
  CHECK(refused("-region=EU-WEST-1") ==
        "-region is \"EU-WEST-1\": a region has lower-case letters, digits and '-', such as "
        "-region=eu-west-1");
}

TEST_CASE("config: endpoints are http or https URLs") {
  CHECK(accepted({"-endpoint-ecs=http://127.0.0.1:1/a"}).endpoint_ecs == "http://127.0.0.1:1/a");
  CHECK(accepted({"-endpoint-ec2=https://h"}).endpoint_ec2 == "https://h");
  CHECK(refused("-endpoint-ecs=h") ==
        "-endpoint-ecs is \"h\": give an http or https URL with a host, such as "
        "-endpoint-ecs=https://ecs.eu-west-1.amazonaws.com");
  CHECK(refused("-endpoint-ec2=").starts_with("-endpoint-ec2 is \"\": give an http or https URL"));
}

TEST_CASE("config: a role to assume, and the external id that belongs to one") {
  const std::string arn = "arn:aws:iam::111122223333:role/path/kite";
  const Config config = accepted({"-assume-role=" + arn, "-external-id=a/b:c"});
  CHECK(config.assume_role == arn);
  CHECK(config.external_id == "a/b:c");
  CHECK(refused("-assume-role=kite") ==
        "-assume-role is \"kite\": give the ARN of a role, such as "
        "-assume-role=arn:aws:iam::111122223333:role/name");
  CHECK(refused("-external-id=ab") ==
        "-external-id is \"ab\": it belongs to a role, so give -assume-role too");
  CHECK(error_of({"-name=app", "-service=s", "-assume-role=" + arn, "-external-id=?"}) ==
        "-external-id is \"?\": an external id has 2 to 1224 letters, digits and _+=,.@:/-");
}

}  // namespace kite::cli
