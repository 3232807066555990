#include "aws/sigv4.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "aws/timestamp.h"

namespace kite::aws {
namespace {

using Path = std::filesystem::path;

std::string read_file(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file.is_open(), path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<Path> vector_directories() {
  const char* const data = std::getenv("KITE_TEST_DATA");
  const Path root = Path(data == nullptr ? "tests/data" : data) / "sigv4-test-suite" / "v4";
  REQUIRE_MESSAGE(std::filesystem::is_directory(root), root.string());
  std::vector<Path> directories;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_directory()) directories.push_back(entry.path());
  }
  return directories;
}

/// A vector's request.txt: unsigned, line ends are LF, values may be folded.
struct VectorRequest {
  std::string method;
  std::string path;
  std::string query;
  std::vector<http::Header> headers;
  std::string body;
};

VectorRequest parse_request(const std::string& text) {
  VectorRequest request;
  const size_t blank = std::min(text.find("\n\n"), text.size());
  if (blank < text.size()) request.body = text.substr(blank + 2);
  std::string head = text.substr(0, blank);
  while (!head.empty() && head.back() == '\n') head.pop_back();
  size_t at = head.find('\n');
  const std::string first_line = head.substr(0, at);
  const size_t method_end = first_line.find(' ');
  const size_t target_end = first_line.rfind(" HTTP/1.1");
  REQUIRE(target_end != std::string::npos);
  const std::string target = first_line.substr(method_end + 1, target_end - method_end - 1);
  request.method = first_line.substr(0, method_end);
  request.path = target.substr(0, target.find('?'));
  if (target.find('?') != std::string::npos) request.query = target.substr(target.find('?') + 1);
  while (at < head.size()) {
    const size_t end = std::min(head.find('\n', at + 1), head.size());
    const std::string line = head.substr(at + 1, end - at - 1);
    at = end;
    if (line[0] == ' ' || line[0] == '\t') {
      request.headers.back().value += "\n" + line;
    } else {
      request.headers.push_back({line.substr(0, line.find(':')), line.substr(line.find(':') + 1)});
    }
  }
  return request;
}

std::string header_line(const std::string& signed_request, const std::string& name) {
  const size_t start = signed_request.find("\n" + name + ":");
  REQUIRE(start != std::string::npos);
  const std::string line =
      signed_request.substr(start + 1, signed_request.find('\n', start + 1) - start - 1);
  return line.substr(line.find_first_not_of(' ', name.size() + 1));
}

void check_vector(const Path& directory) {
  CAPTURE(directory.filename().string());
  const auto context = nlohmann::json::parse(read_file(directory / "context.json"));
  VectorRequest request = parse_request(read_file(directory / "request.txt"));
  const auto& keys = context["credentials"];
  const auto time = parse_iso_timestamp(context["timestamp"].get<std::string>());
  REQUIRE(time.has_value());
  const SigningScope scope{amz_timestamp(*time), context["region"], context["service"]};
  request.headers.push_back({"X-Amz-Date", scope.timestamp});
  if (context["sign_body"].get<bool>()) {
    request.headers.push_back({"x-amz-content-sha256", sha256_hex(request.body)});
  }
  if (keys.contains("token") && !context.value("omit_session_token", false)) {
    request.headers.push_back({"X-Amz-Security-Token", keys["token"]});
  }
  const PathForm form = context["normalize"].get<bool>() ? PathForm::normalized : PathForm::as_sent;

  const CanonicalRequest canonical = canonical_request(
      {request.method, request.path, request.query, request.body}, request.headers, form);
  CHECK(canonical.text == read_file(directory / "header-canonical-request.txt"));
  const std::string to_sign = string_to_sign(scope, canonical.text);
  CHECK(to_sign == read_file(directory / "header-string-to-sign.txt"));
  const std::string hex = signature(Secret(keys["secret_access_key"]), scope, to_sign);
  CHECK(hex == read_file(directory / "header-signature.txt"));
  CHECK(authorization_value(keys["access_key_id"].get<std::string>(), scope,
                            canonical.signed_headers, hex) ==
        header_line(read_file(directory / "header-signed-request.txt"), "Authorization"));
}

const Secret kSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
const SigningScope kEcsScope{"20260102T030405Z", "eu-west-1", "ecs"};
const SigningScope kEc2Scope{"20260102T030405Z", "eu-west-1", "ec2"};

std::string header_of(const std::vector<http::Header>& headers, std::string_view name) {
  for (const http::Header& header : headers) {
    if (header.name == name) return header.value;
  }
  return "(absent)";
}

}  // namespace

TEST_CASE("sigv4: every published vector agrees stage by stage") {
  size_t vectors_run = 0;
  for (const Path& directory : vector_directories()) {
    check_vector(directory);
    ++vectors_run;
  }
  CHECK(vectors_run >= 25);
}

