#include <gtest/gtest.h>

#include "engine/kv/kv_fixture.h"

namespace keyhold::engine {
namespace {

using test::data;
using test::Got;

class KvMetadata : public test::KvTest {
 protected:
  /// An object of so many members, named by number.
  static std::string numbered(int members) {
    std::string text = "{";
    for (int i = 0; i < members; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"v\"";
    return text + "}";
  }
  Got custom(std::string_view object) { return set_metadata("a", R"({"custom_metadata":)" + std::string(object) + "}"); }
};

TEST_F(KvMetadata, IsWrittenBeforeTheFirstVersion) {
  EXPECT_EQ(set_metadata("a", R"({"max_versions":5,"cas_required":true,"delete_version_after":"3h25m19s","custom_metadata":{"foo":"abc","n":12}})").word(), "empty");
  const Got got = metadata("a");
  EXPECT_EQ(got.at("max_versions"), "5");
  EXPECT_EQ(got.at("cas_required"), "true");
  EXPECT_EQ(got.at("delete_version_after"), "3h25m19s");
  EXPECT_EQ(got.at("custom_metadata"), R"({"foo":"abc","n":"12"})");
  EXPECT_EQ(got.at("current_version"), "0");
  EXPECT_EQ(got.at("versions"), "{}");
  EXPECT_EQ(got.at("created_time"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(get("a").word(), "not-found");
  EXPECT_EQ(get("a").data, "");
  EXPECT_EQ(put("a", "{}").word(), "invalid") << "cas is required";
  EXPECT_EQ(put_cas("a", "0").at("version"), "1");
  EXPECT_EQ(get("a").at("metadata.custom_metadata.foo"), "abc");
}

TEST_F(KvMetadata, SayingNothingMakesNothing) {
  for (const char* body : {"", "{}", R"({"unknown":1})"}) EXPECT_EQ(set_metadata("a", body).word(), "empty") << body;
  EXPECT_EQ(metadata("a").word(), "not-found");
}

TEST_F(KvMetadata, AWriteChangesOnlyWhatItNames) {
  set_metadata("a", R"({"max_versions":5,"custom_metadata":{"x":"1","y":"2"}})");
  set_metadata("a", R"({"cas_required":true})");
  EXPECT_EQ(metadata("a").at("max_versions"), "5");
  set_metadata("a", R"({"custom_metadata":{"z":"3"}})");
  EXPECT_EQ(metadata("a").at("custom_metadata"), R"({"z":"3"})") << "replaced whole";
  set_metadata("a", R"({"custom_metadata":null,"max_versions":null,"cas_required":null})");
  EXPECT_EQ(metadata("a").at("custom_metadata"), "null");
  EXPECT_EQ(metadata("a").at("max_versions"), "0");
  EXPECT_EQ(metadata("a").at("cas_required"), "false");
}

TEST_F(KvMetadata, APatchMergesCustomMetadata) {
  EXPECT_EQ(patch("kv/metadata/a", R"({"max_versions":1})").word(), "not-found");
  set_metadata("a", R"({"max_versions":5,"custom_metadata":{"x":"1","y":"2"}})");
  EXPECT_EQ(patch("kv/metadata/a", R"({"custom_metadata":{"x":null,"z":"3"}})").word(), "empty");
  EXPECT_EQ(metadata("a").at("custom_metadata"), R"({"y":"2","z":"3"})");
  EXPECT_EQ(metadata("a").at("max_versions"), "5");
  EXPECT_EQ(patch("kv/metadata/a", R"({"custom_metadata":null,"max_versions":null})").word(), "empty");
  EXPECT_EQ(metadata("a").at("custom_metadata"), "null");
  EXPECT_EQ(metadata("a").at("max_versions"), "0");
  EXPECT_EQ(patch("kv/metadata/a", R"({"cas_required":true})", with_policy(R"(path "kv/metadata/*" { capabilities = ["update"] })")).word(), "denied");
}

TEST_F(KvMetadata, CustomMetadataIsBoundAsInVault) {
  EXPECT_EQ(custom(numbered(64)).word(), "empty");
  EXPECT_EQ(said(custom(numbered(65))), "custom_metadata validation failed: payload must contain at most 64 keys, provided 65");
  EXPECT_EQ(patch("kv/metadata/a", R"({"custom_metadata":{"one more":"v"}})").word(), "invalid");
  EXPECT_EQ(metadata("a").at("custom_metadata.63"), "v");

  EXPECT_EQ(custom("{\"" + std::string(128, 'n') + "\":\"" + std::string(512, 'v') + "\"}").word(), "empty");
  EXPECT_EQ(said(custom("{\"" + std::string(129, 'n') + "\":\"v\"}")), "custom_metadata validation failed: length of key is 129 but must be 0 < len(key) <= 128");
  EXPECT_EQ(said(custom("{\"n\":\"" + std::string(513, 'v') + "\"}")), "custom_metadata validation failed: length of value is 513 but must be 0 < len(value) <= 512");
  for (const char* object : {R"({"":"v"})", R"({"n":""})", R"({"n":null})", R"({"n":["v"]})", R"({"n":{}})", R"({"n":"a\nb"})",
                             R"({"n\u0000":"v"})", R"({"n":"\u202e"})", R"({"n":"\u00a0"})", R"("text")", "[]"}) {
    EXPECT_EQ(custom(object).word(), "invalid") << object;
  }
  EXPECT_EQ(custom(R"({"bool":true,"number":1.50,"text":"ä 😀 a b"})").word(), "empty");
  EXPECT_EQ(metadata("a").at("custom_metadata"), R"({"bool":"1","number":"1.50","text":"ä 😀 a b"})");
}

TEST_F(KvMetadata, WrongTypesAreRefusedByName) {
  for (const char* body : {R"({"max_versions":"x"})", R"({"max_versions":-1})", R"({"max_versions":2049})", R"({"max_versions":1.5})",
                           R"({"cas_required":"maybe"})", R"({"delete_version_after":"-1s"})", R"({"delete_version_after":"1 day"})",
                           R"({"custom_metadata":1})", R"({"metadata_cas":"x"})"}) {
    EXPECT_EQ(set_metadata("a", body).word(), "invalid") << body;
  }
  EXPECT_EQ(metadata("a").word(), "not-found");
  EXPECT_EQ(set_metadata("a", R"({"max_versions":"3","cas_required":"true","delete_version_after":60})").word(), "empty");
  EXPECT_EQ(metadata("a").at("delete_version_after"), "1m0s");
}

TEST_F(KvMetadata, ItsOwnCheckAndSet) {
  EXPECT_EQ(said(set_metadata("a", R"({"max_versions":1,"metadata_cas":1})")), "metadata_cas must be 0 when creating new metadata");
  EXPECT_EQ(set_metadata("a", R"({"max_versions":1,"metadata_cas":0,"metadata_cas_required":true})").word(), "empty");
  EXPECT_EQ(metadata("a").at("current_metadata_version"), "1");
  EXPECT_EQ(said(set_metadata("a", R"({"max_versions":2})")), "metadata check-and-set parameter required for this call");
  EXPECT_EQ(said(patch("kv/metadata/a", R"({"max_versions":2,"metadata_cas":2})")), "metadata check-and-set parameter does not match the current version");
  EXPECT_EQ(patch("kv/metadata/a", R"({"max_versions":2,"metadata_cas":"1"})").word(), "empty");
  put("a", "{}");
  EXPECT_EQ(metadata("a").at("current_metadata_version"), "2") << "versions do not count";
}

TEST_F(KvMetadata, KeepsAsManyVersionsAsTheLargerSettingSays) {
  for (int i = 1; i <= 9; ++i) put("a", "{}");
  EXPECT_EQ(metadata("a").at("oldest_version"), "0") << "as Vault says until there are ten";
  put("a", "{}");
  EXPECT_EQ(metadata("a").at("oldest_version"), "1");
  put("a", "{}");
  EXPECT_EQ(metadata("a").at("oldest_version"), "2");
  EXPECT_EQ(metadata("a").at("versions.1"), "(none)");
  EXPECT_EQ(get("a", "1").word(), "not-found");
  EXPECT_EQ(stored('v'), 10u);

  set_metadata("a", R"({"max_versions":3})");
  EXPECT_EQ(stored('v'), 10u) << "the next write drops them";
  put("a", "{}");
  EXPECT_EQ(metadata("a").at("oldest_version"), "10");
  EXPECT_EQ(stored('v'), 3u);
  set_config(R"({"max_versions":5})");
  for (int i = 0; i < 3; ++i) put("a", "{}");
  EXPECT_EQ(stored('v'), 5u);
  EXPECT_EQ(metadata("a").at("oldest_version"), "11");
  EXPECT_EQ(metadata("a").at("current_version"), "15");
}

TEST_F(KvMetadata, WhatDoesNotFitACommitIsErasedByAJob) {
  set_metadata("a", R"({"max_versions":200})");
  for (int i = 0; i < 150; ++i) ASSERT_EQ(put("a", "{}").word(), "found");
  set_metadata("a", R"({"max_versions":1})");
  EXPECT_EQ(put("a", R"({"n":1})").word(), "found");
  EXPECT_EQ(metadata("a").at("oldest_version"), "151");
  const auto no_jobs = [&] { return core::test::count_keys(memory_, core::keys::kJobKind) == 0; };
  EXPECT_TRUE(core::test::await(no_jobs));
  EXPECT_EQ(stored('v'), 1u);
  EXPECT_EQ(get("a").at("data"), R"({"n":1})");
}

TEST_F(KvMetadata, AnInterruptedErasureGoesOnAfterARestart) {
  const std::string versions = core::keys::with_owner('v', mount_id("kv/"));
  const auto left = [&] { return core::test::count_keys(memory_, versions); };
  set_metadata("a", R"({"max_versions":300})");
  for (int i = 0; i < 250; ++i) ASSERT_EQ(put("a", "{}").word(), "found");
  faults_.inject({.kind = storage::CommitFault::Kind::kRefused, .nth = 2, .times = storage::CommitFault::kForEver,
                  .matches = [](const storage::Batch& batch) { return batch.operations.size() > 20; }});
  ASSERT_EQ(node_.erase("kv/metadata/a").word(), "empty");
  EXPECT_EQ(metadata("a").word(), "not-found") << "gone at once";
  EXPECT_TRUE(core::test::await([&] { return left() < 250; }));
  node_.node().seal();
  EXPECT_GT(left(), 0u);
  faults_.heal();
  node_.unseal();
  EXPECT_TRUE(core::test::await([&] { return core::test::count_keys(memory_, core::keys::kJobKind) == 0; }));
  EXPECT_EQ(left(), 0u);
}

TEST_F(KvMetadata, DeletingItErasesAllAtOnce) {
  EXPECT_EQ(node_.erase("kv/metadata/none").word(), "empty");
  for (int i = 0; i < 3; ++i) put("a", R"({"k":")" + std::string(600'000, 'x') + R"("})");
  set_metadata("a", R"({"custom_metadata":{"x":"1"}})");
  post("destroy", "a", "1");
  EXPECT_EQ(node_.erase("kv/metadata/a").word(), "empty");
  for (const char kind : std::string("nhvxo")) EXPECT_EQ(stored(kind), 0u) << kind;
  EXPECT_EQ(get("a").word(), "not-found");
  EXPECT_EQ(list("kv/metadata").word(), "not-found");
  EXPECT_EQ(put_cas("a", "0").at("version"), "1") << "nothing is left of the old one";
}

TEST_F(KvMetadata, VersionsAreDeletedByTheirAge) {
  set_metadata("a", R"({"delete_version_after":"1h"})");
  EXPECT_EQ(put("a", R"({"n":1})").at("deletion_time"), "2023-11-14T23:13:20Z");
  clock_.advance_ms(3'599'999);
  EXPECT_EQ(get("a").at("data"), R"({"n":1})");
  EXPECT_EQ(get("a").at("metadata.deletion_time"), "2023-11-14T23:13:20Z");
  clock_.advance_ms(1);
  EXPECT_EQ(get("a").word(), "not-found");
  EXPECT_EQ(get("a").at("metadata.deletion_time"), "2023-11-14T23:13:20Z");
  EXPECT_EQ(patch_data("a", "{}").word(), "not-found");
  EXPECT_EQ(node_.erase("kv/data/a").word(), "empty");
  EXPECT_EQ(get("a").at("metadata.deletion_time"), "2023-11-14T23:13:20Z") << "it was deleted before";
  EXPECT_EQ(post("undelete", "a", "[1]").word(), "empty");
  EXPECT_EQ(get("a").at("metadata.deletion_time"), "2023-11-15T00:13:20Z") << "its time starts anew";
  EXPECT_EQ(put_cas("a", "1").word(), "found");
}

TEST_F(KvMetadata, TheShorterAgeHolds) {
  const auto deletion_time = [&] { return put("a", "{}").at("deletion_time"); };
  EXPECT_EQ(deletion_time(), "");
  set_config(R"({"delete_version_after":"2h"})");
  EXPECT_EQ(deletion_time(), "2023-11-15T00:13:20Z");
  set_metadata("a", R"({"delete_version_after":"1h"})");
  EXPECT_EQ(deletion_time(), "2023-11-14T23:13:20Z");
  set_metadata("a", R"({"delete_version_after":"3h"})");
  EXPECT_EQ(deletion_time(), "2023-11-15T00:13:20Z");
  set_config(R"({"delete_version_after":"-1s"})");
  EXPECT_EQ(deletion_time(), "");
  set_config(R"({"delete_version_after":0})");
  EXPECT_EQ(deletion_time(), "2023-11-15T01:13:20Z");
}

TEST_F(KvMetadata, TheMountsSettings) {
  const Got before = node_.read("kv/config");
  EXPECT_EQ(before.at("max_versions"), "0");
  EXPECT_EQ(before.at("cas_required"), "false");
  EXPECT_EQ(before.at("delete_version_after"), "0s");
  EXPECT_EQ(set_config(R"({"max_versions":"4","cas_required":true,"delete_version_after":"1h"})").word(), "empty");
  EXPECT_EQ(set_config("{}").word(), "empty");
  EXPECT_EQ(node_.read("kv/config").at("max_versions"), "4");
  EXPECT_EQ(node_.read("kv/config").at("delete_version_after"), "1h0m0s");
  EXPECT_EQ(said(put("a", "{}")), "check-and-set parameter required for this call");
  EXPECT_EQ(put_cas("a", "0").word(), "found");
  const Got ignored = set_metadata("a", R"({"cas_required":false})");
  ASSERT_EQ(ignored.warnings.size(), 1u);
  EXPECT_EQ(ignored.warnings[0], "\"cas_required\" set to false, but is mandated by backend config. This value will be ignored.");
  EXPECT_EQ(put("a", "{}").word(), "invalid");
  EXPECT_EQ(set_config(R"({"delete_version_after":"-5m"})").word(), "empty");
  EXPECT_EQ(node_.read("kv/config").at("delete_version_after"), "-1s");
  for (const char* body : {R"({"max_versions":-1})", R"({"max_versions":1e9})", R"({"delete_version_after":"x"})",
                           R"({"delete_version_after":"--1s"})", R"({"cas_required":[true]})"}) {
    EXPECT_EQ(set_config(body).word(), "invalid") << body;
  }
}

TEST_F(KvMetadata, AnotherNodeKeepsToSettingsAtOnce) {
  test::EngineNode second(memory_, clock_);
  second.node.join(node_);
  EXPECT_EQ(second.node.write("kv/data/a", data("{}")).word(), "found");
  EXPECT_EQ(set_config(R"({"cas_required":true})").word(), "empty");
  EXPECT_EQ(second.node.write("kv/data/a", data("{}")).word(), "invalid");
}

TEST_F(KvMetadata, ListsByPages) {
  for (const char* name : {"a", "a/x", "b/y", "b/z/1", "b/z/2", "c"}) put(name, "{}");
  EXPECT_EQ(list("kv/metadata").at("keys"), R"(["a","a/","b/","c"])");
  EXPECT_EQ(list("kv/metadata", {{"limit", "2"}}).at("keys"), R"(["a","a/"])");
  EXPECT_EQ(list("kv/metadata", {{"limit", "2"}, {"after", "a/"}}).at("keys"), R"(["b/","c"])");
  EXPECT_EQ(list("kv/metadata", {{"after", "bb"}}).at("keys"), R"(["c"])") << "need not be there";
  EXPECT_EQ(list("kv/metadata/b", {{"after", "y"}, {"limit", "-1"}}).at("keys"), R"(["z/"])");
  EXPECT_EQ(list("kv/metadata", {{"after", "c"}}).word(), "not-found");
  EXPECT_EQ(list("kv/metadata", {{"limit", "x"}}).word(), "invalid");
  EXPECT_EQ(list("kv/metadata", {{"after", std::string(600, 'a')}}).word(), "invalid");
}

TEST_F(KvMetadata, ScansAllBelow) {
  for (const char* name : {"a", "b/y", "b/z/1", "b/z/2"}) put(name, "{}");
  EXPECT_EQ(scan("kv/metadata").at("keys"), R"(["a","b/y","b/z/1","b/z/2"])");
  EXPECT_EQ(scan("kv/metadata/b").at("keys"), R"(["y","z/1","z/2"])");
  EXPECT_EQ(scan("kv/metadata/b/", {{"after", "y"}, {"limit", "1"}}).at("keys"), R"(["z/1"])");
  EXPECT_EQ(scan("kv/metadata/none").word(), "not-found");
  const std::string lister = with_policy(R"(path "kv/metadata/*" { capabilities = ["list"] })");
  EXPECT_EQ(node_.ask({.operation = core::Operation::kScan, .path = "kv/metadata/", .token = lister}).word(), "denied")
      << "whoever may list one folder may not see into all";
}

TEST_F(KvMetadata, ListsWithDetails) {
  for (const char* name : {"a", "b/y"}) put(name, "{}");
  set_metadata("a", R"({"custom_metadata":{"x":"1"}})");
  const Got got = list("kv/detailed-metadata");
  EXPECT_EQ(got.at("keys"), R"(["a","b/"])");
  EXPECT_EQ(got.at("key_info.a"), metadata("a").data);
  EXPECT_EQ(got.at("key_info.b/"), "(none)");
  EXPECT_EQ(scan("kv/detailed-metadata").at("key_info.b/y"), metadata("b/y").data);
  EXPECT_EQ(list("kv/detailed-metadata/none").word(), "not-found");
}

TEST_F(KvMetadata, WrongPathsSayWhereSecretsAre) {
  for (const char* root : {"data", "metadata", "delete", "undelete", "destroy"}) {
    const Got got = node_.read(std::string("kv/") + root);
    EXPECT_EQ(got.word(), "not-found");
    ASSERT_EQ(got.warnings.size(), 1u) << root;
    EXPECT_EQ(got.warnings[0], "Non-listing operations on the root of a K/V v2 mount are not supported.");
  }
  const Got got = node_.write("kv/a", R"({"b":"c"})");
  EXPECT_EQ(got.word(), "not-found");
  ASSERT_EQ(got.warnings.size(), 1u);
  EXPECT_NE(got.warnings[0].find("use 'vault kv put' for this operation."), std::string::npos);
  EXPECT_EQ(list("kv/").word(), "not-found");
  EXPECT_EQ(node_.erase("kv/config").word(), "unsupported") << "a path that is there, without this operation";
  EXPECT_EQ(list("kv/data/a").word(), "unsupported");
}

}  // namespace
}  // namespace keyhold::engine
