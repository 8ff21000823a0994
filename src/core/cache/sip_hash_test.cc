#include "core/cache/sip_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace keyhold::core {
namespace {

constexpr SipHash<>::Key kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

// Appendix A of the paper.
TEST(SipHash, AnswersThePapersVector) {
  std::string message;
  for (char byte = 0; byte < 15; ++byte) message.push_back(byte);
  const SipHash<2, 4> hash(kKey);
  EXPECT_EQ(hash(message), 0xa129ca6149be45e5u);
}

TEST(SipHash, DependsOnKeyLengthAndContent) {
  const SipHash<> hash(kKey);
  EXPECT_EQ(hash("some key"), hash(std::string("some key")));
  EXPECT_NE(hash("some key"), hash("some kez"));
  EXPECT_NE(hash(""), hash(std::string_view("\0", 1)));
  EXPECT_NE(hash("some key"), SipHash<>({kKey[0], kKey[1] + 1})("some key"));
}

}  // namespace
}  // namespace keyhold::core
