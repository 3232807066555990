#include "http/ca_index.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/test_certificates.h"

namespace kite::http {

using testing::TestCertificate;

namespace {

constexpr const char* kDebianBundle = "/etc/ssl/certs/ca-certificates.crt";

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

uint32_t hash_of(const X509* certificate) {
  return static_cast<uint32_t>(X509_NAME_hash(X509_get_subject_name(certificate)));
}
uint32_t hash_of(const TestCertificate& certificate) {
  return hash_of(certificate.certificate.get());
}

CaIndex index_of(const std::string& pem) {
  auto index = CaIndex::of(pem);
  REQUIRE_MESSAGE(index.ok(), (index.ok() ? "" : index.error().message));
  return std::move(index.value());
}

std::string error_of(const std::string& pem) {
  const auto index = CaIndex::of(pem);
  return index.ok() ? "" : index.error().message;
}

/// PEM, but no certificate.
std::string parameters() {
  return "-----BEGIN DH PARAMETERS-----\nMAYCAQcCAQI=\n-----END DH PARAMETERS-----\n";
}

}  // namespace

TEST_CASE("ca index: every certificate of Debian's bundle is found where its subject says") {
  const std::string pem = read_file(kDebianBundle);
  const CaIndex index = index_of(pem);
  const BioHandle source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  size_t count = 0;
  while (const X509Handle certificate{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)}) {
    ++count;
    int found = 0;
    for (const CaIndex::Place& place : index.find(hash_of(certificate.get()))) {
      const BioHandle part(
          BIO_new_mem_buf(pem.data() + place.offset, static_cast<int>(place.size)));
      const X509Handle same(PEM_read_bio_X509(part.get(), nullptr, nullptr, nullptr));
      REQUIRE(same != nullptr);
      if (X509_cmp(same.get(), certificate.get()) == 0) ++found;
    }
    CHECK(found == 1);
  }
  ERR_clear_error();
  CHECK(count > 100);
  CHECK(index.places().size() == count);
}

TEST_CASE("ca index: a subject that several certificates have leads to all, in their order") {
  const auto one = TestCertificate::make({.common_name = "Same"});
  const auto between = TestCertificate::make({.common_name = "Other"});
  const auto two = TestCertificate::make({.common_name = "Same"});
  const std::string pem = one.pem() + between.pem() + two.pem();
  const CaIndex index = index_of(pem);
  const auto places = index.find(hash_of(one));
  REQUIRE(places.size() == 2);
  CHECK(pem.substr(places[0].offset, places[0].size) == one.pem());
  CHECK(pem.substr(places[1].offset, places[1].size) == two.pem());
  CHECK(index.find(hash_of(between)).size() == 1);
  CHECK(index.find(hash_of(one) + 1).empty());
}

TEST_CASE(
    "ca index: comments, carriage returns, other blocks and the block names of old are no "
    "obstacle") {
  const auto one = TestCertificate::make({.common_name = "One"});
  const auto two = TestCertificate::make({.common_name = "Two"});
  std::string with_returns;
  for (const char c : one.pem())
    with_returns += c == '\n' ? std::string("\r\n") : std::string(1, c);
  std::string old_name = two.pem();
  for (size_t at = 0; (at = old_name.find("CERTIFICATE", at)) != std::string::npos; at += 16) {
    old_name.replace(at, 11, "X509 CERTIFICATE");
  }
  const std::string without_end = two.pem().substr(0, two.pem().size() - 1);
  for (const std::string& pem :
       {"# my roots\n\n" + one.pem() + "Two:\n" + two.pem() + "that is all",
        with_returns + two.pem(), parameters() + one.pem() + parameters() + two.pem(),
        one.pem() + old_name, one.trusted_pem() + two.trusted_pem(), one.pem() + without_end}) {
    CAPTURE(pem);
    const CaIndex index = index_of(pem);
    CHECK(index.places().size() == 2);
    CHECK(index.find(hash_of(one)).size() == 1);
    CHECK(index.find(hash_of(two)).size() == 1);
  }
}

TEST_CASE("ca index: what holds no certificate is said to") {
  const auto one = TestCertificate::make({.common_name = "One"});
  for (const std::string& pem : {std::string(), std::string("hello\n"), parameters()}) {
    CHECK(error_of(pem) == "it holds no certificate");
  }
}

TEST_CASE("ca index: a broken block is refused, and where it is told") {
  const auto one = TestCertificate::make({.common_name = "One"});
  const auto two = TestCertificate::make({.common_name = "Two"});
  const std::string good = one.pem();
  const std::string next = two.pem();
  const std::string at = "the PEM block after byte " + std::to_string(good.size()) + " is broken";
  CHECK(error_of(good + next.substr(0, next.size() / 2)) == at);  // no end
  std::string no_base64 = next;
  no_base64[100] = '!';
  CHECK(error_of(good + no_base64) == at);
  CHECK(error_of(good + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") == at);
  std::string shorter = next;  // two lines less, so that the outermost length is wrong
  shorter.erase(shorter.find('\n', 100), 130);
  CHECK(error_of(good + shorter) == at);
  CHECK(ERR_peek_error() == 0);
}

}  // namespace kite::http
