#include "engine/kv/kv_engine.h"

#include <gtest/gtest.h>

#include "engine/kv/kv_fixture.h"

namespace keyhold::engine {
namespace {

using test::data;
using test::Got;
using test::KvTest;

TEST_F(KvTest, WritesAndReadsVersions) {
  EXPECT_EQ(get("a").word(), "not-found");
  const Got first = put("a", R"({"n":1})");
  EXPECT_EQ(first.at("version"), "1");
  EXPECT_EQ(first.at("created_time"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(first.at("deletion_time"), "");
  EXPECT_EQ(first.at("destroyed"), "false");
  EXPECT_EQ(first.at("custom_metadata"), "null");
  EXPECT_EQ(put("a", R"({"n":2})").at("version"), "2");
  EXPECT_EQ(get("a").at("data"), R"({"n":2})");
  EXPECT_EQ(get("a", "1").at("data"), R"({"n":1})");
  EXPECT_EQ(get("a", "1").at("metadata.version"), "1");
  EXPECT_EQ(get("a", "3").word(), "not-found");
  EXPECT_EQ(get("a", "3").data, "");
  EXPECT_EQ(get("a", "-1").at("metadata.version"), "2") << "as Vault: the current one";
  EXPECT_EQ(get("a", "x").word(), "invalid");
  EXPECT_EQ(get("a", "").at("metadata.version"), "2");
  EXPECT_EQ(get("a").mount_type, "kv");
}

TEST_F(KvTest, ContentIsKeptByteForByte) {
  for (const std::string_view content :
       {R"({"z":1.10,"a":2})", R"({"big":123456789012345678901234567890,"exp":1e400,"neg":-0.0})",
        R"({"e":"\u00e9\n\ud83d\ude00\/","plain":"é"})", R"({ "spaced" : [ 1 , 2 ] })", R"({"nested":{"a":{"b":null}},"t":true})",
        R"({})", R"({"":""})"}) {
    ASSERT_EQ(put("a", content).word(), "found") << content;
    EXPECT_EQ(get("a").at("data"), content);
  }
}

TEST_F(KvTest, OnlyAnObjectIsContent) {
  for (const std::string_view body : {"", "{}", R"({"data":null})", R"({"data":[1]})", R"({"data":"x"})", R"({"data":1})",
                                      R"({"data":{"a":1,"a":2}})", R"({"data":{"a":1}} x)", R"({"data":{})", "[]"}) {
    EXPECT_EQ(node_.write("kv/data/a", std::string(body)).word(), "invalid") << body;
  }
  EXPECT_EQ(get("a").word(), "not-found");
}

TEST_F(KvTest, CreateAndUpdateAreTwoCapabilities) {
  const std::string creator = with_policy(R"(path "kv/data/*" { capabilities = ["create"] })");
  EXPECT_EQ(node_.write("kv/data/a", data("{}"), creator).word(), "found");
  EXPECT_EQ(node_.write("kv/data/a", data("{}"), creator).word(), "denied");
  EXPECT_EQ(node_.erase("kv/data/a").word(), "empty");
  EXPECT_EQ(node_.write("kv/data/a", data("{}"), creator).word(), "denied") << "a deleted one is still there";
  EXPECT_EQ(node_.erase("kv/metadata/a").word(), "empty");
  EXPECT_EQ(node_.write("kv/data/a", data("{}"), creator).word(), "found");
  const std::string updater = with_policy(R"(path "kv/data/*" { capabilities = ["update"] })");
  EXPECT_EQ(node_.write("kv/data/a", data("{}"), updater).word(), "found");
  EXPECT_EQ(node_.write("kv/data/b", data("{}"), updater).word(), "denied");
}

TEST_F(KvTest, AnotherCaseIsAnotherSecretAndMount) {
  const std::string token = with_policy(R"(
    path "kv/*" { capabilities = ["create", "read", "update", "delete", "list"] }
    path "kv/data/prod" { capabilities = ["deny"] })");
  EXPECT_EQ(node_.write("kv/data/prod", data(R"({"k":"hidden"})")).word(), "found");
  EXPECT_EQ(node_.read("kv/data/prod", token).word(), "denied");
  for (const char* path : {"kv/data/Prod", "kv/data/PROD"}) EXPECT_EQ(node_.read(path, token).word(), "not-found") << path;
  for (const char* path : {"KV/data/prod", "kv/Data/prod", "kv/DATA/prod"}) EXPECT_NE(node_.read(path, token).word(), "found") << path;
  EXPECT_EQ(node_.write("kv/data/Prod", data("{}"), token).word(), "found");
  EXPECT_EQ(node_.read("kv/data/prod").at("data.k"), "hidden");
}

TEST_F(KvTest, CheckAndSet) {
  EXPECT_EQ(put_cas("a", "1").word(), "invalid");
  EXPECT_EQ(put_cas("a", "0").word(), "found");
  EXPECT_EQ(put_cas("a", "0").word(), "invalid");
  EXPECT_EQ(put_cas("a", "1").word(), "found");
  EXPECT_EQ(put_cas("a", "1").word(), "invalid");
  EXPECT_EQ(put_cas("a", "-1").word(), "invalid");
  EXPECT_EQ(put_cas("a", "1.5").word(), "invalid");
  for (const char* none : {"null", "\"\"", "\"0\"", "false"}) EXPECT_EQ(put_cas("a", none).word(), "invalid") << none;
  for (const char* odd : {"\"x\"", "[2]", "{}", "\"2.5\"", "1e400"}) {
    EXPECT_EQ(said(put_cas("a", odd)), "error parsing check-and-set parameter") << odd;
  }
  EXPECT_EQ(put_cas("a", "\"2\"").at("version"), "3") << "a string is as good";
  node_.erase("kv/data/a");
  EXPECT_EQ(put_cas("a", "0").word(), "invalid") << "a deleted version still counts";
  EXPECT_EQ(put_cas("a", "3").word(), "found");
}

TEST_F(KvTest, ADeletedVersionAnswersWithItsMetadataOnly) {
  put("a", R"({"n":1})");
  EXPECT_EQ(node_.erase("kv/data/a").word(), "empty");
  const Got got = get("a");
  EXPECT_EQ(got.word(), "not-found");
  EXPECT_EQ(got.at("data"), "null");
  EXPECT_EQ(got.at("metadata.version"), "1");
  EXPECT_EQ(got.at("metadata.destroyed"), "false");
  EXPECT_EQ(got.at("metadata.deletion_time"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(post("undelete", "a", "[1]").word(), "empty");
  EXPECT_EQ(get("a").at("data"), R"({"n":1})");
  EXPECT_EQ(get("a").at("metadata.deletion_time"), "");
}

TEST_F(KvTest, ListedVersionsAreDeletedAndDestroyed) {
  for (int i = 1; i <= 3; ++i) put("a", R"({"n":)" + std::to_string(i) + "}");
  EXPECT_EQ(post("delete", "a", "[1,\"2\",77]").word(), "empty");
  EXPECT_EQ(get("a", "1").word(), "not-found");
  EXPECT_EQ(get("a", "2").word(), "not-found");
  EXPECT_EQ(get("a").word(), "found");

  const std::string versions = core::keys::with_owner('v', mount_id("kv/"));
  EXPECT_EQ(core::test::count_keys(memory_, versions), 3u);
  EXPECT_EQ(post("destroy", "a", "[1,3]").word(), "empty");
  EXPECT_EQ(core::test::count_keys(memory_, versions), 1u) << "the bytes are erased";
  EXPECT_EQ(get("a").at("metadata.destroyed"), "true");
  EXPECT_EQ(post("undelete", "a", "[1,2,3]").word(), "empty");
  EXPECT_EQ(get("a", "2").at("data"), R"({"n":2})");
  EXPECT_EQ(get("a", "1").word(), "not-found");
}

TEST_F(KvTest, VersionsMustBeNamed) {
  put("a", "{}");
  for (const char* route : {"delete", "undelete", "destroy"}) {
    EXPECT_EQ(post(route, "a", "[]").word(), "invalid");
    EXPECT_EQ(post(route, "a", "[\"x\"]").word(), "invalid");
    EXPECT_EQ(node_.write(std::string("kv/") + route + "/a", "").word(), "invalid");
    EXPECT_EQ(post(route, "none", "[1]").word(), "empty") << "as Vault: nothing to do";
  }
}

TEST_F(KvTest, MetadataTellsOfAllVersionsAndNoContent) {
  put("a", R"({"n":"hunter2"})");
  put("a", R"({"n":"hunter2"})");
  post("destroy", "a", "1");
  const Got got = node_.read("kv/metadata/a");
  EXPECT_EQ(got.at("current_version"), "2");
  EXPECT_EQ(got.at("oldest_version"), "0");
  EXPECT_EQ(got.at("max_versions"), "0");
  EXPECT_EQ(got.at("cas_required"), "false");
  EXPECT_EQ(got.at("delete_version_after"), "0s");
  EXPECT_EQ(got.at("versions.1.destroyed"), "true");
  EXPECT_EQ(got.at("versions.2.destroyed"), "false");
  EXPECT_EQ(got.data.find("hunter2"), std::string::npos);
  EXPECT_EQ(node_.read("kv/metadata/none").word(), "not-found");
}

TEST_F(KvTest, ListsNamesOfOneFolder) {
  for (const char* name : {"b", "a", "a/x", "a/y/z"}) put(name, "{}");
  EXPECT_EQ(node_.list("kv/metadata").at("keys"), R"(["a","a/","b"])");
  EXPECT_EQ(node_.list("kv/metadata/a").at("keys"), R"(["x","y/"])");
  EXPECT_EQ(node_.list("kv/metadata/none").word(), "not-found");
  EXPECT_EQ(node_.list("kv/data/a").word(), "unsupported");
}

TEST_F(KvTest, AMebibyteAndTwoComeBackWhole) {
  for (const std::size_t bytes : {std::size_t{1} << 20, (std::size_t{2} << 20) - 64}) {
    const std::string content = R"({"k":")" + std::string(bytes, 'x') + R"("})";
    ASSERT_EQ(put("big", content).word(), "found");
    EXPECT_TRUE(get("big").at("data") == content);
  }
}

TEST_F(KvTest, AFailedPartOfABigValueLeavesTheOldOne) {
  put("big", R"({"n":1})");
  const std::string content = R"({"k":")" + std::string(1 << 20, 'x') + R"("})";
  for (const auto kind : {storage::CommitFault::Kind::kRefused, storage::CommitFault::Kind::kUnknownHappened,
                          storage::CommitFault::Kind::kUnknownDidNotHappen}) {
    faults_.inject({.kind = kind, .nth = 2, .matches = [](const storage::Batch& batch) {
                      return batch.operations[0].key[0] == 'x' || batch.operations[0].key[0] == 'o';
                    }});
    EXPECT_EQ(put("big", content).word(), "unavailable") << "nothing refers to what was staged";
    EXPECT_EQ(get("big").at("data"), R"({"n":1})");
    faults_.heal();
  }
  EXPECT_EQ(put("big", content).at("version"), "2");
}

TEST_F(KvTest, AReadThatMeetsADestroyIsNotDamage) {
  put("a", R"({"n":1})");
  core::test::InterceptedStorage tap(memory_);
  test::EngineNode second(tap, clock_);
  second.node.join(node_);
  tap.before_get('v', [&] { EXPECT_EQ(post("destroy", "a", "[1]").word(), "empty"); });
  const Got got = second.node.read("kv/data/a");
  EXPECT_EQ(got.word(), "not-found");
  EXPECT_EQ(got.at("metadata.destroyed"), "true");
}

TEST_F(KvTest, CheckAndSetAcrossNodesHasOneWinner) {
  test::EngineNode second(memory_, clock_);
  second.node.join(node_);
  for (int version = 0; version < 5; ++version) {
    std::vector<std::future<Got>> answers;
    for (int i = 0; i < 50; ++i) {
      const std::string body = R"({"data":{},"options":{"cas":)" + std::to_string(version) + "}}";
      const bool patches = version > 0 && i % 3 == 0;
      answers.push_back((i % 2 == 0 ? node_ : second.node)
                            .ask_later({.operation = patches ? core::Operation::kPatch : core::Operation::kUpdate, .path = "kv/data/a", .body = body}));
    }
    int winners = 0;
    for (auto& answer : answers) {
      const std::string word = answer.get().word();
      EXPECT_TRUE(word == "found" || word == "invalid") << word;
      winners += word == "found";
    }
    EXPECT_EQ(winners, 1);
  }
}

TEST_F(KvTest, NoContentReachesJournalOrStore) {
  put("a", R"({"password":"hunter2"})");
  get("a");
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find("hunter2"), std::string::npos) << record;
  EXPECT_EQ(core::test::all_bytes(memory_).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace keyhold::engine