TEST_CASE("sigv4: an ECS request with a session token, stage by stage") {
  const std::string body =
      R"({"cluster":"default","family":"web","desiredStatus":"RUNNING","maxResults":100})";
  std::vector<http::Header> headers = {
      {"Host", "ecs.eu-west-1.amazonaws.com"},
      {"Content-Type", "application/x-amz-json-1.1"},
      {"X-Amz-Target", "AmazonEC2ContainerServiceV20141113.ListTasks"}};
  const Credentials credentials{"AKIDEXAMPLE", kSecret, Secret("EXAMPLESESSIONTOKEN=="), {}};
  sign_headers({"POST", "/", "", body}, credentials, kEcsScope, headers);

  const CanonicalRequest canonical = canonical_request({"POST", "/", "", body}, headers);
  CHECK(canonical.text ==
        "POST\n/\n\n"
        "content-type:application/x-amz-json-1.1\n"
        "host:ecs.eu-west-1.amazonaws.com\n"
        "x-amz-date:20260102T030405Z\n"
        "x-amz-security-token:EXAMPLESESSIONTOKEN==\n"
        "x-amz-target:AmazonEC2ContainerServiceV20141113.ListTasks\n\n"
        "content-type;host;x-amz-date;x-amz-security-token;x-amz-target\n"
        "3e2227945cd367e027f17b2332f582e2409d3eafe5c8da22e41058349546f2df");
  CHECK(string_to_sign(kEcsScope, canonical.text) ==
        "AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/eu-west-1/ecs/aws4_request\n"
        "fe0452f2d84a633b40163521854ebf6b1dde552ccdc642416c4cd8e26e10ef65");
  CHECK(header_of(headers, "Authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/ecs/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
        "Signature=f9cd36301972e9895ad0d32b792425db2f682f5d6df29c6507603e522b2a0ba3");
}

TEST_CASE("sigv4: an EC2 request without a token, stage by stage") {
  const std::string body =
      "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=instance-id"
      "&Filter.1.Value.1=i-0123456789abcdef0&Filter.1.Value.2=i-0fedcba9876543210&MaxResults=1000";
  std::vector<http::Header> headers = {
      {"Host", "ec2.eu-west-1.amazonaws.com"},
      {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  sign_headers({"POST", "/", "", body}, {"AKIDEXAMPLE", kSecret, Secret(), {}}, kEc2Scope, headers);

  CHECK(header_of(headers, "X-Amz-Security-Token") == "(absent)");
  const CanonicalRequest canonical = canonical_request({"POST", "/", "", body}, headers);
  CHECK(canonical.text ==
        "POST\n/\n\n"
        "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
        "host:ec2.eu-west-1.amazonaws.com\n"
        "x-amz-date:20260102T030405Z\n\n"
        "content-type;host;x-amz-date\n"
        "c35ae1b90b81914cfcd1c1ede72ce8d0029d5d03bdf613fb405ac198c89529dc");
  CHECK(sha256_hex(canonical.text) ==
        "e541e6b1405f727e4ec8cb17956db304973a347088c558141cc5484805211ca1");
  CHECK(header_of(headers, "Authorization") ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/ec2/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=a0c6c4a1efd32bdb7af1edff14570d3a9fed800fa4ba01c509ca1e15550ad809");
}

TEST_CASE("sigv4: headers that change on the way are not signed") {
  std::vector<http::Header> headers = {
      {"Host", "h"}, {"User-Agent", "a"},      {"Connection", "b"}, {"Expect", "c"},
      {"TE", "d"},   {"X-Amzn-Trace-Id", "e"}, {"Upgrade", "f"},    {"Transfer-Encoding", "g"}};
  CHECK(canonical_request({"POST", "/", "", ""}, headers).signed_headers == "host");
}

TEST_CASE("sigv4: paths are normalised and encoded as sent") {
  const auto path_line = [](std::string_view path, PathForm form) {
    const std::string text = canonical_request({"GET", path, "", ""}, {}, form).text;
    return text.substr(4, text.find('\n', 4) - 4);
  };
  CHECK(path_line("", PathForm::normalized) == "/");
  CHECK(path_line("/a/../..", PathForm::normalized) == "/");
  CHECK(path_line("/prefix", PathForm::normalized) == "/prefix");
  CHECK(path_line("/prefix/", PathForm::normalized) == "/prefix/");
  CHECK(path_line("/a/./b//c/..", PathForm::normalized) == "/a/b/");
  CHECK(path_line("/%20/\xc3\xa9", PathForm::normalized) == "/%2520/%C3%A9");
  CHECK(path_line("//a/./", PathForm::as_sent) == "//a/./");
  CHECK(path_line("", PathForm::as_sent) == "/");
}

TEST_CASE("sigv4: queries are decoded, encoded and sorted by byte") {
  const auto query_line = [](std::string_view query) {
    const std::string text = canonical_request({"GET", "/", query, ""}, {}).text;
    return text.substr(6, text.find('\n', 6) - 6);
  };
  CHECK(query_line("") == "");
  CHECK(query_line("b=2&a=3&a=1&c") == "a=1&a=3&b=2&c=");
  CHECK(query_line("a=x=y&&b=%zz%4") == "a=x%3Dy&b=%25zz%254");
  CHECK(query_line("P=1&\xe1\x88\xb4=2&k=%7e+%20") == "%E1%88%B4=2&P=1&k=~%2B%20");
}

TEST_CASE("sigv4: encoding keeps the unreserved bytes only") {
  CHECK(uri_encode("AZaz09-._~") == "AZaz09-._~");
  CHECK(uri_encode(" +/=\xff") == "%20%2B%2F%3D%FF");
  CHECK(uri_encode(std::string(1, '\0')) == "%00");
}

}  // namespace kite::aws
