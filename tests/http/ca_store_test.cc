#include "http/ca_store.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/test_certificates.h"

namespace kite::http {

using testing::TestCertificate;
using testing::verify;

namespace {

using Context = std::unique_ptr<SSL_CTX, OpensslDeleter<SSL_CTX_free>>;

Context client_context() {
  return Context(SSL_CTX_new(TLS_client_method()));
}

/// A bundle on disk for one test.
class BundleFile {
 public:
  explicit BundleFile(const std::string& pem) : path_("/tmp/kite-bundle-XXXXXX") {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd != -1);
    ::close(fd);
    write(pem);
  }
  BundleFile(const BundleFile&) = delete;
  BundleFile& operator=(const BundleFile&) = delete;
  ~BundleFile() { std::filesystem::remove(path_); }

  const std::string& path() const { return path_; }
  void write(const std::string& pem) const { std::ofstream(path_, std::ios::binary) << pem; }
  /// As package managers do: another file under the name.
  void replace(const std::string& pem) const {
    std::ofstream(path_ + ".new", std::ios::binary) << pem;
    std::filesystem::rename(path_ + ".new", path_);
  }

 private:
  std::string path_;
};

/// A context that trusts what the store holds now.
struct Trusting {
  explicit Trusting(CaStore& store)
      : context(client_context()), given(store.give_to(context.get())) {}
  X509_STORE* store() const { return SSL_CTX_get_cert_store(context.get()); }

  Context context;
  sys::Result<sys::Done> given;
};

/// The verdict on a chain, which must be that of OpenSSL with the whole file loaded.
int verdict(const std::string& bundle, const TestCertificate& leaf,
            const std::vector<const TestCertificate*>& sent = {}) {
  const BundleFile file(bundle);
  const StoreHandle whole(X509_STORE_new());
  REQUIRE(X509_STORE_load_file(whole.get(), file.path().c_str()) == 1);
  CaStore store(file.path());
  const Trusting trusting(store);
  REQUIRE(trusting.given.ok());
  const int said = verify(trusting.store(), leaf, sent);
  CHECK(said == verify(whole.get(), leaf, sent));
  CHECK(verify(trusting.store(), leaf, sent) == said);  // with what the first time left parsed
  return said;
}

}  // namespace

TEST_CASE("ca store: a chain is trusted that ends at a root of the bundle, and no other") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto stranger = TestCertificate::make({.common_name = "Stranger"});
  const auto middle = TestCertificate::make({.common_name = "Middle", .issuer = &root});
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &middle, .is_authority = false});
  const auto direct =
      TestCertificate::make({.common_name = "leaf", .issuer = &root, .is_authority = false});
  CHECK(verdict(root.pem(), direct) == X509_V_OK);
  CHECK(verdict(stranger.pem() + root.pem(), leaf, {&middle}) == X509_V_OK);
  CHECK(verdict(stranger.pem() + root.pem(), leaf, {&middle, &root}) == X509_V_OK);
  CHECK(verdict(root.pem() + middle.pem(), leaf) == X509_V_OK);
  CHECK(verdict(root.pem(), leaf) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  CHECK(verdict(stranger.pem(), leaf, {&middle}) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  CHECK(verdict(stranger.pem(), leaf, {&middle, &root}) == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
}

TEST_CASE("ca store: an intermediate or the server's own certificate can be the anchor") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto middle = TestCertificate::make({.common_name = "Middle", .issuer = &root});
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &middle, .is_authority = false});
  const auto own = TestCertificate::make({.common_name = "own", .is_authority = false});
  const auto other_own = TestCertificate::make({.common_name = "own", .is_authority = false});
  CHECK(verdict(middle.pem(), leaf) == X509_V_OK);
  CHECK(verdict(leaf.pem(), leaf) == X509_V_OK);
  CHECK(verdict(own.pem(), own) == X509_V_OK);
  CHECK(verdict(other_own.pem(), own) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
}

TEST_CASE("ca store: of several roots with one subject the one whose key signed is taken") {
  const auto old_root = TestCertificate::make({.common_name = "Root"});
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto newer = TestCertificate::make({.common_name = "ROOT"});  // equal: case does not count
  for (const TestCertificate* issuer : {&old_root, &root, &newer}) {
    const auto leaf =
        TestCertificate::make({.common_name = "leaf", .issuer = issuer, .is_authority = false});
    CHECK(verdict(old_root.pem() + root.pem() + newer.pem() + root.pem(), leaf) == X509_V_OK);
    CHECK(verdict(newer.pem() + root.pem() + old_root.pem(), leaf) == X509_V_OK);
  }
}

