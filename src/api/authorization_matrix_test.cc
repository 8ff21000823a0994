// Asks every route of every engine as everybody: what a table declares is what is enforced.
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "auth/access_key/access_key_auth.h"
#include "auth/token/token_auth.h"
#include "base/sanitizer_test_util.h"
#include "core/test_support/test_node.h"
#include "engine/engines.h"

namespace keyhold::api {
namespace {

using core::Capability;
using core::Operation;
using core::RouteInfo;
using core::test::Got;
using core::test::TestNode;

constexpr std::int64_t kWrapTtlS = 60;

struct Case {
  Operation operation;
  std::string path;
  const RouteInfo* route;
  bool creates;  // The route tells create from update.
};

/// Where the engines of a type are mounted here.
std::string_view mount_of(std::string_view type) {
  if (type == "system") return "sys/";
  if (type == "token") return "auth/token/";
  if (type == "access-key") return "auth/keys/";
  if (type == "kv-v1") return "kv1/";
  if (type == "kv-v2") return "kv/";
  return "cubbyhole/";
}

/// What the parameters of their paths stand for.
std::string_view target_of(std::string_view type) { return type == "access-key" ? "AKIAAUTHORIZATION" : "app"; }

void append_cases(std::vector<Case>& cases, std::string_view type, const auto& routes) {
  for (const auto& route : routes) {
    std::string path(mount_of(type));
    path += route.info.path;
    for (std::size_t open = 0; (open = path.find('{')) != std::string::npos;) {
      path.replace(open, path.find('}') - open + 1, target_of(type));
    }
    if (core::of_folder(route.info.operation)) path += "/";
    cases.push_back({route.info.operation, std::move(path), &route.info, route.exists != nullptr});
  }
}

class AuthorizationMatrix : public ::testing::Test {
 protected:
  AuthorizationMatrix() {
    node_.initialize();
    node_.put_mount("kv/", "kv-v2");
    node_.put_mount("kv1/", "kv-v1");
    node_.put_mount("auth/keys/", "access-key");
    write_targets();
    for_each_table([this](std::string_view type, const auto& routes) { append_cases(cases_, type, routes); });
  }

  static void for_each_table(const auto& visit) {
    engine::Engines::for_each_table(visit);
    visit("token", auth::TokenAuth::kRoutes);
    visit("access-key", auth::AccessKeyAuth::kRoutes);
  }

