// Fifty clients at once, on two nodes.
#include <gtest/gtest.h>

#include <future>
#include <map>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using core::Operation;
using core::test::Ask;
using test::Got;

class RaceTest : public test::TokenAuthTest {
 protected:
  static constexpr int kClients = 50;

  /// Asks all at once; what came back, by word.
  std::map<std::string, int> race(const std::function<Ask(int)>& ask_of) {
    std::vector<std::future<Got>> waiting;
    for (int i = 0; i < kClients; ++i) {
      waiting.push_back((i % 2 == 0 ? node_ : other_).ask_later(ask_of(i), i / 2 % 2));
    }
    std::map<std::string, int> words;
    for (auto& got : waiting) ++words[got.get().word()];
    return words;
  }
};

TEST_F(RaceTest, ExactlyAsManyUsesAsThereAre) {
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  for (const int uses : {1, 7, 49}) {
    const std::string token = made(R"({"policies":["box"],"num_uses":)" + std::to_string(uses) + "}");
    const auto words = race([&](int i) { return Ask{.path = i % 3 == 0 ? "box/slow/a" : "box/item/a", .token = token}; });
    EXPECT_EQ(words, (std::map<std::string, int>{{"found", uses}, {"denied", kClients - uses}}));
  }
}

TEST_F(RaceTest, WritesOfALimitedTokenHappenAsOftenAsItsUses) {
  const std::string token = made(R"({"policies":["box"],"num_uses":10})");
  const auto words = race([&](int) {
    return Ask{.operation = Operation::kUpdate, .path = "box/count/a", .token = token};
  });
  EXPECT_EQ(words, (std::map<std::string, int>{{"empty", 10}, {"denied", kClients - 10}}));
  EXPECT_EQ(node_.read("box/item/a").at("text"), "10");
}

TEST_F(RaceTest, AfterARevocationIsAnsweredNothingOfItIsUsed) {
  for (int round = 0; round < 20; ++round) {
    const std::string parent = made(R"({"policies":["creator","box"]})");
    const std::string child = made("{}", parent);
    std::vector<std::future<Got>> before;
    for (int i = 0; i < kClients; ++i) {
      const bool creates = i % 2 == 1;
      Ask use{.operation = creates ? Operation::kUpdate : Operation::kRead,
              .path = creates ? "auth/token/create" : "auth/token/lookup-self",
              .token = i % 4 < 2 ? parent : child,
              .body = creates ? "{}" : ""};
      before.push_back((i % 3 == 0 ? other_ : node_).ask_later(std::move(use), i % 2));
    }
    EXPECT_EQ(other_.write("auth/token/revoke", named("token", parent)).word(), "empty");
    EXPECT_FALSE(valid(parent));
    EXPECT_FALSE(valid(child));
    for (auto& answer : before) {
      const Got got = answer.get();
      EXPECT_TRUE(got.word() == "found" || got.word() == "denied") << got.word();
      // Whatever was made below it before it ended has ended with it.
      const bool made_one = got.word() == "found" && got.at("client_token") != "(none)";
      EXPECT_FALSE(made_one && valid(got.at("client_token")));
    }
  }
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(core::test::count_keys(store_, "t"), 1u) << "only the root token is left";
  EXPECT_EQ(core::test::count_keys(store_, "b"), 0u);
}

TEST_F(RaceTest, ChildrenMadeWhileTheirParentLetsGoAreChildrenOrNothing) {
  for (int round = 0; round < 10; ++round) {
    const std::string top = made(R"({"policies":["creator"]})");
    const std::string middle = made("{}", top);
    std::vector<std::future<Got>> making;
    for (int i = 0; i < kClients; ++i) {
      making.push_back((i % 2 == 0 ? node_ : other_)
                           .ask_later({.operation = Operation::kUpdate, .path = "auth/token/create", .token = middle, .body = "{}"}, i / 2 % 2));
    }
    EXPECT_EQ(ask("revoke-orphan", named("token", middle)).word(), "empty");
    ASSERT_TRUE(jobs_done());
    EXPECT_EQ(ask("revoke", named("token", top)).word(), "empty");
    for (auto& answer : making) {
      const Got got = answer.get();
      if (got.word() == "found") {
        EXPECT_TRUE(valid(got.at("client_token")));
        EXPECT_EQ(look(got.at("client_token")).at("orphan"), "true");
      } else {
        EXPECT_EQ(got.word(), "denied");
      }
    }
  }
}

TEST_F(RaceTest, RenewalsAndChildrenDoNotRefuseEachOther) {
  const std::string token = made(R"({"policies":["creator"],"ttl":"1h"})");
  const auto words = race([&](int i) {
    return i % 2 == 0 ? Ask{.operation = Operation::kUpdate, .path = "auth/token/renew", .body = named("token", token)}
                      : Ask{.operation = Operation::kUpdate, .path = "auth/token/create", .token = token, .body = "{}"};
  });
  EXPECT_EQ(words, (std::map<std::string, int>{{"found", kClients}}));
}

}  // namespace
}  // namespace keyhold::auth
