#include "crypto/xaes256gcm.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <thread>
#include <vector>

#include "crypto/openssl.h"
#include "crypto/random.h"
#include "crypto/test_vectors.h"

namespace keyhold::crypto {
namespace {

struct Sealed {
  std::string nonce;
  std::string associated;
  std::string plaintext;
  std::string ciphertext;
};

Sealed seal_random(const Xaes256Gcm& cipher, Rng& rng, std::size_t plaintext_bytes, std::size_t associated_bytes) {
  Sealed sealed{rng.bytes(Xaes256Gcm::kNonceBytes), rng.bytes(associated_bytes), rng.bytes(plaintext_bytes), {}};
  cipher.seal(sealed.nonce, sealed.associated, sealed.plaintext, sealed.ciphertext);
  return sealed;
}

void expect_corrupt(const Xaes256Gcm& cipher, const Sealed& sealed) {
  const auto opened = cipher.open(sealed.nonce, sealed.associated, sealed.ciphertext);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.code(), Code::kCorrupt);
}

TEST(Xaes256Gcm, MatchesTheSpecification) {
  for (const TestVector& vector : load_test_vectors("xaes256gcm_c2sp.txt")) {
    const Xaes256Gcm cipher(KeyBytes::copy_of(vector.at("key")));
    std::string out = "kept";
    cipher.seal(vector.at("nonce"), vector.at("associated"), vector.at("plaintext"), out);
    EXPECT_EQ(hex_encode(out), hex_encode("kept" + vector.at("ciphertext")));
    const auto opened = cipher.open(vector.at("nonce"), vector.at("associated"), vector.at("ciphertext"));
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->reveal(), vector.at("plaintext"));
  }
}

std::string shake128(std::string_view message, std::size_t size) {
  const openssl::Hash context(EVP_MD_CTX_new());
  std::string out(size, '\0');
  CHECK(EVP_DigestInit_ex2(context.get(), EVP_shake128(), nullptr) == 1 &&
        EVP_DigestUpdate(context.get(), message.data(), message.size()) == 1 &&
        EVP_DigestFinalXOF(context.get(), openssl::bytes_of(out.data()), size) == 1);
  return out;
}

TEST(Xaes256Gcm, MatchesTheAccumulatedVectors) {
  constexpr std::size_t kMessageBytesMax = Xaes256Gcm::kKeyBytes + Xaes256Gcm::kNonceBytes + 2 * 256;
  for (const TestVector& vector : load_test_vectors("xaes256gcm_c2sp_accumulated.txt")) {
    const std::uint32_t messages = get_big_endian32(vector.at("messages").data());
    const std::string stream = shake128("", messages * kMessageBytesMax);
    std::string_view rest = stream;
    const auto take = [&](std::size_t size) {
      const std::string_view taken = rest.substr(0, size);
      rest.remove_prefix(size);
      return taken;
    };
    const auto take_counted = [&] { return take(static_cast<unsigned char>(take(1)[0])); };
    std::string ciphertexts;
    for (std::uint32_t i = 0; i < messages; ++i) {
      const Xaes256Gcm cipher(KeyBytes::copy_of(take(Xaes256Gcm::kKeyBytes)));
      const std::string_view nonce = take(Xaes256Gcm::kNonceBytes);
      const std::string_view plaintext = take_counted();
      const std::string_view associated = take_counted();
      const std::size_t before = ciphertexts.size();
      cipher.seal(nonce, associated, plaintext, ciphertexts);
      const auto opened = cipher.open(nonce, associated, std::string_view(ciphertexts).substr(before));
      ASSERT_TRUE(opened.ok() && opened->reveal() == plaintext);
    }
    EXPECT_EQ(hex_encode(shake128(ciphertexts, vector.at("digest").size())), hex_encode(vector.at("digest")));
  }
}

