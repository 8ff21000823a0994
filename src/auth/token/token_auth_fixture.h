#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "auth/token/token_auth.h"
#include "core/test_support/box_engine.h"
#include "core/test_support/test_node.h"

namespace keyhold::auth::test {

using core::test::Got;
using core::test::TestNode;

/// Two nodes on one store, each with "auth/token/" and boxes at "box/", and some policies.
class TokenAuthTest : public ::testing::Test {
 protected:
  TokenAuthTest() {
    node_.initialize();
    other_.join(node_);
    node_.put_policy("creator", R"(path "auth/token/create" { capabilities = ["update"] })");
    node_.put_policy("admin", R"(path "auth/token/*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] })");
    node_.put_policy("box", R"(path "box/*" { capabilities = ["create", "read", "update", "delete", "list"] })");
    node_.put_mount("box/", "box");
  }

  Got create(std::string body, std::optional<std::string> token = {}) {
    return node_.write("auth/token/create", std::move(body), std::move(token));
  }
  std::string made(std::string body, std::optional<std::string> token = {}) {
    const Got got = create(std::move(body), std::move(token));
    EXPECT_EQ(got.word(), "found") << (got.error ? got.error->message : "");
    return got.at("client_token");
  }
  Got look(std::string token) { return node_.read("auth/token/lookup-self", std::move(token)); }
  /// Both nodes must say so.
  bool valid(const std::string& token) {
    const bool one = look(token).word() == "found";
    EXPECT_EQ(other_.read("auth/token/lookup-self", token).word() == "found", one) << "the nodes disagree";
    return one;
  }
  Got ask(std::string_view what, std::string body, std::optional<std::string> token = {}) {
    return node_.write("auth/token/" + std::string(what), std::move(body), std::move(token));
  }
  static std::string named(std::string_view field, std::string_view value) {
    return "{\"" + std::string(field) + "\":\"" + std::string(value) + "\"}";
  }
  bool jobs_done() {
    return core::test::await([this] { return node_.node().jobs().run_all().ok() && core::test::count_keys(store_, "j") == 0; });
  }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  TokenAuth auth_;
  core::test::BoxEngine box_;
  const TestNode::AddEngines engines_ = [this](core::Router& router, core::Node&) {
    router.add("token", auth_);
    router.add("box", box_);
  };
  TestNode node_{store_, clock_, engines_, {2, nullptr}};
  TestNode other_{store_, clock_, engines_, {2, nullptr}};
};

}  // namespace keyhold::auth::test
