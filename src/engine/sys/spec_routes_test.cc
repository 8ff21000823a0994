#include "engine/sys/spec_routes.h"

#include <set>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using core::Operation;
using test::Got;

class SpecRoutesTest : public test::EngineTest {
 protected:
  Got help(const std::string& path, std::optional<std::string> token = {}) {
    return node_.ask({.operation = Operation::kHelp, .path = path, .token = std::move(token)});
  }
};

TEST_F(SpecRoutesTest, EveryRouteIsInTheDocument) {
  const Got got = node_.read("sys/internal/specs/openapi");
  const auto document = json::Document::parse(got.data);
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(got.at("openapi"), "3.0.2");
  const auto paths = document->root().find("paths");
  ASSERT_TRUE(paths);
  std::set<std::string> ids;
  std::size_t operations = 0;
  for (std::size_t i = 0; i < paths->size(); ++i) {
    for (const char* method : {"get", "post", "patch", "delete"}) {
      const auto operation = paths->at(i).find(method);
      if (!operation) continue;
      ++operations;
      EXPECT_TRUE(ids.insert(operation->find("operationId")->as_string().value()).second) << operation->raw();
      EXPECT_TRUE(operation->find("summary")->raw().size() > 4) << operation->raw();
    }
  }
  std::size_t routes = 0;
  Engines::for_each_table([&](std::string_view type, const auto& table) {
    if (type == "kv-v1") return;  // Not mounted here.
    const std::string mount = type == "system" ? "/sys/" : type == "kv-v2" ? "/kv/" : "/cubbyhole/";
    for (const auto& route : table) {
      std::string path = mount + std::string(route.info.path);
      for (std::size_t at = 0; (at = path.find("...}")) != std::string::npos;) path.erase(at, 3);
      if (core::of_folder(route.info.operation) && !path.ends_with('/')) path += "/";
      EXPECT_TRUE(paths->find(path)) << path;
      routes += route.info.operation != Operation::kScan || path.find("metadata") == std::string::npos;
    }
  });
  EXPECT_LE(operations, routes);
  EXPECT_GT(operations, 80u);
}

TEST_F(SpecRoutesTest, ItSaysWhatARouteIs) {
  const Got got = node_.read("sys/internal/specs/openapi");
  const auto member = [&got](std::string_view path, std::string_view name) {
    const auto document = json::Document::parse(got.data);
    const auto value = document->root().find("paths")->find(path)->find(name);
    return value ? std::string(value->raw()) : "(none)";
  };
  EXPECT_EQ(member("/sys/seal", "x-vault-sudo"), "true");
  EXPECT_EQ(member("/sys/health", "x-vault-unauthenticated"), "true");
  EXPECT_EQ(member("/kv/data/{path}", "x-vault-createSupported"), "true");
  EXPECT_EQ(member("/kv/data/{path}", "x-vault-sudo"), "(none)");
  EXPECT_NE(member("/kv/data/{path}", "parameters").find(R"("name":"path","in":"path")"), std::string::npos);
  EXPECT_NE(member("/kv/data/{path}", "get").find(R"("name":"version","in":"query")"), std::string::npos);
  EXPECT_NE(member("/kv/data/{path}", "patch").find("application/merge-patch+json"), std::string::npos);
  EXPECT_NE(member("/kv/destroy/{path}", "post").find(R"("versions":{"type":"array","items":{"type":"integer"}})"), std::string::npos);
  EXPECT_NE(member("/kv/metadata/{path}/", "get").find(R"("name":"list","in":"query")"), std::string::npos);
}

TEST_F(SpecRoutesTest, AMountIsShownToWhoeverReachesIt) {
  const std::string token = with_policy(R"(path "kv/data/a" { capabilities = ["read"] }
                                           path "sys/internal/specs/openapi" { capabilities = ["read"] })");
  const std::string seen = node_.read("sys/internal/specs/openapi", token).data;
  EXPECT_NE(seen.find("\"/kv/data/{path}\""), std::string::npos);
  EXPECT_EQ(seen.find("\"/cubbyhole/{path}\""), std::string::npos);
  EXPECT_EQ(node_.read("sys/internal/specs/openapi", with_policy(R"(path "kv/data/a" { capabilities = ["read"] })")).word(), "denied");
  const std::string generic = node_.ask({.path = "sys/internal/specs/openapi", .query = {{"generic_mount_paths", "true"}}}).data;
  EXPECT_NE(generic.find("\"/{kv_mount_path}/data/{path}\""), std::string::npos);
  EXPECT_NE(generic.find("\"/sys/seal\""), std::string::npos);
}

TEST_F(SpecRoutesTest, HelpTellsOfAPathAndOfAMount) {
  const Got path = help("kv/data/some/secret");
  EXPECT_NE(path.at("help").find("kv/data/{path...}"), std::string::npos);
  EXPECT_NE(path.at("help").find("version (integer, in the query)"), std::string::npos);
  EXPECT_EQ(path.at("see_also"), "null");
  EXPECT_NE(path.at("openapi.paths").find("/kv/data/{path}"), std::string::npos);
  EXPECT_EQ(path.at("openapi.paths").find("/kv/config"), std::string::npos);
  for (const char* mount : {"kv", "kv/", "sys"}) EXPECT_EQ(help(mount).word(), "found") << mount;
  EXPECT_NE(help("kv").at("help").find("metadata/{path...}"), std::string::npos);
  EXPECT_EQ(help("sys/no/such/path").word(), "not-found");
  EXPECT_EQ(help("nowhere").word(), "not-found");
}

TEST_F(SpecRoutesTest, HelpIsForWhoeverMayDoSomethingThere) {
  const std::string token = with_policy(R"(path "kv/data/a" { capabilities = ["read"] } path "kv/data/b" { capabilities = ["deny"] })");
  EXPECT_EQ(help("kv/data/a", token).word(), "found");
  EXPECT_EQ(help("kv", token).word(), "found");
  EXPECT_EQ(help("kv/data/b", token).word(), "denied");
  EXPECT_EQ(help("sys/mounts", token).word(), "denied");
  EXPECT_EQ(help("nowhere", token).word(), "denied");
  EXPECT_EQ(help("kv/data/a", "").word(), "denied");
}

}  // namespace
}  // namespace keyhold::engine
