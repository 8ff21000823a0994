// The whole server over real HTTP: what no part can show alone.
#include "server/keyhold_server.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "base/json.h"
#include "core/test_support/test_node.h"
#include "http/test_support.h"

namespace keyhold::server {
namespace {

using http::test::Client;
using http::test::Reply;

class KeyholdServerTest : public ::testing::Test {
 protected:
  KeyholdServerTest() {
    Settings settings;
    settings.store = Settings::Store::kMemory;
    settings.journal.directory = directory_.path() + "/audit";
    settings.facts = {"inmem", "prod"};
    settings.listeners = {http::ListenerOptions{.host = "127.0.0.1"}};
    auto started = KeyholdServer::start(std::move(settings));
    CHECK(started.ok());
    server_ = std::move(*started);
  }

  void initialize() {
    auto keys = server_->node().initialize(1, 1);
    ASSERT_TRUE(keys.ok());
    ASSERT_TRUE(server_->node().unseal(keys->shares.front()).ok());
    token_ = keys->root_token.reveal();
    EXPECT_EQ(ask("POST", "/v1/sys/mounts/kv", R"({"type":"kv-v2"})").status, 204);
  }
  std::string request(std::string_view method, std::string_view target, std::string_view body = {}) const {
    std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n";
    if (!token_.empty()) text += "X-Vault-Token: " + token_ + "\r\n";
    if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + std::string(body);
  }
  Reply ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    Client client(server_->port(0));
    return client.ask(request(method, target, body));
  }
  static bool has(const Reply& reply, std::string_view text) { return reply.head.find(text) != std::string::npos; }

  core::test::TemporaryDirectory directory_;
  std::unique_ptr<KeyholdServer> server_;
  std::string token_;
};

TEST(KeyholdServerStart, AnErrorNamesThePlace) {
  const core::test::TemporaryDirectory directory;
  const std::string occupied = directory.path() + "/file";
  std::ofstream(occupied) << "not a directory";
  Settings settings;
  settings.store_path = occupied;
  settings.journal.directory = directory.path() + "/audit";
  EXPECT_NE(KeyholdServer::start(settings).error().message.find(occupied), std::string::npos);
  settings.store = Settings::Store::kMemory;
  settings.journal.directory = occupied;
  EXPECT_NE(KeyholdServer::start(settings).error().message.find(occupied), std::string::npos);
}

TEST_F(KeyholdServerTest, HealthFollowsTheState) {
  EXPECT_EQ(ask("GET", "/v1/sys/health").status, 501);
  EXPECT_EQ(ask("GET", "/v1/sys/health?uninitcode=299").status, 299);
  initialize();
  EXPECT_EQ(ask("GET", "/v1/sys/health").status, 200);
  EXPECT_EQ(ask("GET", "/v1/sys/health?activecode=204").body, "");
  server_->node().seal();
  EXPECT_EQ(ask("GET", "/v1/sys/health").status, 503);
}

TEST_F(KeyholdServerTest, StatusNamesTheClusterWhileUnsealed) {
  const auto member = [](const Reply& reply, std::string_view name) -> std::string {
    const auto document = json::Document::parse(reply.body);
    const auto value = document.ok() ? document->root().find(name) : std::nullopt;
    return value && value->is_string() ? value->as_string().value() : "(none)";
  };
  EXPECT_EQ(member(ask("GET", "/v1/sys/seal-status"), "cluster_id"), "(none)");
  initialize();
  const Reply status = ask("GET", "/v1/sys/seal-status");
  EXPECT_EQ(member(status, "storage_type"), "inmem");
  EXPECT_EQ(member(status, "cluster_name"), "prod");
  EXPECT_EQ(member(status, "cluster_id").size(), 36u);
  EXPECT_EQ(member(ask("GET", "/v1/sys/health"), "cluster_name"), "prod");
  EXPECT_EQ(member(ask("GET", "/v1/sys/health"), "cluster_id"), member(status, "cluster_id"));
  server_->node().seal();
  EXPECT_EQ(member(ask("GET", "/v1/sys/health"), "cluster_id"), "(none)");
}

TEST_F(KeyholdServerTest, HeadAnswersTheHeadOfGet) {
  initialize();
  ASSERT_EQ(ask("POST", "/v1/kv/data/a", R"({"data":{"password":"hunter2"}})").status, 200);
  Client client(server_->port(0));
  ASSERT_TRUE(client.send(request("HEAD", "/v1/kv/data/a")));
  const Reply head = client.read_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.head.find("hunter2"), std::string::npos);
  // No body came in between: the connection is still in step.
  const Reply get = client.ask(request("GET", "/v1/kv/data/a"));
  EXPECT_EQ(get.status, 200);
  EXPECT_NE(get.body.find("hunter2"), std::string::npos);
  ASSERT_TRUE(client.send(request("HEAD", "/v1/sys/health")));
  EXPECT_EQ(client.read_head().status, 200);
}

TEST_F(KeyholdServerTest, NoAnswerMayBeCached) {
  initialize();
  for (const Reply& reply : {ask("GET", "/v1/kv/data/none"), ask("POST", "/v1/kv/data/a", R"({"data":{}})"), ask("GET", "/v1/kv/data/a"),
                             ask("DELETE", "/v1/kv/data/a"), ask("GET", "/v1/sys/health"), ask("GET", "/nowhere"), ask("BREW", "/v1/a")}) {
    EXPECT_TRUE(has(reply, "Cache-Control: no-store\r\n")) << reply.head;
    EXPECT_TRUE(has(reply, "X-Content-Type-Options: nosniff\r\n")) << reply.head;
  }
}

TEST_F(KeyholdServerTest, ErrorsHaveVaultsShape) {
  initialize();
  EXPECT_EQ(ask("GET", "/v1/kv/data/none").body, "{\"errors\":[]}\n");
  EXPECT_EQ(ask("BREW", "/v1/a").status, 405);
  EXPECT_EQ(ask("GET", "/v1/a//b").status, 400);
  EXPECT_EQ(ask("GET", "/elsewhere").status, 404);
  token_ = "hvs.forged";
  const Reply denied = ask("GET", "/v1/kv/data/a");
  EXPECT_EQ(denied.status, 403);
  EXPECT_EQ(denied.body, "{\"errors\":[\"permission denied\"]}\n");
}

TEST_F(KeyholdServerTest, AConnectionThatChangesItsTokenChangesItsRights) {
  initialize();
  ASSERT_EQ(ask("POST", "/v1/kv/data/a", R"({"data":{}})").status, 200);
  Client client(server_->port(0));
  const std::string good = request("GET", "/v1/kv/data/a");
  EXPECT_EQ(client.ask(good).status, 200);
  token_ = "hvs.forged";
  EXPECT_EQ(client.ask(request("GET", "/v1/kv/data/a")).status, 403);
  EXPECT_EQ(client.ask(good).status, 200);
  token_.clear();
  EXPECT_EQ(client.ask(request("GET", "/v1/kv/data/a")).status, 403);
}

TEST_F(KeyholdServerTest, SealingHoldsForTheNextRequest) {
  initialize();
  ASSERT_EQ(ask("POST", "/v1/kv/data/a", R"({"data":{}})").status, 200);
  EXPECT_EQ(ask("PUT", "/v1/sys/seal").status, 204);
  EXPECT_EQ(ask("GET", "/v1/kv/data/a").status, 503);
}

}  // namespace
}  // namespace keyhold::server