TEST_CASE("ca store: an expired root ends trust, unless a valid one has its subject and key") {
  const auto expired = TestCertificate::make({.common_name = "Root", .days_from_now = -1});
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &expired, .is_authority = false});
  const auto renewed = TestCertificate::make({.common_name = "Root", .key_of = &expired});
  CHECK(verdict(expired.pem(), leaf) == X509_V_ERR_CERT_HAS_EXPIRED);
  CHECK(verdict(expired.pem() + renewed.pem(), leaf) == X509_V_OK);
}

TEST_CASE("ca store: a root that is marked as rejected stays so") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &root, .is_authority = false});
  CHECK(verdict(root.trusted_pem(), leaf) == X509_V_OK);
  X509_add1_reject_object(root.certificate.get(), OBJ_nid2obj(NID_server_auth));
  X509_add1_reject_object(root.certificate.get(), OBJ_nid2obj(NID_anyExtendedKeyUsage));
  CHECK(verdict(root.trusted_pem(), leaf) == X509_V_ERR_CERT_REJECTED);
}

TEST_CASE("ca store: only what a chain asks for is parsed, once, and connections share it") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  std::string pem = root.pem();
  for (int i = 0; i < 20; ++i) {
    pem += TestCertificate::make({.common_name = "Other " + std::to_string(i)}).pem();
  }
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &root, .is_authority = false});
  const BundleFile file(pem);
  CaStore store(file.path());
  const Trusting first(store);
  CHECK(store.certificates_parsed() == 0);
  CHECK(verify(first.store(), leaf) == X509_V_OK);
  CHECK(store.certificates_parsed() == 1);
  const Trusting second(store);
  CHECK(second.store() == first.store());
  CHECK(verify(second.store(), leaf) == X509_V_OK);
  CHECK(store.certificates_parsed() == 1);
}

TEST_CASE("ca store: another bundle under the same name counts from the next connection on") {
  const auto before = TestCertificate::make({.common_name = "Before"});
  const auto after = TestCertificate::make({.common_name = "After"});
  const auto leaf_before =
      TestCertificate::make({.common_name = "leaf", .issuer = &before, .is_authority = false});
  const auto leaf_after =
      TestCertificate::make({.common_name = "leaf", .issuer = &after, .is_authority = false});
  const BundleFile file(before.pem());
  CaStore store(file.path());
  const Trusting old(store);
  file.replace(after.pem());
  // Begun with the file that is gone: no anchor, and nothing read at places of another file.
  CHECK(verify(old.store(), leaf_before) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  const Trusting renewed(store);
  CHECK(verify(renewed.store(), leaf_after) == X509_V_OK);
  CHECK(verify(renewed.store(), leaf_before) == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
}

TEST_CASE("ca store: an unusable bundle is a reason, and is tried again") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto leaf =
      TestCertificate::make({.common_name = "leaf", .issuer = &root, .is_authority = false});
  const BundleFile file("nothing yet");
  CaStore store(file.path());
  const auto reason = [&store] { return Trusting(store).given.error().message; };
  CHECK(reason() == "it holds no certificate");
  file.replace(root.pem().substr(0, 200));
  CHECK(reason() == "the PEM block after byte 0 is broken");
  file.replace(root.pem());
  const Trusting trusting(store);
  REQUIRE(trusting.given.ok());
  CHECK(verify(trusting.store(), leaf) == X509_V_OK);
  CaStore missing("/nonexistent/bundle.pem");
  CHECK(Trusting(missing).given.error().message == "No such file or directory");
  CaStore folder("/tmp");
  CHECK(Trusting(folder).given.error().message == "it is not a regular file");
}

TEST_CASE("ca store: looking something up leaves no error behind that is not of the handshake") {
  const auto root = TestCertificate::make({.common_name = "Root"});
  const auto stranger = TestCertificate::make({.common_name = "Stranger"});
  const BundleFile file("a comment\n" + root.pem());
  CaStore store(file.path());
  const Trusting trusting(store);
  ERR_clear_error();
  CHECK(verify(trusting.store(), stranger) == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
  CHECK(verify(trusting.store(), root) == X509_V_OK);
  CHECK(ERR_peek_error() == 0);
}

}  // namespace kite::http
