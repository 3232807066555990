#pragma once

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <cstdint>
#include <memory>

namespace kite::http {

/// Owners of OpenSSL's objects. Those that count references give back one.

template <auto release>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    release(object);
  }
};

inline void free_openssl_memory(void* memory) {
  OPENSSL_free(memory);
}

using BioHandle = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;
using X509Handle = std::unique_ptr<X509, OpensslDeleter<X509_free>>;
using X509NameHandle = std::unique_ptr<X509_NAME, OpensslDeleter<X509_NAME_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, OpensslDeleter<X509_STORE_free>>;
using LookupMethodHandle =
    std::unique_ptr<X509_LOOKUP_METHOD, OpensslDeleter<X509_LOOKUP_meth_free>>;
using OpensslText = std::unique_ptr<char, OpensslDeleter<free_openssl_memory>>;
using OpensslBytes = std::unique_ptr<uint8_t, OpensslDeleter<free_openssl_memory>>;

/// Leaves OpenSSL's queue of errors as it found it: what curl reads there is to be the reason why a
/// handshake failed, not what was tried within one.
class KeptErrors {
 public:
  KeptErrors() { ERR_set_mark(); }
  KeptErrors(const KeptErrors&) = delete;
  KeptErrors& operator=(const KeptErrors&) = delete;
  ~KeptErrors() { ERR_pop_to_mark(); }
};

}  // namespace kite::http
