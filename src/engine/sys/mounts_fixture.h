#pragma once

#include <string>

#include "core/test_support/badge_auth.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine::test {

/// A node with all engines of this folder and an auth method of the type "badge", and a second node on its store.
class MountsTest : public ::testing::Test {
 protected:
  MountsTest() {
    node_.initialize();
    other_.node.join(node_);
    EXPECT_EQ(node_.write("sys/mounts/kv", R"({"type":"kv-v2"})").word(), "empty");
  }

  Got tune(const std::string& path, const std::string& body) { return node_.write("sys/mounts/" + path + "/tune", body); }
  Got tuning(const std::string& path) { return node_.read("sys/mounts/" + path + "/tune"); }
  Got enable(const std::string& path, const std::string& body = R"({"type":"badge"})") { return node_.write("sys/auth/" + path, body); }
  std::string login(const std::string& path, const std::string& body = R"({"policies":"reader"})") {
    const Got got = node_.write("auth/" + path + "/login", body, "");
    EXPECT_EQ(got.word(), "found") << (got.error ? got.error->message : "");
    return got.at("client_token");
  }
  Got remount(const std::string& from, const std::string& to) {
    return node_.write("sys/remount", R"({"from":")" + from + R"(","to":")" + to + "\"}");
  }
  static std::string said(const Got& got) { return got.error ? got.error->message : "(no error)"; }
  std::string with_policy(std::string_view text) {
    node_.put_policy("given", text);
    return node_.token({"given"});
  }
  bool jobs_done() {
    return core::test::await([&] { return core::test::count_keys(memory_, core::keys::kJobKind) == 0; });
  }

  /// Another node, with its own engines.
  struct Node {
    Node(storage::Storage& store, const Clock& clock)
        : node(store, clock, [this](core::Router& router, core::Node& own) {
            engines.emplace(own, router, ServerFacts{});
            engines->add_to(router);
            router.add("badge", badge, core::MountKind::kAuth);
          }) {}
    std::optional<Engines> engines;
    core::test::BadgeAuth badge;
    TestNode node;
  };

  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  Node first_{memory_, clock_};
  Node other_{memory_, clock_};
  TestNode& node_ = first_.node;
};

}  // namespace keyhold::engine::test
