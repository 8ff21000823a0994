#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::server {

struct CertificateFileNames {
  std::string_view ca;
  std::string_view certificate;
  std::string_view private_key;
};

/// Writes development certificates (crypto/certificate.h) into a directory, which is made with mode 0700 if it is not
/// there; files get mode 0600 and replace what was there.
///
/// errors   kInvalid (a host that is no name or address), kUnavailable (a file could not be written: says which and why).
Result<void> write_certificates(const std::string& directory, const std::vector<std::string>& hosts,
                                const CertificateFileNames& names);

}  // namespace keyhold::server
