#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "core/test_support/test_node.h"

namespace keyhold::core::test {

/// Tokens made and ended past the Gate, on two nodes that share a store.
class TokenFixture : public ::testing::Test {
 protected:
  TokenFixture() {
    node_.initialize();
    other_.join(node_);
  }

  static const TokenStore& tokens(TestNode& node) { return node.node().session().load()->tokens; }
  const TokenStore& tokens() { return tokens(node_); }

  NewToken create(TokenSpec spec) {
    Transaction tx = node_.transaction();
    auto made = tokens().create(tx, std::move(spec), rng_);
    CHECK(made.ok() && node_.commit(tx).ok());
    return std::move(made).value();
  }
  static TokenSpec living(std::int64_t ttl_s) {
    TokenSpec spec;
    spec.policies = {"default"};
    spec.ttl_s = ttl_s;
    return spec;
  }
  TokenSpec below(const NewToken& parent, std::int64_t ttl_s = 100) {
    TokenSpec spec = living(ttl_s);
    spec.parent = id(parent);
    spec.ancestors.push_back(parent.record.liveness());
    for (const std::string& ancestor : parent.record.ancestors()) spec.ancestors.push_back(ancestor);
    return spec;
  }
  NewToken child_of(const NewToken& parent, std::int64_t ttl_s = 100) { return create(below(parent, ttl_s)); }
  NewToken batch_below(const NewToken& parent) {
    TokenSpec spec = below(parent);
    spec.type = records::Token::BATCH;
    return create(std::move(spec));
  }
  std::string id(const NewToken& token) { return tokens().id_of(token.token.reveal()); }

  /// As both nodes see it.
  bool valid(std::string_view token) {
    const bool one = valid_at(node_, token);
    EXPECT_EQ(valid_at(other_, token), one) << "the nodes disagree";
    return one;
  }
  /// Looked for again when a job changed it meanwhile, as the Gate does.
  static bool valid_at(TestNode& node, std::string_view token) {
    for (;;) {
      Transaction tx = node.transaction();
      const auto found = tokens(node).find_presented(tx, keys::kRootNamespace, token);
      if (!found.ok() && found.code() == Code::kConflict) continue;
      EXPECT_TRUE(found.ok() || found.code() == Code::kDenied);
      return found.ok();
    }
  }
  bool valid(const NewToken& token) { return valid(token.token.reveal()); }

  void revoke(const NewToken& token) {
    Transaction tx = node_.transaction();
    ASSERT_TRUE(tokens().revoke(tx, keys::kRootNamespace, id(token)).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  void revoke_orphaning(const NewToken& token) {
    Transaction tx = node_.transaction();
    ASSERT_TRUE(tokens().revoke_orphaning(tx, keys::kRootNamespace, id(token)).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  /// Entries of a kind: 't' tokens, 'l' livenesses, ….
  std::size_t count(char kind) { return count_keys(store_, std::string(1, kind)); }
  /// Of all that belongs to tokens, but the root token's three.
  std::size_t token_entries() {
    std::size_t entries = 0;
    for (const char kind : std::string_view("tlabuie")) entries += count(kind);
    return entries - 3;
  }
  bool jobs_done() {
    return await([this] { return node_.node().jobs().run_all().ok() && count('j') == 0; });
  }

  FakeClock clock_;
  crypto::SeededRng rng_{1};
  storage::MemoryStorage store_{clock_};
  TestNode node_{store_, clock_, [](Router&, Node&) {}};
  TestNode other_{store_, clock_, [](Router&, Node&) {}};
};

}  // namespace keyhold::core::test
