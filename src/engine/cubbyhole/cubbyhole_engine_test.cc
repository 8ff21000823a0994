#include "engine/cubbyhole/cubbyhole_engine.h"

#include <gtest/gtest.h>

#include "core/cubbyhole.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class CubbyholeTest : public test::EngineTest {
 protected:
  std::size_t stored(char kind) { return core::test::count_keys(memory_, core::keys::with_owner(kind, core::kCubbyholeMount)); }
  std::string liveness_of(const std::string& token) {
    core::Transaction tx = node_.transaction();
    const std::string id = node_.node().session().load()->tokens.id_of(token);
    const auto record = tx.load<core::records::Token>(core::keys::token(core::keys::kRootNamespace, id));
    return (*record)->liveness();
  }
  void revoke(const std::string& token) {
    core::Transaction tx = node_.transaction();
    const auto& tokens = node_.node().session().load()->tokens;
    EXPECT_TRUE(tokens.revoke(tx, core::keys::kRootNamespace, tokens.id_of(token)).ok());
    EXPECT_TRUE(node_.commit(tx).ok());
  }
  /// The token is gone as after its end, but no job was left for what it kept.
  void vanish(const std::string& token) {
    core::Transaction tx = node_.transaction();
    tx.erase(core::keys::liveness(core::keys::kRootNamespace, liveness_of(token)));
    tx.erase(core::keys::token(core::keys::kRootNamespace, node_.node().session().load()->tokens.id_of(token)));
    EXPECT_TRUE(node_.commit(tx).ok());
  }
  /// What the worker does that ends tokens. Returns the number of commits.
  int erase_all(const std::string& liveness) {
    for (int commits = 0;; ++commits) {
      core::Transaction tx = node_.transaction();
      const auto more = core::cubbyhole::erase_some(tx, core::kCubbyholeMount, liveness, clock_.now_ms());
      EXPECT_TRUE(more.ok());
      if (!*more) return commits;
      EXPECT_TRUE(node_.commit(tx).ok());
    }
  }

  std::string one_ = node_.token({"default"});
  std::string two_ = node_.token({"default"});
};

TEST_F(CubbyholeTest, EachTokenSeesItsOwn) {
  EXPECT_EQ(node_.write("cubbyhole/a", R"({"n":1})", one_).word(), "empty");
  EXPECT_EQ(node_.write("cubbyhole/a", R"({"n":2})", two_).word(), "empty");
  EXPECT_EQ(node_.read("cubbyhole/a", one_).data, R"({"n":1})");
  EXPECT_EQ(node_.read("cubbyhole/a", two_).data, R"({"n":2})");
  EXPECT_EQ(node_.read("cubbyhole/a").word(), "not-found") << "not even root";
  EXPECT_EQ(node_.list("cubbyhole").word(), "not-found");
  EXPECT_EQ(node_.erase("cubbyhole/a", two_).word(), "empty");
  EXPECT_EQ(node_.read("cubbyhole/a", two_).word(), "not-found");
  EXPECT_EQ(node_.read("cubbyhole/a", one_).word(), "found");
  EXPECT_EQ(node_.read("cubbyhole/a", one_).mount_type, "cubbyhole");
}

TEST_F(CubbyholeTest, TheFolderOfAnotherIsJustAName) {
  node_.write("cubbyhole/a", R"({"n":1})", one_);
  const std::string folder = core::cubbyhole::folder_of(liveness_of(one_));
  EXPECT_EQ(node_.read("cubbyhole/" + folder + "a", two_).word(), "not-found");
  EXPECT_EQ(node_.list("cubbyhole/" + folder, two_).word(), "not-found");
}

TEST_F(CubbyholeTest, ListsFolders) {
  for (const char* name : {"a", "a/x", "b/y"}) node_.write("cubbyhole/" + std::string(name), R"({"n":1})", one_);
  EXPECT_EQ(node_.list("cubbyhole", one_).at("keys"), R"(["a","a/","b/"])");
  EXPECT_EQ(node_.list("cubbyhole/b", one_).at("keys"), R"(["y"])");
  EXPECT_EQ(node_.list("cubbyhole", two_).word(), "not-found");
}

TEST_F(CubbyholeTest, ContentIsAnObjectOfSomething) {
  for (const char* body : {"", "{}", "[]", R"({"a":1,"a":2})"}) {
    EXPECT_EQ(node_.write("cubbyhole/a", body, one_).word(), "invalid") << body;
  }
  EXPECT_EQ(node_.write("cubbyhole/", R"({"a":1})", one_).word(), "not-found");
}

TEST_F(CubbyholeTest, ADeadTokenReachesNothing) {
  node_.write("cubbyhole/a", R"({"n":1})", one_);
  revoke(one_);
  EXPECT_EQ(node_.read("cubbyhole/a", one_).word(), "denied");
  EXPECT_EQ(node_.write("cubbyhole/a", R"({"n":1})", one_).word(), "denied");
}

