#pragma once

#include <openssl/evp.h>

#include <string>
#include <vector>

#include "http/openssl_handles.h"

namespace kite::testing {

using KeyHandle = std::unique_ptr<EVP_PKEY, http::OpensslDeleter<EVP_PKEY_free>>;

/// A certificate made for one test, with its key (on P-256).
struct TestCertificate {
  struct Wish {
    std::string common_name;
    const TestCertificate* issuer = nullptr;  ///< none: self-signed
    bool is_authority = true;
    int days_from_now = 1;                    ///< until it expires; negative: it has
    const TestCertificate* key_of = nullptr;  ///< none: a key of its own
  };
  static TestCertificate make(const Wish& wish);

  std::string pem() const;
  /// As `openssl x509 -trustout` writes it.
  std::string trusted_pem() const;

  KeyHandle key;
  http::X509Handle certificate;
};

/// What X509_verify_cert says of `leaf`, X509_V_OK if it is fine, with `sent` as the rest of the
/// server's chain and the flags that libcurl sets.
int verify(X509_STORE* store, const TestCertificate& leaf,
           const std::vector<const TestCertificate*>& sent = {});

}  // namespace kite::testing
