#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "http/openssl_handles.h"
#include "sys/result.h"

namespace kite::http {

struct IndexedBundle;

/// The certificates of a PEM bundle as the trust anchors of TLS connections. The bundle is indexed
/// once, and again when the file has changed; a certificate is parsed when a chain first asks for
/// its subject, and kept.
/// Owns:      the X509 store, which connections share.
/// Lifetime:  outlives every SSL_CTX it was given to.
/// Errors:    an unreadable bundle is a reason without the path, and told again at each attempt.
/// Source:    X509_LOOKUP_METHOD(3), SSL_CTX_set1_cert_store(3), CURLOPT_SSL_CTX_FUNCTION(3).
class CaStore {
 public:
  /// Reads nothing yet.
  explicit CaStore(std::string path);
  CaStore(const CaStore&) = delete;
  CaStore& operator=(const CaStore&) = delete;
  ~CaStore() = default;

  /// Makes `context` trust the bundle as the file is now. Verification is the caller's to require.
  [[nodiscard]] sys::Result<sys::Done> give_to(SSL_CTX* context);

  const std::string& path() const { return path_; }
  size_t certificates_parsed() const;

 private:
  void trust(std::unique_ptr<IndexedBundle> bundle);

  std::string path_;
  LookupMethodHandle method_;
  StoreHandle store_;                      ///< after the method, which its end calls
  const IndexedBundle* bundle_ = nullptr;  ///< what store_ looks up in, and owns
};

}  // namespace kite::http
