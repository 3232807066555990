#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/ca_index.h"
#include "http/openssl_handles.h"
#include "sys/check.h"

namespace {

using namespace kite::http;

/// The subjects' hashes of what OpenSSL loads from `pem`; nothing if it refuses it.
std::vector<uint32_t> loaded_by_openssl(std::string_view pem) {
  const KeptErrors no_trace;
  const BioHandle source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  static char no_password[] = "";
  STACK_OF(X509_INFO)* parsed = PEM_X509_INFO_read_bio(source.get(), nullptr, nullptr, no_password);
  std::vector<uint32_t> hashes;
  for (int i = 0; i < sk_X509_INFO_num(parsed); ++i) {
    const X509* certificate = sk_X509_INFO_value(parsed, i)->x509;
    if (certificate == nullptr) continue;
    hashes.push_back(static_cast<uint32_t>(X509_NAME_hash(X509_get_subject_name(certificate))));
  }
  sk_X509_INFO_pop_free(parsed, X509_INFO_free);
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view pem(reinterpret_cast<const char*>(data), size);
  const auto index = CaIndex::of(pem);
  const std::vector<uint32_t> expected = loaded_by_openssl(pem);
  KITE_CHECK(index.ok() || expected.empty(), "what OpenSSL loads is indexed");
  if (!index.ok()) return 0;
  std::vector<uint32_t> hashes;
  for (const CaIndex::Place& place : index->places()) {
    hashes.push_back(place.subject_hash);
    const auto alone = CaIndex::of(pem.substr(place.offset, place.size));
    KITE_CHECK(alone.ok() && alone->places().size() == 1, "a place is one certificate");
    KITE_CHECK(alone->places()[0].subject_hash == place.subject_hash, "of that subject");
    KITE_CHECK(!index->find(place.subject_hash).empty(), "and it is found");
  }
  KITE_CHECK(expected.empty() || hashes == expected, "the same subjects as OpenSSL finds");
  return 0;
}
