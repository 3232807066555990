#include <cstddef>
#include <cstdint>
#include <string_view>

#include "admin/admin_request.h"
#include "sys/check.h"

/// Whatever comes, the verdict on a request does not depend on how it was cut into pieces, and a
/// request that is served names a local host, or none, and a path of its own bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using kite::admin::AdminRequest;
  using kite::admin::HostRule;
  using kite::admin::RequestVerdict;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const AdminRequest whole = kite::admin::parse_request(bytes, HostRule::local_names);
  const size_t most = size < 512 ? size : 512;
  for (size_t length = 0; length < most; ++length) {
    const AdminRequest part =
        kite::admin::parse_request(bytes.substr(0, length), HostRule::local_names);
    if (part.verdict == RequestVerdict::incomplete) continue;
    KITE_CHECK(part.verdict == whole.verdict, "a verdict stands, whatever comes behind it");
    break;
  }
  if (whole.verdict != RequestVerdict::ok) return 0;
  KITE_CHECK(whole.path.starts_with('/'), "a path begins at the root");
  KITE_CHECK(whole.path.data() >= bytes.data() &&
                 whole.path.data() + whole.path.size() <= bytes.data() + bytes.size(),
             "a path is part of the request");
  const AdminRequest anywhere = kite::admin::parse_request(bytes, HostRule::any);
  KITE_CHECK(anywhere.verdict == RequestVerdict::ok,
             "the laxer rule takes what the stricter takes");
  return 0;
}
