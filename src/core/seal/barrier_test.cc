#include "core/seal/barrier.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/limits.h"

namespace keyhold::core {
namespace {

const std::string kStoreId(Barrier::kStoreIdBytes, 'A');
constexpr std::string_view kKey = "nsome-key";
constexpr std::string_view kPlaintext = "a plaintext of some length";

class BarrierTest : public testing::Test {
 protected:
  BarrierTest() { barrier_.unseal(kStoreId, keyring()); }

  /// The same keys every time.
  static Keyring keyring() {
    crypto::SeededRng rng(7);
    return Keyring::create(rng, 1'700'000'000'000);
  }
  std::string encrypted() const {
    auto entry = barrier_.encrypt(kKey, kPlaintext);
    EXPECT_TRUE(entry.ok());
    return std::move(entry).value();
  }
  static void expect_corrupt(const Result<SecretBytes>& result) {
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kCorrupt);
    EXPECT_EQ(result.error().message.find("some-key"), std::string::npos);
  }

  crypto::OsRng rng_;
  Barrier barrier_{rng_};
};

TEST_F(BarrierTest, OpensWhatItSealed) {
  for (const std::size_t size : {0, 1, 15, 16, 17, 4096, 512 * 1024}) {
    const std::string plaintext(size, 'p');
    const auto entry = barrier_.encrypt(kKey, plaintext);
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(entry->size(), size + Barrier::kEntryOverheadBytes);
    const auto opened = barrier_.decrypt(kKey, *entry);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened->reveal(), plaintext);
  }
  EXPECT_NE(encrypted(), encrypted()) << "a nonce was used twice";
}

TEST_F(BarrierTest, FramesAsDocumented) {
  EXPECT_EQ(encrypted().substr(0, 5), std::string("\0\0\0\1\3", 5));
}

TEST_F(BarrierTest, EveryFlippedBitIsDetected) {
  const std::string entry = encrypted();
  for (std::size_t bit = 0; bit < entry.size() * 8; ++bit) {
    std::string tampered = entry;
    tampered[bit / 8] = static_cast<char>(tampered[bit / 8] ^ (1 << bit % 8));
    SCOPED_TRACE(bit);
    expect_corrupt(barrier_.decrypt(kKey, tampered));
  }
}

TEST_F(BarrierTest, EveryTruncationAndExtensionIsDetected) {
  const std::string entry = encrypted();
  for (std::size_t size = 0; size < entry.size(); ++size) expect_corrupt(barrier_.decrypt(kKey, entry.substr(0, size)));
  expect_corrupt(barrier_.decrypt(kKey, entry + '\0'));
}

TEST_F(BarrierTest, AnEntryMovedToAnotherKeyDoesNotOpen) {
  const std::string entry = encrypted();
  expect_corrupt(barrier_.decrypt("nsome-kez", entry));
  expect_corrupt(barrier_.decrypt("nsome-ke", entry));
  expect_corrupt(barrier_.decrypt("", entry));
  expect_corrupt(barrier_.decrypt(std::string(limits::kStorageKeyBytesMax + 1, 'n'), entry));
}

TEST_F(BarrierTest, AnEntryOfAnotherStoreDoesNotOpen) {
  Barrier other(rng_);
  other.unseal(std::string(Barrier::kStoreIdBytes, 'B'), keyring());
  expect_corrupt(other.decrypt(kKey, encrypted()));

  Barrier same(rng_);
  same.unseal(kStoreId, keyring());
  EXPECT_TRUE(same.decrypt(kKey, encrypted()).ok());
}

TEST_F(BarrierTest, OldTermsStayReadableAfterARotation) {
  const std::string old_entry = encrypted();
  Keyring rotated = keyring();
  ASSERT_TRUE(rotated.add_term(rng_, 0).ok());
  const auto derived = barrier_.derive("purpose");
  ASSERT_TRUE(derived.ok());
  barrier_.unseal(kStoreId, std::move(rotated));

  EXPECT_TRUE(barrier_.decrypt(kKey, old_entry).ok());
  std::string new_entry = encrypted();
  EXPECT_EQ(new_entry[3], 2);
  EXPECT_TRUE(barrier_.decrypt(kKey, new_entry).ok());
  EXPECT_EQ(barrier_.derive("purpose")->reveal(), derived->reveal());

  Barrier behind(rng_);
  behind.unseal(kStoreId, keyring());
  expect_corrupt(behind.decrypt(kKey, new_entry));
}

TEST_F(BarrierTest, SealedMeansSealedEverywhere) {
  const std::string entry = encrypted();
  EXPECT_FALSE(barrier_.sealed());
  EXPECT_EQ(barrier_.store_id(), kStoreId);
  barrier_.seal_up();
  EXPECT_TRUE(barrier_.sealed());
  EXPECT_EQ(barrier_.store_id(), kStoreId);
  EXPECT_EQ(barrier_.encrypt(kKey, kPlaintext).code(), Code::kSealed);
  EXPECT_EQ(barrier_.decrypt(kKey, entry).code(), Code::kSealed);
  EXPECT_EQ(barrier_.derive("purpose").code(), Code::kSealed);

  const Barrier fresh(rng_);
  EXPECT_TRUE(fresh.sealed());
  EXPECT_EQ(fresh.store_id(), "");
  EXPECT_EQ(fresh.decrypt(kKey, entry).code(), Code::kSealed);
}

TEST_F(BarrierTest, DerivedKeysDifferByPurposeAndStayOverSealing) {
  const auto first = barrier_.derive("token-id");
  const auto second = barrier_.derive("audit-hmac");
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->size(), 32u);
  EXPECT_NE(first->reveal(), second->reveal());
  barrier_.seal_up();
  barrier_.unseal(kStoreId, keyring());
  EXPECT_EQ(barrier_.derive("token-id")->reveal(), first->reveal());
}

TEST_F(BarrierTest, RefusesAStorageKeyOverTheContract) {
  const std::string longest(limits::kStorageKeyBytesMax, 'n');
  const auto entry = barrier_.encrypt(longest, kPlaintext);
  ASSERT_TRUE(entry.ok());
  EXPECT_TRUE(barrier_.decrypt(longest, *entry).ok());
  EXPECT_EQ(barrier_.encrypt(longest + 'n', kPlaintext).code(), Code::kTooLarge);
}

// For TSan above all: keys go away under calls in flight.
TEST_F(BarrierTest, SealingUnderLoadEndsInPlaintextOrSealed) {
  constexpr int kThreads = 4;
  constexpr int kSealings = 200;
  const std::string entry = encrypted();
  std::atomic<bool> stop{false};
  std::atomic<int> opened{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < kThreads; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto plaintext = barrier_.decrypt(kKey, entry);
        if (plaintext.ok()) {
          ASSERT_EQ(plaintext->reveal(), kPlaintext);
          ++opened;
        } else {
          ASSERT_EQ(plaintext.code(), Code::kSealed);
        }
        const auto fresh = barrier_.encrypt(kKey, kPlaintext);
        ASSERT_TRUE(fresh.ok() || fresh.code() == Code::kSealed);
      }
    });
  }
  for (int i = 0; i < kSealings; ++i) {
    barrier_.seal_up();
    EXPECT_EQ(barrier_.decrypt(kKey, entry).code(), Code::kSealed);
    barrier_.unseal(kStoreId, keyring());
    barrier_.unseal(kStoreId, keyring());
  }
  while (opened == 0) std::this_thread::yield();
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace keyhold::core
