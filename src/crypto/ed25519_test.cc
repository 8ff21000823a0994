#include "crypto/ed25519.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "crypto/test_vectors.h"

namespace keyhold::crypto {
namespace {

TEST(Ed25519, MatchesRfc8032) {
  for (const TestVector& vector : load_test_vectors("ed25519_rfc8032.txt")) {
    const auto signer = Ed25519Signer::from_seed(KeyBytes::copy_of(vector.at("seed")));
    ASSERT_TRUE(signer.ok());
    EXPECT_EQ(hex_encode(signer->public_key()), hex_encode(vector.at("public")));
    EXPECT_EQ(hex_encode(signer->sign(vector.at("message"))), hex_encode(vector.at("signature")));
    EXPECT_TRUE(ed25519_verify(vector.at("public"), vector.at("message"), vector.at("signature")));
  }
}

TEST(Ed25519, RefusesEveryFlippedBit) {
  const TestVector vector = load_test_vectors("ed25519_rfc8032.txt").back();
  for (const char* part : {"public", "message", "signature"}) {
    for (std::size_t bit = 0; bit < 8 * vector.at(part).size(); ++bit) {
      TestVector tampered = vector;
      char& byte = tampered[part][bit / 8];
      byte = static_cast<char>(byte ^ 1 << bit % 8);
      EXPECT_FALSE(ed25519_verify(tampered["public"], tampered["message"], tampered["signature"])) << part << bit;
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Ed25519, RefusesOtherSizes) {
  const TestVector vector = load_test_vectors("ed25519_rfc8032.txt").back();
  EXPECT_FALSE(ed25519_verify(vector.at("public").substr(1), vector.at("message"), vector.at("signature")));
  EXPECT_FALSE(ed25519_verify(vector.at("public"), vector.at("message"), vector.at("signature") + '\0'));
  EXPECT_FALSE(ed25519_verify("", "", ""));
  EXPECT_EQ(Ed25519Signer::from_seed(KeyBytes(31)).code(), Code::kInvalid);
}

}  // namespace
}  // namespace keyhold::crypto
