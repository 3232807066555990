#include "aws/library_versions.h"

#include <expat.h>
#include <openssl/crypto.h>

#include <nlohmann/json.hpp>

namespace kite::aws {

std::vector<std::pair<std::string, std::string>> library_versions() {
  const XML_Expat_Version expat = XML_ExpatVersionInfo();
  const auto dotted = [](int major, int minor, int patch) {
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  };
  return {{"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
          {"expat", dotted(expat.major, expat.minor, expat.micro)},
          {"nlohmann-json", dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                   NLOHMANN_JSON_VERSION_PATCH)}};
}

}  // namespace kite::aws
