#include "core/token.h"

#include "core/test_support/test_tokens.h"

namespace keyhold::core {
namespace {

using TokenTest = test::TokenFixture;

TEST_F(TokenTest, IsFoundWithWhatItWasMadeWith) {
  TokenSpec spec = living(60);
  spec.display_name = "token-app";
  spec.metadata = {{"team", "db"}};
  spec.renewable = true;
  const NewToken made = create(std::move(spec));
  EXPECT_TRUE(made.token.reveal().starts_with("hvs."));
  EXPECT_EQ(made.token.size(), 4 + 43u);

  Transaction tx = node_.transaction();
  const auto state = tokens().find(tx, keys::kRootNamespace, id(made));
  ASSERT_TRUE(state.ok());
  const auto* found = &state->record;
  EXPECT_EQ((*found)->accessor(), made.accessor);
  EXPECT_EQ((*found)->display_name(), "token-app");
  EXPECT_EQ((*found)->metadata().at("team"), "db");
  EXPECT_EQ((*found)->expires_ms(), clock_.now_ms() + 60'000);
  EXPECT_TRUE((*found)->renewable());
  EXPECT_TRUE((*found)->orphan());
}

TEST_F(TokenTest, EndsAtItsTime) {
  const NewToken made = create(living(60));
  clock_.advance_ms(59'999);
  EXPECT_TRUE(valid(made));
  clock_.advance_ms(1);
  EXPECT_FALSE(valid(made));
}

TEST_F(TokenTest, WithoutATimeItDoesNotEnd) {
  const NewToken made = create(living(0));
  clock_.advance_ms(100ll * 365 * 24 * 3600 * 1000);
  EXPECT_TRUE(valid(made));
}

TEST_F(TokenTest, RevokedItIsGoneAndSoIsAllBelowIt) {
  const NewToken parent = create(living(100));
  const NewToken child = child_of(parent);
  const NewToken grandchild = child_of(child);
  const NewToken orphan = create(living(100));
  EXPECT_TRUE(valid(grandchild));
  revoke(parent);
  EXPECT_FALSE(valid(parent));
  EXPECT_FALSE(valid(child));
  EXPECT_FALSE(valid(grandchild));
  EXPECT_TRUE(valid(orphan));
}

TEST_F(TokenTest, AParentThatExpiresEndsItsChildren) {
  const NewToken parent = create(living(10));
  const NewToken child = child_of(parent, 1'000);
  clock_.advance_ms(10'000);
  EXPECT_FALSE(valid(child));
}

TEST_F(TokenTest, MadeAgainWithItsChosenIdItDoesNotBringBackItsChildren) {
  TokenSpec chosen = living(0);
  chosen.chosen = SecretBytes::copy_of("chosen by the operator");
  const NewToken parent = create(std::move(chosen));
  const NewToken child = child_of(parent);
  revoke(parent);
  TokenSpec again = living(0);
  again.chosen = SecretBytes::copy_of("chosen by the operator");
  EXPECT_TRUE(valid(create(std::move(again))));
  EXPECT_FALSE(valid(child));
}

TEST_F(TokenTest, AChosenIdInUseIsRefused) {
  TokenSpec chosen = living(0);
  chosen.chosen = SecretBytes::copy_of("mine");
  create(std::move(chosen));
  Transaction tx = node_.transaction();
  TokenSpec again = living(0);
  again.chosen = SecretBytes::copy_of("mine");
  const auto made = tokens().create(tx, std::move(again), rng_);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.code(), Code::kInvalid);
}

TEST_F(TokenTest, ForgedTokensAreDenied) {
  const NewToken made = create(living(100));
  const std::string token(made.token.reveal());
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string forged = token;
    forged[i] = static_cast<char>(forged[i] ^ 1);
    EXPECT_FALSE(valid(forged)) << i;
  }
  EXPECT_FALSE(valid(token.substr(0, token.size() - 1)));
  EXPECT_FALSE(valid(token + "a"));
  EXPECT_FALSE(valid(""));
  EXPECT_FALSE(valid(made.accessor));
}

// CVE-2026-40264 and its kin: neither an id nor an accessor reaches into another namespace.
TEST_F(TokenTest, AnotherNamespaceDoesNotKnowIt) {
  const NewToken made = create(living(100));
  TokenSpec spec = living(100);
  spec.type = records::Token::BATCH;
  const NewToken batch = create(std::move(spec));
  constexpr keys::NamespaceId kOther = keys::kRootNamespace + 1;
  Transaction tx = node_.transaction();
  EXPECT_TRUE(tokens().find_accessor(tx, keys::kRootNamespace, made.accessor).ok());
  EXPECT_FALSE(tokens().find(tx, kOther, id(made)).ok());
  EXPECT_FALSE(tokens().find_accessor(tx, kOther, made.accessor).ok());
  EXPECT_FALSE(tokens().find_presented(tx, kOther, batch.token.reveal()).ok());
  EXPECT_FALSE(tokens().revoke(tx, kOther, id(made)).ok());
  EXPECT_FALSE(tx.writes());
}

TEST_F(TokenTest, NothingOfItIsInTheStore) {
  const NewToken made = create(living(100));
  const std::string bytes = test::all_bytes(store_);
  const std::string token(made.token.reveal());
  EXPECT_EQ(bytes.find(token.substr(4, 8)), std::string::npos);
  EXPECT_EQ(bytes.find(made.accessor.substr(0, 8)), std::string::npos);
}

TEST_F(TokenTest, Bounds) {
  const auto refused = [this](TokenSpec spec) {
    Transaction tx = node_.transaction();
    const auto made = tokens().create(tx, std::move(spec), rng_);
    return !made.ok() && made.code() == Code::kInvalid;
  };
  TokenSpec spec = living(1);
  spec.ancestors.assign(TokenStore::kAncestorsMax + 1, "x");
  EXPECT_TRUE(refused(std::move(spec)));
  spec = living(1);
  spec.display_name.assign(TokenStore::kDisplayNameBytesMax + 1, 'x');
  EXPECT_TRUE(refused(std::move(spec)));
  spec = living(1);
  spec.policies.assign(TokenStore::kPoliciesMax + 1, "x");
  EXPECT_TRUE(refused(std::move(spec)));
  spec = living(1);
  spec.metadata["x"] = std::string(TokenStore::kMetadataBytesMax, 'x');
  EXPECT_TRUE(refused(std::move(spec)));
  spec = living(1);
  spec.chosen = SecretBytes::zeroed(1'000);
  EXPECT_TRUE(refused(std::move(spec)));
}

}  // namespace
}  // namespace keyhold::core
