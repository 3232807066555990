#include "aws/container_credentials.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>
#include <string>

#include "tests/support/fake_http_client.h"

namespace kite::aws {

namespace {

using testing::FakeHttpClient;

constexpr const char* kRelative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
constexpr const char* kFull = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
constexpr const char* kDocument =
    R"({"RoleArn":"arn","AccessKeyId":"ASIA1","SecretAccessKey":"s3cret","Token":"t0ken",)"
    R"("Expiration":"2026-01-02T09:04:05Z"})";

sys::Result<std::optional<ContainerEndpoint>> plan(sys::Environment::Variables variables) {
  return plan_container_endpoint(sys::Environment(std::move(variables)));
}

std::string url_of(sys::Environment::Variables variables) {
  const auto endpoint = plan(std::move(variables));
  if (!endpoint.ok()) return "error: " + endpoint.error().message;
  return endpoint->has_value() ? (*endpoint.operator->())->url : "";
}

/// A file that lives as long as the test.
struct TokenFile {
  explicit TokenFile(const std::string& text) {
    const int fd = ::mkstemp(path.data());
    REQUIRE(fd != -1);
    ::close(fd);
    write(text);
  }
  ~TokenFile() { ::unlink(path.c_str()); }
  void write(const std::string& text) { std::ofstream(path, std::ios::trunc) << text; }
  std::string path = "/tmp/kite-token-XXXXXX";
};

/// One fetch and what came of it.
struct Fetch {
  explicit Fetch(ContainerEndpoint endpoint) : provider(client, std::move(endpoint)) { again(); }
  void again() {
    result.reset();
    call = provider.fetch([this](sys::Result<Credentials> got) { result.emplace(std::move(got)); });
    CHECK_FALSE(result.has_value());
  }
  FakeHttpClient client;
  ContainerCredentials provider;
  std::unique_ptr<Call> call;
  std::optional<sys::Result<Credentials>> result;
};

ContainerEndpoint agent() {
  ContainerEndpoint endpoint;
  endpoint.url = "http://169.254.170.2/v2/credentials/x";
  return endpoint;
}

}  // namespace

TEST_CASE("container endpoint: the relative URI goes to the ECS agent and outranks the full one") {
  CHECK(url_of({}).empty());
  CHECK(url_of({{kRelative, ""}, {kFull, ""}}).empty());
  CHECK(url_of({{kRelative, "/v2/credentials/x"}}) == "http://169.254.170.2/v2/credentials/x");
  CHECK(url_of({{kRelative, "/a"}, {kFull, "https://example.com"}}) == "http://169.254.170.2/a");
  CHECK(url_of({{kRelative, "v2"}}).find(kRelative) != std::string::npos);
  CHECK(url_of({{kRelative, "@evil.example/"}}).starts_with("error"));
}

TEST_CASE("container endpoint: plain http only to loopback and the agents") {
  for (const std::string url :
       {"http://127.0.0.1/x", "http://127.0.0.1:80", "http://127.9.9.9:1234/x", "http://[::1]:1/x",
        "http://localhost/x", "HTTP://LOCALHOST:99/x", "http://169.254.170.2/x",
        "http://169.254.170.23/v1/credentials", "http://[fd00:ec2::23]/v1/credentials",
        "https://example.com/x?y=z", "https://10.0.0.1:8443/"}) {
    CAPTURE(url);
    CHECK(url_of({{kFull, url}}) == url);
  }
  for (const std::string url : {"http://example.com/x",
                                "http://10.0.0.1/",
                                "http://169.254.169.254/",
                                "http://169.254.170.2.example.com/",
                                "http://127.0.0.1.example.com/",
                                "http://127.1/",
                                "http://0x7f000001/",
                                "http://2130706433/",
                                "http://localhost.example.com/",
                                "http://127.0.0.1@example.com/",
                                "http://example.com#@127.0.0.1/",
                                "http://example.com?@127.0.0.1/",
                                "http://127.0.0.1\\@example.com/",
                                "http://",
                                "http:///x",
                                "http://[::1",
                                "http://[fd00:ec2::24]/",
                                "ftp://127.0.0.1/",
                                "127.0.0.1",
                                "http://127.0.0.1/a b",
                                "http://[::ffff:127.0.0.1]/",
                                "https://user@example.com/"}) {
    CAPTURE(url);
    CHECK(url_of({{kFull, url}}).starts_with("error: AWS_CONTAINER_CREDENTIALS_FULL_URI"));
  }
}

TEST_CASE("container credentials: one request, without Authorization unless there is a token") {
  Fetch fetch(agent());
  REQUIRE(fetch.client.count() == 1);
  const http::Request& request = fetch.client.request(0);
  CHECK(request.url == "http://169.254.170.2/v2/credentials/x");
  REQUIRE(request.headers.size() == 1);
  CHECK(request.headers[0].name == "Accept");
  fetch.client.answer_ok(0, kDocument);
  REQUIRE(fetch.result.has_value());
  REQUIRE(fetch.result->ok());
  const Credentials& credentials = *fetch.result->operator->();
  CHECK(credentials.access_key_id == "ASIA1");
  CHECK(credentials.secret_access_key.reveal() == "s3cret");
  CHECK(credentials.session_token.reveal() == "t0ken");
  REQUIRE(credentials.expiry.has_value());
}

TEST_CASE("container credentials: the token is sent verbatim, a line break in it is refused") {
  ContainerEndpoint endpoint = agent();
  endpoint.token = Secret("Basic abc");
  Fetch good(endpoint);
  CHECK(good.client.request(0).headers.at(1).name == "Authorization");
  CHECK(good.client.request(0).headers.at(1).value == "Basic abc");

  endpoint.token = Secret("abc\r\nX-Evil: 1");
  Fetch bad(endpoint);
  bad.client.answer_ok(0, "");  // the client is only asked for another turn
  REQUIRE(bad.result.has_value());
  REQUIRE_FALSE(bad.result->ok());
  CHECK(bad.client.request(0).url.empty());
  CHECK(bad.result->error().message.find("line break") != std::string::npos);
  CHECK(bad.result->error().message.find("Evil") == std::string::npos);
}

TEST_CASE("container credentials: the token file outranks the variable and is read every time") {
  TokenFile file("first");
  ContainerEndpoint endpoint = agent();
  endpoint.token = Secret("variable");
  endpoint.token_file = file.path;
  Fetch fetch(endpoint);
  CHECK(fetch.client.request(0).headers.at(1).value == "first");
  fetch.client.answer_ok(0, kDocument);
  file.write("second");
  fetch.again();
  CHECK(fetch.client.request(1).headers.at(1).value == "second");
  const std::string too_long(20000, 'x');
  for (const std::string& text : {std::string("with newline\n"), std::string(), too_long}) {
    file.write(text);
    fetch.again();
    fetch.client.answer_ok(fetch.client.count() - 1, "");
    REQUIRE(fetch.result.has_value());
    REQUIRE_FALSE(fetch.result->ok());
    CHECK(fetch.result->error().message.find(file.path) != std::string::npos);
  }
  ::unlink(file.path.c_str());
  fetch.again();
  fetch.client.answer_ok(fetch.client.count() - 1, "");
  CHECK(fetch.result->error().message.find("No such file") != std::string::npos);
  // A pipe in the file's place must not block, and is not a token.
  REQUIRE(::mkfifo(file.path.c_str(), 0600) == 0);
  fetch.again();
  fetch.client.answer_ok(fetch.client.count() - 1, "");
  CHECK_FALSE(fetch.result->ok());
}

TEST_CASE("container credentials: 429, 5xx and network failures are tried three times") {
  Fetch fetch(agent());
  fetch.client.answer_ok(0, R"({"code":"NotReady","message":"wait"})", 503);
  REQUIRE(fetch.client.count() == 2);
  CHECK(fetch.client.request(1).start_delay == std::chrono::milliseconds(1000));
  fetch.client.answer(1, http::RequestError{http::Failure::timeout, "too slow"});
  REQUIRE(fetch.client.count() == 3);
  CHECK_FALSE(fetch.result.has_value());
  fetch.client.answer_ok(2, "", 429);
  CHECK(fetch.client.count() == 3);
  REQUIRE(fetch.result.has_value());
  CHECK(fetch.result->error().message ==
        "no credentials from the container endpoint http://169.254.170.2: HTTP 429");
}

TEST_CASE("container credentials: a refusal is final and quotes the agent") {
  Fetch fetch(agent());
  fetch.client.answer_ok(0, R"({"code":"InvalidId","message":"no such id"})", 400);
  CHECK(fetch.client.count() == 1);
  REQUIRE(fetch.result.has_value());
  CHECK(fetch.result->error().message.ends_with("HTTP 400 InvalidId no such id"));
}

TEST_CASE("container credentials: a dropped call is silent") {
  Fetch fetch(agent());
  fetch.call.reset();
  CHECK_FALSE(fetch.client.open(0));
  fetch.client.answer_ok(0, kDocument);
  CHECK_FALSE(fetch.result.has_value());
}

}  // namespace kite::aws