  /// What the routes are about: an update of it is no creation.
  void write_targets() {
    EXPECT_EQ(node_.write("kv/data/app", R"({"data":{}})").word(), "found");
    EXPECT_EQ(node_.write("kv1/app", R"({"a":1})").word(), "empty");
    EXPECT_EQ(node_.write("auth/token/roles/app", "{}").word(), "empty");
    EXPECT_EQ(node_.write("sys/rotators/app", R"({"type":"random"})").word(), "empty");
    const std::string key = "auth/keys/key/" + std::string(target_of("access-key"));
    node_.erase(key);
    EXPECT_EQ(node_.write(key, R"({"secret_access_key":"0123456789abcdef"})").word(), "found");
    const std::string role = "auth/keys/role/" + std::string(target_of("access-key"));
    EXPECT_EQ(node_.write(role, R"json({"trust_policy":"{\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\"}}"})json").word(), "empty");
  }
  Got ask(const Case& c, std::string token, std::optional<std::int64_t> wrap_ttl_s = {}) {
    Got got = node_.ask({.operation = c.operation, .path = c.path, .token = std::move(token), .wrap_ttl_s = wrap_ttl_s});
    if (node_.node().state() == core::NodeState::kSealed) node_.unseal();
    return got;
  }
  bool allowed(const Case& c, std::string token) { return ask(c, std::move(token)).word() != "denied"; }
  /// Both as it is and when the answer is to be wrapped: then nothing waits in a token for whoever may not see it.
  bool denied(const Case& c, const std::string& token) {
    if (allowed(c, token)) return false;
    const std::size_t tokens = core::test::count_keys(store_, "t");
    EXPECT_EQ(ask(c, token, kWrapTtlS).word(), "denied") << name(c) << " wrapped";
    EXPECT_EQ(core::test::count_keys(store_, "t"), tokens) << name(c);
    return true;
  }
  /// A token whose only policy grants these on the path itself.
  std::string token_with(const Case& c, const std::vector<Capability>& capabilities) {
    std::string text = "path \"" + c.path + "\" { capabilities = [";
    for (const Capability capability : capabilities) text += "\"" + std::string(core::to_string(capability)) + "\",";
    text.back() = ']';
    node_.put_policy("matrix", text + " }");
    return node_.token({"matrix"});
  }
  bool denied_with(const Case& c, const std::vector<Capability>& capabilities) { return denied(c, token_with(c, capabilities)); }
  static std::vector<Capability> all_but(Capability missing) {
    std::vector<Capability> others;
    for (const core::CapabilityName& known : core::kCapabilityNames) {
      if (known.capability != missing && known.capability != Capability::kDeny) others.push_back(known.capability);
    }
    return others;
  }
  /// A token is optional: what is told to whom, visible_mounts_test.cc checks.
  static bool handler_decides(const Case& c) { return c.route->access.open() && c.route->access.takes_token(); }
  static std::string name(const Case& c) { return std::string(core::to_string(c.operation)) + " " + c.path; }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  auth::TokenAuth token_;
  auth::AccessKeyAuth access_key_;
  std::optional<engine::Engines> engines_;
  TestNode node_{store_, clock_, [this](core::Router& router, core::Node& node) {
                   engines_.emplace(node, router);
                   engines_->add_to(router);
                   router.add("token", token_);
                   router.add("access-key", access_key_, core::MountKind::kAuth);
                 }};
  std::vector<Case> cases_;
};

TEST_F(AuthorizationMatrix, HasEveryRoute) {
  std::size_t routes = 0;
  for_each_table([&routes](std::string_view, const auto& table) { routes += table.size(); });
  EXPECT_EQ(cases_.size(), routes);
}

TEST_F(AuthorizationMatrix, WithoutATokenOnlyOpenRoutesAnswer) {
  for (const Case& c : cases_) {
    EXPECT_TRUE(handler_decides(c) || denied(c, "") == !c.route->access.open()) << name(c);
    // Where a wrapping token is asked for, one that is none is said to be that.
    EXPECT_EQ(denied(c, "hvs.forged"), c.route->access.takes_token() && !c.route->access.takes_wrapping_token()) << name(c);
  }
}

TEST_F(AuthorizationMatrix, NothingIsWrappedForAStranger) {
  for (const Case& c : cases_) EXPECT_EQ(ask(c, "", kWrapTtlS).wrapping_token, "") << name(c) << ": a write for anybody";
}

TEST_F(AuthorizationMatrix, APolicyForOtherPathsGivesNothing) {
  std::string everything;
  for (const Capability capability : all_but(Capability::kDeny)) everything += "\"" + std::string(core::to_string(capability)) + "\",";
  node_.put_policy("elsewhere", "path \"elsewhere/*\" { capabilities = [" + everything + "] }");
  for (const Case& c : cases_) {
    EXPECT_TRUE(handler_decides(c) || denied(c, node_.token({"elsewhere"})) == !c.route->access.open()) << name(c);
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
    if (handler_decides(c)) continue;
    const bool own = given.contains(name(c)) || c.path.starts_with("cubbyhole/");
    EXPECT_EQ(denied(c, node_.token({"default"})), !c.route->access.open() && !own) << name(c);
  }
}

TEST_F(AuthorizationMatrix, TheDeclaredCapabilityIsEnoughAndNeeded) {
  for (const Case& c : cases_) {
    if (c.route->access.open()) continue;
    // A cubbyhole is empty when its token is new: nothing in it can be updated yet.
    const bool creates = c.creates && c.path.starts_with("cubbyhole/");
    std::vector<Capability> declared{creates ? Capability::kCreate : c.route->access.capability()};
    if (c.route->access.needs_sudo()) declared.push_back(Capability::kSudo);
    write_targets();
    EXPECT_TRUE(allowed(c, token_with(c, declared))) << name(c);
    write_targets();
    EXPECT_NE(ask(c, token_with(c, declared), kWrapTtlS).word(), "denied") << name(c) << " wrapped";
    EXPECT_TRUE(!c.route->access.needs_sudo() || denied_with(c, {declared[0]})) << name(c) << " without sudo";
    for (const Capability missing : declared) {
      write_targets();
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
    EXPECT_TRUE(allowed(c, token_with(c, {Capability::kCreate}))) << name(c);
  }
  EXPECT_GT(routes, 0);
}

TEST_F(AuthorizationMatrix, HelpIsForWhoeverMayDoAnythingAtThePath) {
  node_.put_policy("elsewhere", "path \"elsewhere/*\" { capabilities = [\"read\", \"list\", \"sudo\"] }");
  for (Case c : cases_) {
    c.operation = Operation::kHelp;
    for (const std::string& token : {std::string(), std::string("hvs.forged"), node_.token({"elsewhere"})}) {
      EXPECT_TRUE(denied(c, token)) << name(c);
    }
    for (const Capability any : kSanitized ? std::vector{Capability::kPatch} : all_but(Capability::kDeny)) {
      EXPECT_EQ(ask(c, token_with(c, {any})).word(), "found") << name(c) << " with " << core::to_string(any);
    }
    EXPECT_FALSE(ask(c, token_with(c, {Capability::kRead}), kWrapTtlS).wrapping_token.empty()) << name(c);
    EXPECT_TRUE(denied_with(c, {Capability::kRead, Capability::kDeny})) << name(c);
  }
}

}  // namespace
}  // namespace keyhold::api