TEST(Xaes256Gcm, OpensWhatItSealedOfEverySize) {
  SeededRng rng(1);
  const Xaes256Gcm cipher(rng.key(Xaes256Gcm::kKeyBytes));
  for (std::size_t size = 0; size < 100'000; size = size < 70 ? size + 1 : size * 3 / 2) {
    const Sealed sealed = seal_random(cipher, rng, size, size % 50);
    ASSERT_EQ(sealed.ciphertext.size(), size + Xaes256Gcm::kTagBytes);
    const auto opened = cipher.open(sealed.nonce, sealed.associated, sealed.ciphertext);
    ASSERT_TRUE(opened.ok()) << size;
    EXPECT_EQ(opened->reveal(), sealed.plaintext);
  }
}

TEST(Xaes256Gcm, RefusesEveryFlippedBit) {
  SeededRng rng(2);
  const Xaes256Gcm cipher(rng.key(Xaes256Gcm::kKeyBytes));
  const Sealed sealed = seal_random(cipher, rng, 45, 20);
  for (std::string Sealed::*part : {&Sealed::nonce, &Sealed::associated, &Sealed::ciphertext}) {
    for (std::size_t bit = 0; bit < 8 * (sealed.*part).size(); ++bit) {
      Sealed tampered = sealed;
      char& byte = (tampered.*part)[bit / 8];
      byte = static_cast<char>(byte ^ 1 << bit % 8);
      expect_corrupt(cipher, tampered);
    }
  }
}

TEST(Xaes256Gcm, RefusesEveryTruncationAndExtension) {
  SeededRng rng(3);
  const Xaes256Gcm cipher(rng.key(Xaes256Gcm::kKeyBytes));
  const Sealed sealed = seal_random(cipher, rng, 45, 20);
  for (std::string Sealed::*part : {&Sealed::associated, &Sealed::ciphertext}) {
    for (std::size_t size = 0; size < (sealed.*part).size(); ++size) {
      Sealed cut = sealed;
      (cut.*part).resize(size);
      expect_corrupt(cipher, cut);
    }
    Sealed longer = sealed;
    (longer.*part).push_back('\0');
    expect_corrupt(cipher, longer);
  }
}

TEST(Xaes256Gcm, RefusesEveryFlippedBitOfTheKey) {
  SeededRng rng(4);
  KeyBytes key = rng.key(Xaes256Gcm::kKeyBytes);
  const Sealed sealed = seal_random(Xaes256Gcm(key), rng, 16, 0);
  for (std::size_t bit = 0; bit < 8 * key.size(); ++bit) {
    KeyBytes other = key.clone();
    char& byte = other.writable()[bit / 8];
    byte = static_cast<char>(byte ^ 1 << bit % 8);
    expect_corrupt(Xaes256Gcm(other), sealed);
  }
}

TEST(Xaes256Gcm, WorksOnAfterARefusalAndLeavesNoErrorQueued) {
  SeededRng rng(5);
  const Xaes256Gcm cipher(rng.key(Xaes256Gcm::kKeyBytes));
  const Sealed sealed = seal_random(cipher, rng, 100, 10);
  Sealed tampered = sealed;
  tampered.ciphertext[0] ^= 1;
  expect_corrupt(cipher, tampered);
  EXPECT_EQ(ERR_peek_error(), 0u);
  EXPECT_TRUE(cipher.open(sealed.nonce, sealed.associated, sealed.ciphertext).ok());
}

TEST(Xaes256Gcm, SealsAndOpensFromManyThreads) {
  constexpr unsigned kThreads = 20;  // More than have contexts of their own.
  constexpr int kRounds = 100;
  SeededRng keys(6);
  const Xaes256Gcm cipher(keys.key(Xaes256Gcm::kKeyBytes));
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      SeededRng rng(thread);
      for (int round = 0; round < kRounds; ++round) {
        const Sealed sealed = seal_random(cipher, rng, 100, 10);
        const auto opened = cipher.open(sealed.nonce, sealed.associated, sealed.ciphertext);
        EXPECT_TRUE(opened.ok() && opened->reveal() == sealed.plaintext);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Xaes256GcmDeathTest, RefusesOtherSizes) {
  EXPECT_DEATH(Xaes256Gcm(KeyBytes(16)), "CHECK failed");
  const Xaes256Gcm cipher(KeyBytes(32));
  std::string out;
  EXPECT_DEATH(cipher.seal("short", "", "", out), "CHECK failed");
}

}  // namespace
}  // namespace keyhold::crypto
