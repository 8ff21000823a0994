#include "crypto/certificate.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string_view>

#include "crypto/openssl.h"
#include "crypto/random.h"

namespace keyhold::crypto {
namespace {

constexpr int kDaysMax = 3650;
constexpr std::size_t kHostsMax = 64;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035, in text.
constexpr std::size_t kSerialBytes = 16;    // RFC 5280 §4.1.2.2: positive and at most 20.
constexpr long kBackdateS = 3600;           // For clients whose clocks are behind.
constexpr long kDayS = 86'400;
constexpr char kCaName[] = "Keyhold development CA";
constexpr char kLeafName[] = "Keyhold development server";

struct Extension {
  int id;
  std::string value;  // In OpenSSL's configuration syntax.
};

Error failed() {
  ERR_clear_error();
  return {Code::kInternal, "cannot make a certificate"};
}

bool is_address(const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
}

/// Strict, as the name ends up in OpenSSL's configuration syntax, where a comma starts another one.
bool is_dns_name(std::string_view host) {
  return !host.empty() && host.size() <= kHostBytesMax && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '*';
  });
}

Result<std::string> alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const std::string& host : hosts) {
    const bool address = is_address(host);
    if (!address && !is_dns_name(host)) return Error{Code::kInvalid, "a host is neither a DNS name nor an IP address"};
    if (!names.empty()) names += ',';
    names += (address ? "IP:" : "DNS:") + host;
  }
  return names;
}

bool add_name(X509_NAME* name, const char* common_name) {
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name), -1,
                                    -1, 0) == 1;
}

bool add_random_serial(X509* certificate) {
  std::string bytes = OsRng().bytes(kSerialBytes);
  bytes[0] = static_cast<char>((bytes[0] & 0x3f) | 0x40);  // Positive, and of the same length every time.
  BIGNUM* number = BN_bin2bn(openssl::bytes_of(bytes), static_cast<int>(bytes.size()), nullptr);
  const bool added = number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return added;
}

bool add_extensions(X509* certificate, X509* issuer, const std::vector<Extension>& extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  return std::ranges::all_of(extensions, [&](const Extension& wanted) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, wanted.id, wanted.value.c_str());
    const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
  });
}

/// A certificate for `key`; `issuer` = nullptr makes it sign itself. nullptr on failure.
openssl::Certificate make_certificate(const openssl::Key& key, const char* common_name, X509* issuer,
                                      const openssl::Key& issuer_key, int days,
                                      const std::vector<Extension>& extensions) {
  openssl::Certificate made(X509_new());
  X509* const x509 = made.get();
  if (x509 == nullptr) return nullptr;
  if (issuer == nullptr) issuer = x509;
  const bool ok = X509_set_version(x509, X509_VERSION_3) == 1 && add_random_serial(x509) &&
                  X509_gmtime_adj(X509_getm_notBefore(x509), -kBackdateS) != nullptr &&
                  X509_gmtime_adj(X509_getm_notAfter(x509), days * kDayS) != nullptr &&
                  X509_set_pubkey(x509, key.get()) == 1 && add_name(X509_get_subject_name(x509), common_name) &&
                  X509_set_issuer_name(x509, X509_get_subject_name(issuer)) == 1 &&
                  add_extensions(x509, issuer, extensions) && X509_sign(x509, issuer_key.get(), EVP_sha256()) > 0;
  return ok ? std::move(made) : nullptr;
}

/// Appends what `bio` holds to `out`, of either type.
template <typename Bytes>
void append_contents(const openssl::Bio& bio, Bytes& out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  out.append(std::string_view(data, static_cast<std::size_t>(size)));
}

bool append_pem(const openssl::Certificate& certificate, std::string& out) {
  const openssl::Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate.get()) != 1) return false;
  append_contents(bio, out);
  return true;
}

bool append_pem(const openssl::Key& key, SecretBytes& out) {
  const openssl::Bio bio(BIO_new(BIO_s_secmem()));  // Wiped when freed.
  if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) return false;
  append_contents(bio, out);
  return true;
}

/// In milliseconds; nothing when it is no time.
bool read_time(const ASN1_TIME* time, UnixMillis& into_ms) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return false;
  into_ms = static_cast<UnixMillis>(timegm(&parts)) * 1000;
  return true;
}

std::vector<std::string> alternative_names_of(const X509* certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, openssl::Free<GENERAL_NAMES_free>>;
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> found;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* const value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const auto* const bytes = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    if (name->type == GEN_DNS) {
      found.emplace_back(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    } else if (char text[INET6_ADDRSTRLEN]; size == sizeof(in_addr) || size == sizeof(in6_addr)) {
      if (inet_ntop(size == sizeof(in_addr) ? AF_INET : AF_INET6, bytes, text, sizeof(text)) != nullptr) found.emplace_back(text);
    }
  }
  return found;
}

}  // namespace

Result<CertificateFacts> read_certificate(const std::string& pem) {
  const openssl::Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const openssl::Certificate certificate(bio == nullptr ? nullptr : PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  CertificateFacts facts;
  if (certificate == nullptr || !read_time(X509_get0_notBefore(certificate.get()), facts.not_before_ms) ||
      !read_time(X509_get0_notAfter(certificate.get()), facts.not_after_ms)) {
    ERR_clear_error();
    return Error{Code::kInvalid, "there is no certificate in it"};
  }
  facts.names = alternative_names_of(certificate.get());
  return facts;
}

Result<DevelopmentCertificates> make_development_certificates(const std::vector<std::string>& hosts, int days) {
  if (hosts.empty() || hosts.size() > kHostsMax) return Error{Code::kInvalid, "1 to 64 hosts are possible"};
  if (days < 1 || days > kDaysMax) return Error{Code::kInvalid, "1 to 3650 days are possible"};
  TRY_ASSIGN(const std::string names, alternative_names(hosts));

  const openssl::Key ca_key(EVP_EC_gen("P-256"));
  const openssl::Key key(EVP_EC_gen("P-256"));
  if (!ca_key || !key) return failed();
  const openssl::Certificate ca = make_certificate(ca_key, kCaName, nullptr, ca_key, days,
                                                   {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                                    {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                                    {NID_subject_key_identifier, "hash"}});
  if (!ca) return failed();
  const openssl::Certificate leaf = make_certificate(key, kLeafName, ca.get(), ca_key, days,
                                                     {{NID_basic_constraints, "critical,CA:FALSE"},
                                                      {NID_key_usage, "critical,digitalSignature"},
                                                      {NID_ext_key_usage, "serverAuth"},
                                                      {NID_subject_key_identifier, "hash"},
                                                      {NID_authority_key_identifier, "keyid"},
                                                      {NID_subject_alt_name, names}});
  DevelopmentCertificates made;
  if (!leaf || !append_pem(ca, made.ca_pem) || !append_pem(leaf, made.certificate_pem) ||
      !append_pem(key, made.private_key_pem)) {
    return failed();
  }
  made.certificate_pem += made.ca_pem;
  return made;
}

}  // namespace keyhold::crypto
