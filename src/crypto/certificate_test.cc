#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "crypto/openssl.h"

namespace keyhold::crypto {
namespace {

openssl::Bio bio_of(std::string_view text) {
  return openssl::Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

openssl::Certificate first_certificate(std::string_view pem) {
  return openssl::Certificate(PEM_read_bio_X509(bio_of(pem).get(), nullptr, nullptr, nullptr));
}

class DevelopmentCertificatesTest : public ::testing::Test {
 protected:
  const DevelopmentCertificates made_ =
      make_development_certificates({"localhost", "keyhold.example", "127.0.0.1", "::1"}, 30).value();
  const openssl::Certificate ca_ = first_certificate(made_.ca_pem);
  const openssl::Certificate leaf_ = first_certificate(made_.certificate_pem);
};

TEST_F(DevelopmentCertificatesTest, VerifyForAServer) {
  const std::unique_ptr<X509_STORE, openssl::Free<X509_STORE_free>> store(X509_STORE_new());
  ASSERT_EQ(X509_STORE_add_cert(store.get(), ca_.get()), 1);
  const std::unique_ptr<X509_STORE_CTX, openssl::Free<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  ASSERT_EQ(X509_STORE_CTX_init(context.get(), store.get(), leaf_.get(), nullptr), 1);
  X509_VERIFY_PARAM* const parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  EXPECT_EQ(X509_verify_cert(context.get()), 1)
      << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

TEST_F(DevelopmentCertificatesTest, NameTheHosts) {
  EXPECT_EQ(X509_check_host(leaf_.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf_.get(), "keyhold.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf_.get(), "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(leaf_.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf_.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf_.get(), "127.0.0.2", 0), 0);
}

TEST_F(DevelopmentCertificatesTest, TellWhenAndForWhomTheyAre) {
  const auto facts = read_certificate(made_.certificate_pem);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->names, (std::vector<std::string>{"localhost", "keyhold.example", "127.0.0.1", "::1"}));
  const UnixMillis now_ms = SystemClock().now_ms();
  constexpr UnixMillis kHourMs = 3'600'000;
  EXPECT_LE(facts->not_before_ms, now_ms - kHourMs + 1000);
  EXPECT_NEAR(static_cast<double>(facts->not_after_ms), static_cast<double>(now_ms + 30 * 24 * kHourMs), 60'000.0);
  EXPECT_EQ(read_certificate(made_.ca_pem)->names, std::vector<std::string>{});
  for (const std::string& none : {std::string(), std::string("x"), made_.certificate_pem.substr(0, 200)}) {
    EXPECT_EQ(read_certificate(none).code(), Code::kInvalid);
  }
}

TEST_F(DevelopmentCertificatesTest, BelongToTheKeyAndEndWithTheCa) {
  const openssl::Key key(PEM_read_bio_PrivateKey(bio_of(made_.private_key_pem.reveal()).get(), nullptr, nullptr, nullptr));
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(X509_check_private_key(leaf_.get(), key.get()), 1);
  EXPECT_TRUE(made_.certificate_pem.ends_with(made_.ca_pem));
  EXPECT_NE(X509_check_ca(ca_.get()), 0);
  EXPECT_EQ(X509_check_ca(leaf_.get()), 0);
}

TEST_F(DevelopmentCertificatesTest, AreValidFromAnHourAgo) {
  for (const X509* certificate : {ca_.get(), leaf_.get()}) {
    int days = 0;
    int seconds = 0;
    ASSERT_EQ(ASN1_TIME_diff(&days, &seconds, X509_get0_notBefore(certificate), X509_get0_notAfter(certificate)), 1);
    EXPECT_EQ(days, 30);
    EXPECT_NEAR(seconds, 3600, 1);  // The clock may tick in between.
    EXPECT_LT(X509_cmp_current_time(X509_get0_notBefore(certificate)), 0);
  }
}

TEST(DevelopmentCertificates, RefuseOtherNamesAndTerms) {
  for (const char* host : {"", "a,IP:1.2.3.4", "two words", "a\nb", "@section", "under_score", "\xc3\xa9.example", "1:2"}) {
    EXPECT_EQ(make_development_certificates({host}, 1).code(), Code::kInvalid) << host;
  }
  EXPECT_EQ(make_development_certificates({std::string(254, 'a')}, 1).code(), Code::kInvalid);
  EXPECT_EQ(make_development_certificates({}, 1).code(), Code::kInvalid);
  EXPECT_EQ(make_development_certificates({"localhost"}, 0).code(), Code::kInvalid);
  EXPECT_EQ(make_development_certificates({"localhost"}, 100'000).code(), Code::kInvalid);
}

}  // namespace
}  // namespace keyhold::crypto
