#include "tests/support/test_certificates.h"

#include <doctest/doctest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace kite::testing {

namespace {

using http::BioHandle;
using http::OpensslDeleter;
using http::X509Handle;

constexpr long kDaySeconds = 86400;

void set_authority(X509* certificate, bool is_authority) {
  using Constraints = std::unique_ptr<BASIC_CONSTRAINTS, OpensslDeleter<BASIC_CONSTRAINTS_free>>;
  const Constraints constraints(BASIC_CONSTRAINTS_new());
  constraints->ca = is_authority ? 1 : 0;
  constexpr int kCritical = 1;
  REQUIRE(X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints.get(), kCritical,
                            X509V3_ADD_DEFAULT) == 1);
}

/// What X509_set_pubkey does, which the shipped OpenSSL, without encoders, cannot.
void set_public_key(X509* certificate, const EVP_PKEY* key) {
  size_t size = 0;
  REQUIRE(EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0, &size) == 1);
  auto* point = static_cast<unsigned char*>(OPENSSL_malloc(size));
  EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, size, &size);
  REQUIRE(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate),
                                 OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                 OBJ_nid2obj(NID_X9_62_prime256v1), point,
                                 static_cast<int>(size)) == 1);
}

/// By these OpenSSL tells issuers of equal names apart before it has tried their keys.
void set_key_identifiers(X509* certificate, const X509* issuer) {
  using Octets = std::unique_ptr<ASN1_OCTET_STRING, OpensslDeleter<ASN1_OCTET_STRING_free>>;
  using KeyId = std::unique_ptr<AUTHORITY_KEYID, OpensslDeleter<AUTHORITY_KEYID_free>>;
  const auto digest_of = [](const X509* owner) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    REQUIRE(X509_pubkey_digest(owner, EVP_sha256(), digest, &size) == 1);
    ASN1_OCTET_STRING* octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, digest, static_cast<int>(size));
    return octets;
  };
  const Octets own(digest_of(certificate));
  const KeyId issuers(AUTHORITY_KEYID_new());
  issuers->keyid = digest_of(issuer);
  X509_add1_ext_i2d(certificate, NID_subject_key_identifier, own.get(), 0, X509V3_ADD_DEFAULT);
  X509_add1_ext_i2d(certificate, NID_authority_key_identifier, issuers.get(), 0,
                    X509V3_ADD_DEFAULT);
}

/// Encoded and parsed again: only then does the slim OpenSSL know the key.
X509Handle as_received(const X509* made) {
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(made, &encoded);
  const http::OpensslBytes owned(encoded);
  const unsigned char* at = encoded;
  X509Handle parsed(d2i_X509(nullptr, &at, size));
  REQUIRE(parsed != nullptr);
  return parsed;
}

std::string text_of(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

}  // namespace

TestCertificate TestCertificate::make(const Wish& wish) {
  static long serial = 0;
  TestCertificate made{nullptr, X509Handle(X509_new())};
  if (wish.key_of != nullptr) {
    made.key.reset(wish.key_of->key.get());
    EVP_PKEY_up_ref(made.key.get());
  } else {
    made.key.reset(EVP_EC_gen("P-256"));
  }
  X509* certificate = made.certificate.get();
  REQUIRE(made.key != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -30 * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wish.days_from_now * kDaySeconds);
  set_public_key(certificate, made.key.get());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  const TestCertificate& issuer = wish.issuer != nullptr ? *wish.issuer : made;
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer.certificate.get()));
  set_authority(certificate, wish.is_authority);
  set_key_identifiers(certificate, issuer.certificate.get());
  REQUIRE(X509_sign(certificate, issuer.key.get(), EVP_sha256()) > 0);
  made.certificate = as_received(certificate);
  return made;
}

std::string TestCertificate::pem() const {
  const BioHandle out(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_X509(out.get(), certificate.get()) == 1);
  return text_of(out.get());
}

std::string TestCertificate::trusted_pem() const {
  const BioHandle out(BIO_new(BIO_s_mem()));
  REQUIRE(PEM_write_bio_X509_AUX(out.get(), certificate.get()) == 1);
  return text_of(out.get());
}

int verify(X509_STORE* store, const TestCertificate& leaf,
           const std::vector<const TestCertificate*>& sent) {
  using Context = std::unique_ptr<X509_STORE_CTX, OpensslDeleter<X509_STORE_CTX_free>>;
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (const TestCertificate* one : sent) sk_X509_push(chain, one->certificate.get());
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  const Context context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store, leaf.certificate.get(), chain);
  const bool good = X509_verify_cert(context.get()) == 1;
  const int verdict = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(chain);
  REQUIRE(good == (verdict == X509_V_OK));
  return verdict;
}

}  // namespace kite::testing
