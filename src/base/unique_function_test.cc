#include "base/unique_function.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>

namespace keyhold {
namespace {

TEST(UniqueFunction, OwnsWhatCannotBeCopied) {
  UniqueFunction<int(int)> add = [base = std::make_unique<int>(40)](int more) { return *base + more; };
  UniqueFunction<int(int)> moved = std::move(add);
  EXPECT_FALSE(add);  // NOLINT: what a move leaves is documented as empty.
  EXPECT_EQ(moved(2), 42);
}

TEST(UniqueFunction, DestroysItsCapturesOnceWhereverTheyLie) {
  const auto small = std::make_shared<int>(1);
  struct Large {
    std::shared_ptr<int> held;
    std::array<char, 200> more{};
  };
  const auto big = std::make_shared<int>(2);
  {
    UniqueFunction<int()> inside = [small] { return *small; };
    UniqueFunction<int()> outside = [large = Large{big}] { return *large.held; };
    EXPECT_EQ(small.use_count(), 2);
    EXPECT_EQ(big.use_count(), 2);
    inside = std::move(outside);
    EXPECT_EQ(small.use_count(), 1) << "what is replaced is destroyed at once";
    EXPECT_EQ(inside(), 2);
    EXPECT_EQ(big.use_count(), 2);
  }
  EXPECT_EQ(big.use_count(), 1);
}

TEST(UniqueFunction, HandsArgumentsOnAsTheyCame) {
  UniqueFunction<std::string(std::unique_ptr<std::string>, const std::string&)> join =
      [](std::unique_ptr<std::string> first, const std::string& second) { return *first + second; };
  EXPECT_EQ(join(std::make_unique<std::string>("a"), "b"), "ab");
}

TEST(UniqueFunctionDeathTest, CallingAnEmptyOneIsABug) {
  UniqueFunction<void()> empty;
  EXPECT_DEATH(empty(), "CHECK failed");
}

}  // namespace
}  // namespace keyhold
