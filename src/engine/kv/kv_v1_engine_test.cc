#include "engine/kv/kv_v1_engine.h"

#include <gtest/gtest.h>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class KvV1Test : public test::EngineTest {
 protected:
  KvV1Test() { EXPECT_EQ(node_.write("sys/mounts/v1", R"({"type":"kv"})").word(), "empty"); }

  Got put(std::string_view name, std::string_view content) { return node_.write("v1/" + std::string(name), std::string(content)); }
  Got get(std::string_view name) { return node_.read("v1/" + std::string(name)); }
  std::int64_t lease_of(std::string_view content) {
    EXPECT_EQ(put("lease", content).word(), "empty") << content;
    return get("lease").lease_duration_s;
  }
  std::size_t stored(char kind) { return core::test::count_keys(memory_, core::keys::with_owner(kind, mount_id("v1/"))); }
};

TEST_F(KvV1Test, TheBodyIsTheContent) {
  EXPECT_EQ(get("a").word(), "not-found");
  for (const std::string_view content :
       {R"({"a":1})", R"({"data":{"x":1},"options":{"cas":7},"big":12345678901234567890123,"exp":1e400,"d":1.10})", R"({ "e":"\u00e9" })"}) {
    EXPECT_EQ(put("a", content).word(), "empty");
    EXPECT_EQ(get("a").data, content);
  }
  EXPECT_EQ(get("a").mount_type, "kv");
  EXPECT_EQ(stored('v'), 1u) << "one version is kept";
}

TEST_F(KvV1Test, ContentIsAnObjectOfSomething) {
  for (const char* body : {"", "{}", "[]", "1", R"("x")", R"({"a":1,"a":2})", R"({"a":1)"}) {
    EXPECT_EQ(put("a", body).word(), "invalid") << body;
  }
  EXPECT_EQ(node_.ask({.operation = core::Operation::kPatch, .path = "v1/a", .body = R"({"a":1})"}).word(), "unsupported");
  EXPECT_EQ(get("a").word(), "not-found");
}

TEST_F(KvV1Test, DeletesForGood) {
  put("a", R"({"k":")" + std::string(600'000, 'x') + R"("})");
  EXPECT_EQ(node_.erase("v1/a").word(), "empty");
  EXPECT_EQ(node_.erase("v1/a").word(), "empty");
  EXPECT_EQ(get("a").word(), "not-found");
  for (const char kind : std::string("nhvxo")) EXPECT_EQ(stored(kind), 0u) << kind;
}

TEST_F(KvV1Test, ListsAndScans) {
  for (const char* name : {"a", "a/x", "b/y/z"}) put(name, R"({"n":1})");
  EXPECT_EQ(node_.list("v1").at("keys"), R"(["a","a/","b/"])");
  EXPECT_EQ(node_.list("v1/a").at("keys"), R"(["x"])");
  EXPECT_EQ(node_.list("v1/none").word(), "not-found");
  EXPECT_EQ(node_.ask({.operation = core::Operation::kScan, .path = "v1/"}).at("keys"), R"(["a","a/x","b/y/z"])");
}

TEST_F(KvV1Test, TellsForHowLongASecretMayBeUsed) {
  constexpr std::int64_t kDefault = 768 * 3600;
  EXPECT_EQ(lease_of(R"({"a":1})"), kDefault);
  EXPECT_EQ(lease_of(R"({"ttl":"1h"})"), 3600);
  EXPECT_EQ(lease_of(R"({"ttl":60})"), 60);
  EXPECT_EQ(lease_of(R"({"ttl":"60"})"), 60);
  EXPECT_EQ(lease_of(R"({"lease":"30s"})"), 30);
  EXPECT_EQ(lease_of(R"({"lease":"30s","ttl":"20s"})"), 20);
  EXPECT_EQ(lease_of(R"({"\u0074tl":"20s"})"), 20);
  EXPECT_EQ(lease_of(R"({"deep":{"ttl":"20s"}})"), kDefault);
  for (const char* content : {R"({"ttl":"soon"})", R"({"ttl":0})", R"({"ttl":-5})", R"({"ttl":null})", R"({"ttl":[1]})", R"({"ttl":""})"}) {
    EXPECT_EQ(lease_of(content), kDefault) << content;
  }
  EXPECT_EQ(lease_of(R"({"ttl":"1000h"})"), kDefault);
  ASSERT_EQ(get("lease").warnings.size(), 1u);
  EXPECT_EQ(get("lease").warnings[0], "TTL of \"1000h0m0s\" exceeded the effective max_ttl of \"768h0m0s\"; TTL value is capped accordingly");
}

TEST_F(KvV1Test, TheMountsOwnTimesHold) {
  ASSERT_EQ(node_.write("sys/mounts/short", R"({"type":"kv-v1","config":{"default_lease_ttl":"1m","max_lease_ttl":"10m"}})").word(), "empty");
  node_.write("short/a", R"({"a":1})");
  EXPECT_EQ(node_.read("short/a").lease_duration_s, 60);
  node_.write("short/a", R"({"ttl":"1h"})");
  EXPECT_EQ(node_.read("short/a").lease_duration_s, 600);
}

TEST_F(KvV1Test, CreateAndUpdateAreTwoCapabilities) {
  const std::string creator = with_policy(R"(path "v1/*" { capabilities = ["create"] })");
  EXPECT_EQ(node_.write("v1/a", R"({"a":1})", creator).word(), "empty");
  EXPECT_EQ(node_.write("v1/a", R"({"a":1})", creator).word(), "denied");
  EXPECT_EQ(node_.read("v1/a", creator).word(), "denied");
}

TEST_F(KvV1Test, NoContentReachesJournalOrStore) {
  put("a", R"({"password":"hunter2","ttl":"1h"})");
  get("a");
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find("hunter2"), std::string::npos) << record;
  EXPECT_EQ(core::test::all_bytes(memory_).find("hunter2"), std::string::npos);
  bool hashed = false;
  for (const std::string& record : node_.records()) hashed = hashed || record.find("\"fields\":{\"data\":{\"password\":\"hmac-sha256:") != std::string::npos;
  EXPECT_TRUE(hashed) << "what was written can be looked for";
}

}  // namespace
}  // namespace keyhold::engine
