#include <gtest/gtest.h>

#include "auth/token/token_auth_fixture.h"

namespace keyhold::auth {
namespace {

using test::Got;

class BatchTest : public test::TokenAuthTest {
 protected:
  Got batch(const std::string& more = "", std::optional<std::string> token = {}) {
    return create(R"({"type":"batch","policies":["box","creator"])" + more + "}", std::move(token));
  }
};

TEST_F(BatchTest, IsUsedLikeAnyOther) {
  const auto entries = [this] {
    std::size_t count = 0;
    for (const char kind : std::string_view("tlabuie")) count += core::test::count_keys(store_, std::string(1, kind));
    return count;
  };
  const std::size_t stored = entries();
  const Got made = batch(R"(,"ttl":"1h","meta":{"a":"b"})");
  EXPECT_EQ(entries(), stored) << "nothing of it is stored";
  const std::string token = made.at("client_token");
  EXPECT_TRUE(token.starts_with("hvb."));
  EXPECT_EQ(made.at("accessor"), "");
  EXPECT_EQ(made.at("token_type"), "batch");
  EXPECT_EQ(made.at("renewable"), "false");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"x"})", token).word(), "found");
  EXPECT_EQ(other_.read("box/item/a", token).at("text"), "x");
  EXPECT_EQ(node_.read("nowhere", token).word(), "denied");
  const Got self = look(token);
  EXPECT_EQ(self.at("type"), "batch");
  EXPECT_EQ(self.at("meta.a"), "b");
  EXPECT_EQ(self.at("ttl"), "3600");
  EXPECT_EQ(self.at("id"), token);
  EXPECT_EQ(ask("lookup", named("token", token)).data, self.data);
}

TEST_F(BatchTest, EndsAtItsTimeAndWithItsParent) {
  const std::string token = batch(R"(,"ttl":60)").at("client_token");
  clock_.advance_ms(59'999);
  EXPECT_TRUE(valid(token));
  clock_.advance_ms(1);
  EXPECT_FALSE(valid(token));
  // CVE-2020-25816: it must not outlive what it came from.
  const std::string parent = made(R"({"policies":["box","creator"],"ttl":"1h"})");
  const std::string below = batch("", parent).at("client_token");
  EXPECT_TRUE(valid(below));
  ask("revoke", named("token", parent));
  EXPECT_FALSE(valid(below));
  const std::string short_lived = made(R"({"policies":["box","creator"],"ttl":10})");
  const std::string longer = batch(R"(,"ttl":"1h")", short_lived).at("client_token");
  EXPECT_TRUE(valid(longer));
  clock_.advance_ms(10'000);
  EXPECT_FALSE(valid(longer));
}

TEST_F(BatchTest, WhatItCannotDoIsRefused) {
  const std::string token = batch().at("client_token");
  EXPECT_EQ(create("{}", token).word(), "invalid");
  EXPECT_EQ(ask("renew", named("token", token)).word(), "invalid");
  EXPECT_EQ(ask("revoke", named("token", token)).word(), "invalid");
  EXPECT_EQ(ask("revoke-orphan", named("token", token)).word(), "invalid");
  for (const char* more : {R"(,"period":"1h")", R"(,"num_uses":1)", R"(,"explicit_max_ttl":"1h")"}) {
    EXPECT_EQ(batch(more).word(), "invalid") << more;
  }
  EXPECT_EQ(create(R"({"type":"batch"})").word(), "invalid") << "it would be a root token";
  EXPECT_EQ(batch(R"(,"meta":{"a":")" + std::string(4'000, 'x') + R"("})").word(), "invalid") << "it would not come back";
}

TEST_F(BatchTest, NothingForgedIsTaken) {
  const std::string token = batch().at("client_token");
  for (std::size_t i = 4; i < token.size(); i += 7) {
    std::string forged = token;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(look(forged).word(), "denied") << i;
  }
  EXPECT_EQ(look("hvb.").word(), "denied");
  EXPECT_EQ(look("hvb." + std::string(300, 'A')).word(), "denied");
}

TEST_F(BatchTest, ARoleMakesThemFromTheirPlaceOnly) {
  EXPECT_EQ(ask("roles/b", R"({"token_type":"batch","allowed_policies":"box"})").word(), "invalid") << "with a parent";
  EXPECT_EQ(ask("roles/b", R"({"token_type":"batch","orphan":true,"allowed_policies":"box"})").word(), "invalid") << "renewable";
  EXPECT_EQ(ask("roles/b", R"({"token_type":"batch","orphan":true,"renewable":false,"allowed_policies":"box",
                               "token_bound_cidrs":["10.0.0.0/8"]})").word(), "empty");
  const Got made = ask("create/b", R"({"type":"service"})");
  EXPECT_EQ(made.at("token_type"), "batch") << "the role decides";
  const std::string token = made.at("client_token");
  EXPECT_EQ(node_.ask({.path = "box/item/a", .token = token, .peer = "127.0.0.1"}).word(), "denied");
  EXPECT_EQ(node_.ask({.path = "box/item/a", .token = token, .peer = "10.0.0.9"}).word(), "not-found");
}

}  // namespace
}  // namespace keyhold::auth
