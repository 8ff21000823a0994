#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
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

/// What a certificate says of when and for whom it is.
struct CertificateFacts {
  UnixMillis not_before_ms = 0;
  UnixMillis not_after_ms = 0;
  std::vector<std::string> names;  // Subject alternative names: DNS names and IP addresses.
};

/// Reads the first certificate of a PEM text. errors: kInvalid: there is none.
Result<CertificateFacts> read_certificate(const std::string& pem);

}  // namespace keyhold::crypto
