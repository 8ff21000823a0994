// What is set of the mount "auth/token/" holds for the tokens that it gives out.
#include <gtest/gtest.h>

#include <optional>

#include "auth/token/token_auth.h"
#include "core/test_support/test_node.h"
#include "engine/engines.h"

namespace keyhold::api {
namespace {

using core::test::Got;

class TokenMount : public ::testing::Test {
 protected:
  TokenMount() { node_.initialize(); }
  Got create(const std::string& body) { return node_.write("auth/token/create", body); }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  auth::TokenAuth token_;
  std::optional<engine::Engines> engines_;
  core::test::TestNode node_{store_, clock_, [this](core::Router& router, core::Node& node) {
                               engines_.emplace(node, router);
                               engines_->add_to(router);
                               router.add("token", token_);
                             }};
};

TEST_F(TokenMount, ItsTuningBoundsTokens) {
  const std::string before = create(R"({"policies":["default"]})").at("client_token");
  ASSERT_EQ(node_.write("sys/auth/token/tune", R"({"default_lease_ttl":"10m","max_lease_ttl":"1h"})").word(), "empty");
  EXPECT_EQ(create(R"({"policies":["default"]})").at("lease_duration"), "600");
  const Got longer = create(R"({"policies":["default"],"ttl":"2h"})");
  EXPECT_EQ(longer.at("lease_duration"), "3600");
  ASSERT_EQ(longer.warnings.size(), 1u);
  EXPECT_NE(longer.warnings[0].find("exceeded the effective max_ttl"), std::string::npos);
  EXPECT_EQ(node_.write("auth/token/renew-self", R"({"increment":"100h"})", before).at("lease_duration"), "3600");
  ASSERT_EQ(node_.write("sys/mounts/auth/token/tune", R"({"default_lease_ttl":"system","max_lease_ttl":"system"})").word(), "empty");
  EXPECT_EQ(create(R"({"policies":["default"]})").at("lease_duration"), "2764800");
}

TEST_F(TokenMount, IsToldAsItsOwnType) {
  EXPECT_EQ(node_.read("auth/token/lookup-self").mount_type, "token");
  EXPECT_EQ(node_.read("sys/mounts").mount_type, "system");
  EXPECT_EQ(node_.read("cubbyhole/none").mount_type, "cubbyhole");
}

}  // namespace
}  // namespace keyhold::api
