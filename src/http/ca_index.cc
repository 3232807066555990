#include "http/ca_index.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "http/openssl_handles.h"
#include "sys/check.h"
#include "sys/fit.h"

namespace kite::http {

namespace {

using Bytes = std::span<const uint8_t>;

struct Element {
  Bytes whole;
  Bytes content;
  bool is_version;  ///< [0], which the first certificates of all did not have
};

/// Takes the first element off `rest`. Nothing if there is none, or none of definite length.
std::optional<Element> take_element(Bytes& rest) {
  const uint8_t* at = rest.data();
  long length = 0;
  int tag = 0;
  int tag_class = 0;
  const int form = ASN1_get_object(&at, &length, &tag, &tag_class, static_cast<long>(rest.size()));
  constexpr int kBadOrIndefinite = 0x81;
  if (rest.empty() || (form & kBadOrIndefinite) != 0) return std::nullopt;
  const auto head_size = static_cast<size_t>(at - rest.data());
  const auto size = static_cast<size_t>(length);
  const Element element{rest.first(head_size + size), rest.subspan(head_size, size),
                        tag_class == V_ASN1_CONTEXT_SPECIFIC && tag == 0};
  rest = rest.subspan(head_size + size);
  return element;
}

/// The encoded name of the subject of an encoded certificate.
std::optional<Bytes> subject_of(Bytes certificate) {
  const auto outer = take_element(certificate);
  if (!outer) return std::nullopt;
  Bytes parts = outer->content;
  const auto to_be_signed = take_element(parts);
  if (!to_be_signed) return std::nullopt;
  Bytes fields = to_be_signed->content;
  auto field = take_element(fields);
  if (field && field->is_version) field = take_element(fields);
  // From the serial number over signature algorithm, issuer and validity to the subject.
  for (int steps = 4; steps > 0 && field; --steps) field = take_element(fields);
  if (!field) return std::nullopt;
  return field->whole;
}

std::optional<uint32_t> subject_hash_of(Bytes certificate) {
  if (const auto subject = subject_of(certificate)) {
    const uint8_t* at = subject->data();
    const X509NameHandle name(d2i_X509_NAME(nullptr, &at, static_cast<long>(subject->size())));
    if (name != nullptr) return static_cast<uint32_t>(X509_NAME_hash(name.get()));
  }
  // Perhaps in BER, which OpenSSL takes as well.
  const uint8_t* at = certificate.data();
  const X509Handle parsed(d2i_X509(nullptr, &at, static_cast<long>(certificate.size())));
  if (parsed == nullptr) return std::nullopt;
  return static_cast<uint32_t>(X509_NAME_hash(X509_get_subject_name(parsed.get())));
}

/// One PEM block as OpenSSL reads it.
struct PemBlock {
  OpensslText name, header;
  OpensslBytes data;
  long size = 0;

  bool read_from(BIO* source) {
    char* read_name = nullptr;
    char* read_header = nullptr;
    uint8_t* read_data = nullptr;
    const int got = PEM_read_bio(source, &read_name, &read_header, &read_data, &size);
    name.reset(read_name);
    header.reset(read_header);
    data.reset(read_data);
    return got == 1;
  }
  bool is_certificate() const {
    constexpr std::array<std::string_view, 3> kNames = {PEM_STRING_X509, PEM_STRING_X509_OLD,
                                                        PEM_STRING_X509_TRUSTED};
    return std::find(kNames.begin(), kNames.end(), name.get()) != kNames.end();
  }
  /// Nothing if it is no certificate; an encrypted one (it has a header) is none either.
  std::optional<uint32_t> subject_hash() const {
    if (*header != '\0') return std::nullopt;
    return subject_hash_of({data.get(), static_cast<size_t>(size)});
  }
};

sys::Error broken_after(size_t offset) {
  return {"the PEM block after byte " + std::to_string(offset) + " is broken"};
}

}  // namespace

sys::Result<CaIndex> CaIndex::of(std::string_view pem) {
  KITE_CHECK(pem.size() <= kBundleBytesMax, "offsets are 32 bits wide");
  const KeptErrors no_trace;
  const BioHandle source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KITE_CHECK(source != nullptr, "out of memory");
  std::vector<Place> places;
  for (size_t end = 0;;) {  // ends: each round consumes a block
    const size_t begin = end;
    PemBlock block;
    if (!block.read_from(source.get())) {
      if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) break;
      return broken_after(begin);
    }
    end = pem.size() - BIO_ctrl_pending(source.get());
    if (!block.is_certificate()) continue;
    const auto hash = block.subject_hash();
    if (!hash) return broken_after(begin);
    places.push_back({*hash, static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin)});
  }
  if (places.empty()) return sys::Error{"it holds no certificate"};
  std::stable_sort(places.begin(), places.end(), [](const Place& one, const Place& other) {
    return one.subject_hash < other.subject_hash;
  });
  sys::fit(places);
  return CaIndex(std::move(places));
}

std::span<const CaIndex::Place> CaIndex::find(uint32_t subject_hash) const {
  const auto found = std::equal_range(
      places_.begin(), places_.end(), Place{subject_hash, 0, 0},
      [](const Place& one, const Place& other) { return one.subject_hash < other.subject_hash; });
  return {found.first, found.second};
}

}  // namespace kite::http
