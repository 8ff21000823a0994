#include "crypto/shamir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>

#include "base/encoding.h"

namespace keyhold::crypto {
namespace {

std::vector<SecretBytes> choose(const std::vector<SecretBytes>& shares, unsigned members) {
  std::vector<SecretBytes> chosen;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (members >> i & 1u) chosen.push_back(shares[i].clone());
  }
  return chosen;
}

/// Every subset of the shares of every small scheme: enough give the secret, fewer do not.
TEST(Shamir, AnyThresholdOfSharesGivesTheSecret) {
  constexpr int kSharesMax = 7;
  SeededRng rng(1);
  const SecretBytes secret = rng.secret(32);
  for (int shares = 2; shares <= kSharesMax; ++shares) {
    for (int threshold = 2; threshold <= shares; ++threshold) {
      const auto split = shamir_split(secret, shares, threshold, rng);
      ASSERT_TRUE(split.ok());
      ASSERT_EQ(split->size(), static_cast<std::size_t>(shares));
      for (unsigned members = 0; members < 1u << shares; ++members) {
        if (std::popcount(members) < 2) continue;
        const auto combined = shamir_combine(choose(*split, members));
        ASSERT_TRUE(combined.ok());
        EXPECT_EQ(combined->reveal() == secret.reveal(), std::popcount(members) >= threshold) << shares << ' ' << threshold;
      }
    }
  }
}

TEST(Shamir, CombinesRandomLargerSchemesInAnyOrder) {
  SeededRng rng(2);
  for (int round = 0; round < 40; ++round) {
    const int shares = round == 0 ? 255 : 2 + static_cast<int>(rng.number() % 254);
    const int threshold = round == 0 ? 255 : 2 + static_cast<int>(rng.number() % static_cast<unsigned>(shares - 1));
    const SecretBytes secret = rng.secret(1 + rng.number() % 64);
    auto split = shamir_split(secret, shares, threshold, rng);
    ASSERT_TRUE(split.ok()) << shares << ' ' << threshold;
    for (std::size_t i = split->size(); i > 1; --i) std::swap((*split)[i - 1], (*split)[rng.number() % i]);
    const std::span<const SecretBytes> chosen(split->data(), static_cast<std::size_t>(threshold));
    EXPECT_EQ(shamir_combine(chosen).value().reveal(), secret.reveal()) << shares << ' ' << threshold;
    if (secret.size() < 8 || threshold == 2) continue;
    EXPECT_NE(shamir_combine(chosen.subspan(1)).value().reveal(), secret.reveal()) << shares << ' ' << threshold;
  }
}

TEST(Shamir, EndsASharesWithItsOwnCoordinate) {
  SeededRng rng(3);
  const auto split = shamir_split(rng.secret(16), 255, 2, rng);
  std::set<char> coordinates;
  for (const SecretBytes& share : *split) {
    EXPECT_EQ(share.size(), 17u);
    EXPECT_NE(share.reveal().back(), '\0');
    coordinates.insert(share.reveal().back());
  }
  EXPECT_EQ(coordinates.size(), 255u);
}

/// Worked out by hand: f(x) = 0x42 + 0x01 x and g(x) = 0x13 + 0x02 x over GF(2^8), at 1, 2 and 3.
TEST(Shamir, CombinesSharesInVaultsFormat) {
  const auto share = [](std::string_view hex) { return hex_decode_secret(hex).value(); };
  for (const auto& [first, second] : {std::pair{"431101", "401702"}, {"431101", "411503"}, {"411503", "401702"}}) {
    std::vector<SecretBytes> shares;
    shares.push_back(share(first));
    shares.push_back(share(second));
    EXPECT_EQ(hex_encode(shamir_combine(shares).value().reveal()), "4213");
  }
}

/// One share of two says nothing: over all coefficients every byte value appears once.
TEST(Shamir, OneShareIsIndependentOfTheSecret) {
  class FixedRng final : public Rng {
   public:
    explicit FixedRng(int byte) : byte_(byte) {}
    void fill(std::span<char> out) override { std::fill(out.begin(), out.end(), static_cast<char>(byte_)); }

   private:
    int byte_;
  };
  std::set<char> values;
  for (int coefficient = 0; coefficient < 256; ++coefficient) {
    FixedRng rng(coefficient);
    values.insert(shamir_split(SecretBytes::copy_of("s"), 5, 2, rng).value()[4].reveal()[0]);
  }
  EXPECT_EQ(values.size(), 256u);
}

TEST(Shamir, RefusesImpossibleSchemes) {
  SeededRng rng(4);
  const SecretBytes secret = rng.secret(8);
  for (const auto& [shares, threshold] : {std::pair{1, 1}, {5, 1}, {5, 0}, {5, -1}, {2, 3}, {256, 3}, {0, 0}}) {
    EXPECT_EQ(shamir_split(secret, shares, threshold, rng).code(), Code::kInvalid) << shares << ' ' << threshold;
  }
  EXPECT_EQ(shamir_split(SecretBytes(), 5, 3, rng).code(), Code::kInvalid);
}

TEST(Shamir, RefusesSharesThatCannotBelongTogether) {
  const auto combine = [](std::initializer_list<std::string_view> texts) {
    std::vector<SecretBytes> shares;
    for (const std::string_view hex : texts) shares.push_back(hex_decode_secret(hex).value());
    return shamir_combine(shares);
  };
  for (const auto& combined : {combine({}), combine({"431101"}), combine({"431101", "4302"}), combine({"01", "02"}),
                               combine({"431101", "401701"}), combine({"431100", "401701"}), combine({"", ""})}) {
    ASSERT_FALSE(combined.ok());
    EXPECT_EQ(combined.code(), Code::kInvalid);
  }
}

}  // namespace
}  // namespace keyhold::crypto