TEST_F(CubbyholeTest, WhatAnEndedTokenKeptIsErasedInBatches) {
  for (int i = 0; i < 25; ++i) ASSERT_EQ(node_.write("cubbyhole/f/" + std::to_string(i), R"({"n":1})", one_).word(), "empty");
  ASSERT_EQ(node_.write("cubbyhole/big", R"({"k":")" + std::string(2'000'000, 'x') + R"("})", one_).word(), "empty");
  ASSERT_EQ(node_.write("cubbyhole/a", R"({"n":2})", two_).word(), "empty");
  const std::string liveness = liveness_of(one_);
  vanish(one_);
  EXPECT_EQ(erase_all(liveness), 3);
  for (const char kind : std::string("nhv")) EXPECT_EQ(stored(kind), 1u) << kind << ": of the other token";
  EXPECT_EQ(stored('x'), 0u);
  EXPECT_EQ(node_.read("cubbyhole/a", two_).data, R"({"n":2})");
  EXPECT_EQ(erase_all(liveness), 0);
}

TEST_F(CubbyholeTest, ManyBigOnesFitTheirCommits) {
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(node_.write("cubbyhole/" + std::to_string(i), R"({"k":")" + std::string(2'000'000, 'x') + R"("})", one_).word(), "empty");
  }
  EXPECT_EQ(erase_all(liveness_of(one_)), 1);
  EXPECT_EQ(stored('x'), 0u);
}

TEST_F(CubbyholeTest, TheEndOfATokenEmptiesIt) {
  for (const char* name : {"a", "b/c"}) ASSERT_EQ(node_.write(std::string("cubbyhole/") + name, R"({"n":1})", one_).word(), "empty");
  ASSERT_EQ(node_.write("cubbyhole/a", R"({"n":2})", two_).word(), "empty");
  revoke(one_);
  EXPECT_TRUE(core::test::await([&] { return stored('n') == 1; })) << "a job does it";
  EXPECT_EQ(node_.read("cubbyhole/a", two_).word(), "found");
}

TEST_F(CubbyholeTest, NothingIsKeptForATokenThatEndsWithTheRequest) {
  core::Transaction tx = node_.transaction();
  core::TokenSpec spec;
  spec.policies = {"default"};
  spec.ttl_s = 3600;
  spec.num_uses = 2;
  crypto::OsRng rng;
  const auto made = node_.node().session().load()->tokens.create(tx, std::move(spec), rng);
  ASSERT_TRUE(made.ok() && node_.commit(tx).ok());
  const std::string limited(made->token.reveal());
  EXPECT_EQ(node_.read("cubbyhole/a", limited).word(), "not-found");
  EXPECT_EQ(node_.write("cubbyhole/a", R"({"n":1})", limited).word(), "invalid");
  EXPECT_EQ(node_.read("cubbyhole/a", limited).word(), "denied");
  EXPECT_EQ(stored('n'), 0u);
}

TEST_F(CubbyholeTest, ATokenMadeAgainWithTheSameIdFindsNothing) {
  const auto make = [&] {
    core::Transaction tx = node_.transaction();
    core::TokenSpec spec;
    spec.policies = {"default"};
    spec.ttl_s = 3600;
    spec.chosen = SecretBytes::copy_of("chosen");
    crypto::OsRng rng;
    EXPECT_TRUE(node_.node().session().load()->tokens.create(tx, std::move(spec), rng).ok());
    EXPECT_TRUE(node_.commit(tx).ok());
  };
  make();
  node_.write("cubbyhole/a", R"({"n":1})", "chosen");
  revoke("chosen");
  make();
  EXPECT_EQ(node_.read("cubbyhole/a", "chosen").word(), "not-found");
}

TEST_F(CubbyholeTest, ABatchTokenHasNone) {
  core::Transaction tx = node_.transaction();
  core::TokenSpec spec;
  spec.type = core::records::Token::BATCH;
  spec.policies = {"default"};
  spec.ttl_s = 3600;
  crypto::OsRng rng;
  const auto made = node_.node().session().load()->tokens.create(tx, std::move(spec), rng);
  ASSERT_TRUE(made.ok());
  const std::string batch(made->token.reveal());
  for (const Got& got : {node_.write("cubbyhole/a", R"({"n":1})", batch), node_.read("cubbyhole/a", batch),
                         node_.erase("cubbyhole/a", batch), node_.list("cubbyhole", batch)}) {
    ASSERT_EQ(got.word(), "invalid");
    EXPECT_EQ(got.error->message, "cubbyhole operations are only supported by \"service\" type tokens");
  }
}

TEST_F(CubbyholeTest, ItCannotBeUnmountedOrCovered) {
  EXPECT_EQ(node_.erase("sys/mounts/cubbyhole").word(), "invalid");
  EXPECT_EQ(mount("cubbyhole/x").word(), "invalid");
  EXPECT_EQ(node_.read("sys/mounts").at("cubbyhole/.type"), "cubbyhole");
}

}  // namespace
}  // namespace keyhold::engine
