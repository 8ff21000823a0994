#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "crypto/random.h"
#include "crypto/test_vectors.h"

namespace keyhold::crypto {
namespace {

TEST(Sha256, HashesTheConcatenationOfItsParts) {
  // FIPS 180-4's examples.
  EXPECT_EQ(hex_encode(as_view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(as_view(sha256(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("a", "bc"), sha256("abc"));
  EXPECT_EQ(sha256("", "abc"), sha256("abc"));
}

TEST(HmacSha256, MatchesRfc4231) {
  for (const TestVector& vector : load_test_vectors("hmac_sha256_rfc4231.txt")) {
    const HmacSha256 hmac(KeyBytes::copy_of(vector.at("key")));
    for (int repetition = 0; repetition < 3; ++repetition) {
      EXPECT_TRUE(as_view(hmac(vector.at("message"))).starts_with(vector.at("mac"))) << hex_encode(vector.at("mac"));
    }
  }
}

TEST(HmacSha256Once, MatchesTheKeptForm) {
  SeededRng rng(2);
  for (std::size_t size = 1; size <= KeyBytes::kKeyBytesMax; ++size) {
    const KeyBytes key = rng.key(size);
    const std::string message = rng.bytes(3 * size);
    EXPECT_EQ(hmac_sha256_once(key.reveal(), message).reveal(), as_view(HmacSha256(key)(message)));
    EXPECT_EQ(hmac_sha256_once(key.reveal(), "").reveal(), as_view(HmacSha256(key)("")));
  }
}

TEST(HmacSha256Once, TakesKeysLongerThanABlock) {
  // RFC 4231, test case 6.
  EXPECT_EQ(hex_encode(hmac_sha256_once(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First").reveal()),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256OnceDeathTest, RefusesAnEmptyKey) { EXPECT_DEATH(hmac_sha256_once("", "message"), "CHECK failed"); }

TEST(HmacSha256, TakesAnEmptyMessage) {
  // As OpenSSL's command: openssl dgst -sha256 -hmac key /dev/null.
  EXPECT_EQ(hex_encode(as_view(HmacSha256(KeyBytes::copy_of("key"))(""))),
            "5d5d139563c95b5967b9bd9a8c9b233a9dedb45072794cd232dc1b74832607d0");
}

TEST(HmacSha256, KeepsKeysApartInOneThread) {
  const HmacSha256 first(KeyBytes::copy_of("first"));
  HmacSha256 second(KeyBytes::copy_of("second"));
  const Digest of_first = first("message");
  const Digest of_second = second("message");
  EXPECT_NE(of_first, of_second);
  EXPECT_EQ(first("message"), of_first);
  const HmacSha256 moved = std::move(second);
  EXPECT_EQ(moved("message"), of_second);
}

TEST(HmacSha256, AgreesWithItselfFromManyThreads) {
  constexpr int kThreads = 20;  // More than have a context of their own.
  constexpr int kRounds = 200;
  const HmacSha256 hmac(KeyBytes::copy_of("key"));
  std::vector<Digest> expected;
  for (int i = 0; i < kRounds; ++i) expected.push_back(hmac(std::to_string(i)));
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        EXPECT_EQ(hmac(std::to_string(round)), expected[static_cast<std::size_t>(round)]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(HmacSha256DeathTest, RefusesAnEmptyKey) { EXPECT_DEATH(HmacSha256{KeyBytes()}, "CHECK failed"); }

TEST(Hkdf, MatchesRfc5869) {
  for (const TestVector& vector : load_test_vectors("hkdf_sha256_rfc5869.txt")) {
    const std::string& derived = vector.at("derived");
    EXPECT_EQ(hkdf_sha256(KeyBytes::copy_of(vector.at("secret")), vector.at("info"), derived.size()).reveal(), derived);
  }
}

/// The RFC's own formula, from HMAC.
TEST(Hkdf, ExpandsWithInfoAsRfc5869Says) {
  SeededRng rng(1);
  for (std::size_t info_bytes = 0; info_bytes < 100; info_bytes += 9) {
    const KeyBytes secret = rng.key(32);
    const std::string info = rng.bytes(info_bytes);
    const HmacSha256 extract(KeyBytes(32));
    const HmacSha256 expand(KeyBytes::copy_of(as_view(extract(secret.reveal()))));
    const std::string first{as_view(expand(info + '\x01'))};
    const std::string expected = first + std::string(as_view(expand(first + info + '\x02')));
    for (const std::size_t size : {16, 32, 48, 64}) {
      EXPECT_EQ(hkdf_sha256(secret, info, size).reveal(), expected.substr(0, size));
    }
  }
}

TEST(EqualConstantTime, ComparesSizeAndContent) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("same", "same"));
  EXPECT_FALSE(equal_constant_time("same", "sama"));
  EXPECT_FALSE(equal_constant_time("same", "sam"));
  EXPECT_FALSE(equal_constant_time("", "x"));
}

}  // namespace
}  // namespace keyhold::crypto
