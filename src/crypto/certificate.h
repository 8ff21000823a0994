#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::crypto {

/// A private CA and one server certificate under it, for `-dev-tls` and script/server. ECDSA P-256; the leaf has the
/// given DNS names and IP addresses as SANs and EKU serverAuth; both are valid from an hour ago until `days` from now. The
/// CA's key is not kept.
///
/// errors   kInvalid: 1 to 64 hosts, each a DNS name or an IP address, and 1 to 3650 days.
struct DevelopmentCertificates {
  std::string ca_pem;
  std::string certificate_pem;  // Leaf, then CA.
  SecretBytes private_key_pem;
};
Result<DevelopmentCertificates> make_development_certificates(const std::vector<std::string>& hosts, int days);

}  // namespace keyhold::crypto
