#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/seal/seal_manager.h"
#include "core/seal/testing_storage.h"

namespace keyhold::core {
namespace {

using namespace seal_records;

constexpr std::string_view kRecords[] = {kConfigKey, kStoreIdKey, kRootKeyKey, kKeyringKey};

class SealTamper : public testing::Test {
 protected:
  SealTamper() {
    Barrier barrier(rng_);
    SealManager manager(storage_, barrier, rng_, clock_);
    shares_ = std::move(manager.initialize(5, 3)->shares);
  }

  /// Whether a fresh server opens the store. It is given every share, and must not crash over any.
  bool opens() {
    Barrier barrier(rng_);
    SealManager manager(storage_, barrier, rng_, clock_);
    if (!manager.load().ok()) return false;
    for (const SecretBytes& share : shares_) static_cast<void>(manager.unseal(share));
    return !barrier.sealed();
  }

  template <typename Spoil>
  void expect_detected(std::string_view key, Spoil&& spoil) {
    const std::string record = storage_.at(key);
    storage_.overwrite(key, spoil(record));
    EXPECT_FALSE(opens());
    storage_.overwrite(key, record);
  }

  crypto::OsRng rng_;
  FakeClock clock_;
  SpoiledStorage storage_{clock_};
  std::vector<SecretBytes> shares_;
};

TEST_F(SealTamper, UntouchedItOpens) { EXPECT_TRUE(opens()); }

TEST_F(SealTamper, EveryFlippedBitOfEveryRecordIsDetected) {
  for (const std::string_view key : kRecords) {
    for (std::size_t bit = 0; bit < storage_.at(key).size() * 8; ++bit) {
      SCOPED_TRACE(testing::Message() << key << " bit " << bit);
      expect_detected(key, [bit](std::string record) {
        record[bit / 8] = static_cast<char>(record[bit / 8] ^ (1 << bit % 8));
        return record;
      });
    }
  }
}

TEST_F(SealTamper, EveryTruncationOfEveryRecordIsDetected) {
  for (const std::string_view key : kRecords) {
    for (std::size_t size = 0; size < storage_.at(key).size(); ++size) {
      SCOPED_TRACE(testing::Message() << key << " cut to " << size);
      expect_detected(key, [size](const std::string& record) { return record.substr(0, size); });
    }
    expect_detected(key, [](const std::string& record) { return record + '\0'; });
  }
}

TEST_F(SealTamper, AMissingRecordIsNotAnEmptyStore) {
  for (const std::string_view key : kRecords) {
    SCOPED_TRACE(key);
    const std::string record = storage_.at(key);
    storage_.overwrite(key, std::nullopt);
    Barrier barrier(rng_);
    SealManager manager(storage_, barrier, rng_, clock_);
    EXPECT_EQ(manager.load().code(), Code::kCorrupt);
    EXPECT_FALSE(manager.initialize(1, 1).ok());
    storage_.overwrite(key, record);
  }
}

TEST_F(SealTamper, ALowerThresholdDoesNotOpen) {
  auto config = parse_config(storage_.at(kConfigKey));
  ASSERT_TRUE(config.ok());
  for (const int threshold : {2, 4, 5}) {
    config->threshold = threshold;
    expect_detected(kConfigKey, [&](const std::string&) { return encode_config(*config); });
  }
}

TEST_F(SealTamper, RecordsOfAnotherStoreDoNotFit) {
  SpoiledStorage other(clock_);
  Barrier barrier(rng_);
  SealManager manager(other, barrier, rng_, clock_);
  ASSERT_TRUE(manager.initialize(5, 3).ok());
  for (const std::string_view key : kRecords) {
    SCOPED_TRACE(key);
    expect_detected(key, [&](const std::string&) { return other.at(key); });
  }
}

TEST_F(SealTamper, WrappedRecordsCannotChangePlaces) {
  expect_detected(kKeyringKey, [&](const std::string&) { return storage_.at(kRootKeyKey); });
  expect_detected(kRootKeyKey, [&](const std::string&) { return storage_.at(kKeyringKey); });
}

TEST_F(SealTamper, AStoreSwappedUnderARunningServerIsRefused) {
  Barrier barrier(rng_);
  SealManager manager(storage_, barrier, rng_, clock_);
  ASSERT_TRUE(manager.load().ok());
  SpoiledStorage other(clock_);
  Barrier other_barrier(rng_);
  SealManager other_manager(other, other_barrier, rng_, clock_);
  const auto made = other_manager.initialize(5, 3);
  ASSERT_TRUE(made.ok());
  for (const std::string_view key : kRecords) storage_.overwrite(key, other.at(key));
  EXPECT_EQ(manager.unseal(made->shares[0]).code(), Code::kCorrupt);
}

}  // namespace
}  // namespace keyhold::core
