#include "core/batch_token.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace keyhold::core {
namespace {

class BatchTokenTest : public ::testing::Test {
 protected:
  std::string seal(const records::Token& record) {
    auto token = tokens_.seal(record, rng_);
    EXPECT_TRUE(token.ok());
    return token.ok() ? std::string(token->reveal()) : std::string();
  }
  bool opens(std::string_view token) {
    const auto opened = tokens_.open(token);
    EXPECT_TRUE(opened.ok() || opened.code() == Code::kDenied);
    return opened.ok();
  }
  static records::Token record() {
    records::Token record;
    record.set_type(records::Token::BATCH);
    record.add_policies("app");
    record.set_expires_ms(1'000);
    return record;
  }

  crypto::SeededRng rng_{1};
  BatchTokens tokens_{rng_.key(32)};
};

TEST_F(BatchTokenTest, CarriesItsRecord) {
  const std::string token = seal(record());
  EXPECT_TRUE(token.starts_with("hvb."));
  const auto opened = tokens_.open(token);
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->SerializeAsString(), record().SerializeAsString());
  EXPECT_NE(seal(record()), token) << "each has a nonce of its own";
}

TEST_F(BatchTokenTest, NothingForgedOpens) {
  const std::string token = seal(record());
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char bit : {1, 2, 4, 8, 16, 32, 64}) {
      std::string forged = token;
      forged[i] = static_cast<char>(forged[i] ^ bit);
      EXPECT_FALSE(opens(forged)) << i;
    }
    EXPECT_FALSE(opens(token.substr(0, i))) << i;
  }
  EXPECT_FALSE(opens(token + "A"));
  EXPECT_FALSE(opens(token + "="));
  EXPECT_FALSE(opens("hvb."));
  EXPECT_FALSE(opens("hvb." + std::string(1'000, 'A')));
}

TEST_F(BatchTokenTest, AnotherStoresKeyDoesNotOpenIt) {
  const BatchTokens other(rng_.key(32));
  EXPECT_FALSE(other.open(seal(record())).ok());
}

TEST_F(BatchTokenTest, WhatWouldNotComeBackIsRefused) {
  records::Token big = record();
  (*big.mutable_metadata())["a"] = std::string(limits::kTokenBytesMax, 'x');
  const auto token = tokens_.seal(big, rng_);
  ASSERT_FALSE(token.ok());
  EXPECT_EQ(token.code(), Code::kInvalid);
}

}  // namespace
}  // namespace keyhold::core
