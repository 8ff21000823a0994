// Asks every route of every engine as everybody: what a table declares is what is enforced.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/token/token_auth.h"
#include "core/test_support/test_node.h"
#include "engine/kv/kv_engine.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::api {
namespace {

using core::Capability;
using core::Operation;
using core::RouteInfo;
using core::test::TestNode;

struct Case {
  std::string path;
  const RouteInfo* route;
  bool creates;  // The route tells create from update.
};

template <typename Engine>
void append_cases(std::vector<Case>& cases, std::string_view mount) {
  for (const auto& route : Engine::kRoutes) {
    std::string path(mount);
    path += route.info.path;
    for (std::size_t open = 0; (open = path.find('{')) != std::string::npos;) path.replace(open, path.find('}') - open + 1, "app");
    if (route.info.operation == Operation::kList) path += "/";
    cases.push_back({std::move(path), &route.info, route.exists != nullptr});
  }
}

class AuthorizationMatrix : public ::testing::Test {
 protected:
  AuthorizationMatrix() {
    node_.initialize();
    node_.put_mount("kv/", "kv");
    EXPECT_EQ(node_.write("kv/data/app", R"({"data":{}})").word(), "found");
    append_cases<engine::SysEngine>(cases_, "sys/");
    append_cases<auth::TokenAuth>(cases_, "auth/token/");
    append_cases<engine::KvEngine>(cases_, "kv/");
  }

  bool denied(const Case& c, std::string token) {
    const std::string word = node_.ask({.operation = c.route->operation, .path = c.path, .token = std::move(token)}).word();
    if (node_.node().state() == core::NodeState::kSealed) node_.unseal();
    return word == "denied";
  }
  /// Whether a token is denied whose only policy grants these on the path itself.
  bool denied_with(const Case& c, const std::vector<Capability>& capabilities) {
    std::string text = "path \"" + c.path + "\" { capabilities = [";
    for (const Capability capability : capabilities) text += "\"" + std::string(core::to_string(capability)) + "\",";
    text.back() = ']';
    node_.put_policy("matrix", text + " }");
    return denied(c, node_.token({"matrix"}));
  }
  static std::vector<Capability> all_but(Capability missing) {
    std::vector<Capability> others;
    for (const core::CapabilityName& known : core::kCapabilityNames) {
      if (known.capability != missing && known.capability != Capability::kDeny) others.push_back(known.capability);
    }
    return others;
  }
  static std::string name(const Case& c) { return std::string(core::to_string(c.route->operation)) + " " + c.path; }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  engine::KvEngine kv_;
  auth::TokenAuth token_;
  std::optional<engine::SysEngine> sys_;
  TestNode node_{store_, clock_, [this](core::Router& router, core::Node& node) {
                   sys_.emplace(node, router);
                   router.add("sys", *sys_);
                   router.add("token", token_);
                   router.add("kv", kv_);
                 }};
  std::vector<Case> cases_;
};

TEST_F(AuthorizationMatrix, HasEveryRoute) {
  EXPECT_EQ(cases_.size(), engine::SysEngine::kRoutes.size() + auth::TokenAuth::kRoutes.size() + engine::KvEngine::kRoutes.size());
}

TEST_F(AuthorizationMatrix, WithoutATokenOnlyOpenRoutesAnswer) {
  for (const Case& c : cases_) {
    EXPECT_EQ(denied(c, ""), !c.route->access.open()) << name(c);
    EXPECT_EQ(denied(c, "hvs.forged"), !c.route->access.open()) << name(c);
  }
}

TEST_F(AuthorizationMatrix, TheDefaultPolicyOnlyGivesWhatATokenMayDoWithItself) {
  const std::set<std::string_view> given{"read auth/token/lookup-self",   "update auth/token/renew-self",
                                         "update auth/token/revoke-self", "update sys/capabilities-self",
                                         "update sys/leases/lookup",      "update sys/leases/renew",
                                         "update sys/renew",              "update sys/wrapping/wrap",
                                         "update sys/wrapping/lookup",    "update sys/wrapping/unwrap",
                                         "update sys/tools/hash",         "update sys/tools/hash/app",
                                         "read sys/internal/ui/resultant-acl"};
  for (const Case& c : cases_) {
    const bool own = given.contains(name(c)) || c.path.starts_with("cubbyhole/");
    EXPECT_EQ(denied(c, node_.token({"default"})), !c.route->access.open() && !own) << name(c);
  }
}

TEST_F(AuthorizationMatrix, TheDeclaredCapabilityIsEnoughAndNeeded) {
  for (const Case& c : cases_) {
    if (c.route->access.open()) continue;
    std::vector<Capability> declared{c.route->access.capability()};
    if (c.route->access.needs_sudo()) declared.push_back(Capability::kSudo);
    EXPECT_FALSE(denied_with(c, declared)) << name(c);
    for (const Capability missing : declared) {
      // What was deleted by an earlier case is there again, so that a write is an update.
      node_.write("kv/data/app", R"({"data":{}})");
      EXPECT_TRUE(denied_with(c, all_but(missing))) << name(c) << " without " << core::to_string(missing);
    }
    declared.push_back(Capability::kDeny);
    EXPECT_TRUE(denied_with(c, declared)) << name(c);
  }
}

TEST_F(AuthorizationMatrix, WhatIsNotThereIsCreatedOnlyWithCreate) {
  int routes = 0;
  for (Case c : cases_) {
    if (!c.creates) continue;
    ++routes;
    c.path += "-new";
    EXPECT_TRUE(denied_with(c, {Capability::kUpdate})) << name(c);
    EXPECT_FALSE(denied_with(c, {Capability::kCreate})) << name(c);
  }
  EXPECT_GT(routes, 0);
}

}  // namespace
}  // namespace keyhold::api
