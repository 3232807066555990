#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/result.h"

namespace kite::http {

/// Where the certificates of a PEM bundle lie, by the hash of their subjects. Making one decodes
/// the text and reads each certificate as far as its subject, which is cheap beside parsing it.
/// Owns:      twelve bytes for each certificate; the bundle's text is the caller's.
/// Errors:    of() refuses what OpenSSL refuses to load, but for faults behind a subject: such a
///            certificate cannot be parsed when it is asked for. What is neither a certificate nor
///            broken is passed over, as are CRLs, because revocation is not checked.
/// Source:    PEM_read_bio(3), X509_NAME_hash(3), RFC 7468, RFC 5280 section 4.1.
class CaIndex {
 public:
  /// One certificate: its PEM block, with the text before it, is pem.substr(offset, size).
  struct Place {
    uint32_t subject_hash;
    uint32_t offset;
    uint32_t size;
  };

  /// `pem` may hold kBundleBytesMax bytes. No certificate in it is an error too.
  [[nodiscard]] static sys::Result<CaIndex> of(std::string_view pem);

  /// Every certificate whose subject has this X509_NAME_hash(3), in the order of the bundle.
  std::span<const Place> find(uint32_t subject_hash) const;
  std::span<const Place> places() const { return places_; }

  static constexpr size_t kBundleBytesMax = size_t{16} << 20;

 private:
  explicit CaIndex(std::vector<Place> places) : places_(std::move(places)) {}
  std::vector<Place> places_;  ///< ordered by hash
};

}  // namespace kite::http
