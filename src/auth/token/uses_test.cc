#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using test::Got;

class UsesTest : public test::TokenAuthTest {
 protected:
  UsesTest() { EXPECT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found"); }
  std::string limited(int uses) { return made(R"({"policies":["box","creator"],"num_uses":)" + std::to_string(uses) + "}"); }
};

TEST_F(UsesTest, EachRequestTakesOneAndTheLastEndsIt) {
  const std::string token = limited(3);
  EXPECT_EQ(look(token).at("num_uses"), "2");
  EXPECT_EQ(ask("lookup", named("token", token)).at("num_uses"), "2") << "somebody else's look takes none";
  EXPECT_EQ(node_.read("box/item/a", token).at("text"), "x");
  EXPECT_EQ(other_.read("box/item/a", token).at("text"), "x");
  EXPECT_EQ(node_.read("box/item/a", token).word(), "denied");
  EXPECT_EQ(ask("lookup", named("token", token)).word(), "denied");
  EXPECT_EQ(core::test::count_keys(store_, "u"), 0u);
}

TEST_F(UsesTest, TheLastUseKnowsThatItIs) { EXPECT_EQ(look(limited(1)).at("num_uses"), "-1"); }

TEST_F(UsesTest, ARequestThatFailsTakesOneToo) {
  const std::string token = limited(4);
  EXPECT_EQ(node_.read("nowhere", token).word(), "denied");
  EXPECT_EQ(node_.read("box/none", token).word(), "not-found");
  EXPECT_EQ(node_.write("box/swap/a", R"({"expect":"y","text":"z"})", token).word(), "invalid");
  EXPECT_EQ(ask("lookup", named("token", token)).at("num_uses"), "1");
  EXPECT_EQ(node_.write("box/swap/a", R"({"expect":"x","text":"z"})", token).word(), "empty");
  EXPECT_EQ(ask("lookup", named("token", token)).word(), "denied");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "z");
}

TEST_F(UsesTest, AUseIsInTheJournalBeforeItsAnswer) {
  const std::string token = limited(2);
  const Got failed = node_.read("nowhere", token);
  ASSERT_EQ(node_.records_of(failed.request_id).size(), 2u);
  const Got read = node_.read("box/item/a", token);
  ASSERT_EQ(node_.records_of(read.request_id).size(), 2u);
  EXPECT_NE(node_.records_of(read.request_id)[0].find(R"("type":"intent")"), std::string::npos);
}

TEST_F(UsesTest, ItCannotGetAroundItsLimit) {
  const std::string token = limited(2);
  EXPECT_EQ(create("{}", token).word(), "invalid") << "a child would have no limit";
  node_.put_policy("self", R"(path "auth/token/*" { capabilities = ["update"] })");
  const std::string renewing = made(R"({"policies":["self"],"num_uses":1,"ttl":60})");
  EXPECT_EQ(ask("renew-self", "{}", renewing).word(), "invalid") << "nothing is left to renew";
  EXPECT_FALSE(valid(renewing));
  const std::string revoking = made(R"({"policies":["self"],"num_uses":1})");
  EXPECT_EQ(ask("revoke-self", "{}", revoking).word(), "empty");
  EXPECT_FALSE(valid(revoking));
}

TEST_F(UsesTest, OneFromTheWrongPlaceTakesNone) {
  EXPECT_EQ(ask("roles/here", R"({"token_bound_cidrs":"10.0.0.0/8","token_num_uses":1,"allowed_policies":"box"})").word(), "empty");
  const std::string token = ask("create/here", "{}").at("client_token");
  const auto read_from = [&](const char* peer) {
    return node_.ask({.path = "box/item/a", .token = token, .peer = peer}).word();
  };
  for (const char* peer : {"127.0.0.1", "11.0.0.1", "::1", "", "::ffff:11.0.0.1"}) EXPECT_EQ(read_from(peer), "denied") << peer;
  EXPECT_EQ(read_from("::ffff:10.1.2.3"), "found");
  EXPECT_EQ(read_from("10.1.2.3"), "denied");
}

TEST_F(UsesTest, NegativeIsRefused) { EXPECT_EQ(create(R"({"num_uses":-1})").word(), "invalid"); }

}  // namespace
}  // namespace keyhold::auth
