#include <gtest/gtest.h>

#include "engine/kv/kv_fixture.h"

namespace keyhold::engine {
namespace {

using test::data;
using test::Got;

class KvPatch : public test::KvTest {};

TEST_F(KvPatch, ChangesWhatItNamesAndKeepsTheRest) {
  put("a", R"({ "keep" : 1.10 , "change":{"x":1,"y":2}, "drop":true })");
  const Got patched = patch_data("a", R"({"change":{"x":null,"z":3},"drop":null,"new":{"n":null}})");
  EXPECT_EQ(patched.word(), "found");
  EXPECT_EQ(patched.at("version"), "2");
  EXPECT_EQ(get("a").at("data"), R"({ "keep" : 1.10 , "change":{"y":2,"z":3},"new":{} })");
  EXPECT_EQ(get("a", "1").at("data"), R"({ "keep" : 1.10 , "change":{"x":1,"y":2}, "drop":true })");
}

TEST_F(KvPatch, NoNumberLosesADigit) {
  constexpr std::string_view kContent =
      R"({"big":1234567890123456789012345,"exp":1e400,"price":1.10,"zero":-0.0,"text":"\u00e9\ud83d\ude00\/","o":{"n":12345678901234567890}})";
  put("a", kContent);
  EXPECT_EQ(get("a").at("data"), kContent);
  EXPECT_EQ(patch_data("a", R"({"o":{"more":0.30e-400}})").word(), "found");
  const std::string patched = std::string(kContent.substr(0, kContent.size() - 2)) + R"(,"more":0.30e-400}})";
  EXPECT_EQ(get("a").at("data"), patched);
}

TEST_F(KvPatch, DuplicateNamesAreRefused) {
  put("a", R"({"x":1})");
  EXPECT_EQ(patch_data("a", R"({"x":2,"\u0078":3})").word(), "invalid");
  EXPECT_EQ(patch_data("a", R"({"o":{"y":2,"y":3}})").word(), "invalid");
  EXPECT_EQ(get("a").at("metadata.version"), "1");
}

TEST_F(KvPatch, NeedsSomethingToPatch) {
  EXPECT_EQ(patch_data("a", "{}").word(), "not-found");
  EXPECT_EQ(patch_data("a", "{}").data, "");
  set_metadata("a", R"({"max_versions":3})");
  EXPECT_EQ(patch_data("a", "{}").word(), "not-found") << "it has no version";
  put("a", R"({"n":1})");
  for (const char* body : {"", "{}", R"({"data":null})", R"({"data":[1]})", R"({"data":"x"})"}) {
    EXPECT_EQ(patch("kv/data/a", body).word(), "invalid") << body;
  }
  node_.erase("kv/data/a");
  const Got deleted = patch_data("a", R"({"n":2})");
  EXPECT_EQ(deleted.word(), "not-found");
  EXPECT_EQ(deleted.at("version"), "1") << "the metadata stands alone, as in Vault";
  EXPECT_EQ(deleted.at("deletion_time"), "2023-11-14T22:13:20Z");
  post("destroy", "a", "1");
  EXPECT_EQ(patch_data("a", R"({"n":2})").at("destroyed"), "true");
}

TEST_F(KvPatch, ChecksAndSets) {
  put("a", "{}");
  const auto cas = [&](std::string_view value) {
    return patch("kv/data/a", R"({"data":{"n":1},"options":{"cas":)" + std::string(value) + "}}");
  };
  EXPECT_EQ(said(cas("2")), "check-and-set parameter did not match the current version");
  EXPECT_EQ(cas("1").at("version"), "2");
  EXPECT_EQ(cas("\"2\"").at("version"), "3");
  set_metadata("a", R"({"cas_required":true})");
  EXPECT_EQ(said(patch_data("a", "{}")), "check-and-set parameter required for this call");
  EXPECT_EQ(cas("3").at("version"), "4");
}

TEST_F(KvPatch, NeedsTheCapabilityOfItsName) {
  put("a", "{}");
  const std::string writer = with_policy(R"(path "kv/data/*" { capabilities = ["create", "update", "read"] })");
  EXPECT_EQ(patch("kv/data/a", data("{}"), writer).word(), "denied");
  EXPECT_EQ(patch("kv/data/a", data("{}"), with_policy(R"(path "kv/data/*" { capabilities = ["patch"] })")).word(), "found");
}

TEST_F(KvPatch, TheResultIsBoundLikeAWrite) {
  const std::string half(limits::kHttpBodyBytesMax / 2, 'x');
  ASSERT_EQ(put("a", R"({"a":")" + half + "\"}").word(), "found");
  EXPECT_EQ(patch_data("a", R"({"b":")" + half + "\"}").word(), "too-large");
  std::string many = "{";
  for (std::size_t i = 0; i < limits::kJsonNodesMax / 4; ++i) many += "\"a" + std::to_string(i) + "\":1,";
  many.back() = '}';
  ASSERT_EQ(put("b", many).word(), "found");
  for (char& byte : many) byte = byte == 'a' ? 'b' : byte;
  EXPECT_EQ(patch_data("b", many).word(), "invalid");
  EXPECT_EQ(get("b").at("metadata.version"), "1");
}

TEST_F(KvPatch, BigContentIsPatchedToo) {
  const std::string big(1 << 20, 'x');
  ASSERT_EQ(put("a", R"({"big":")" + big + R"(","n":1})").word(), "found");
  ASSERT_EQ(patch_data("a", R"({"n":2})").word(), "found");
  EXPECT_TRUE(get("a").at("data") == R"({"big":")" + big + R"(","n":2})");
}

TEST_F(KvPatch, NoContentReachesTheJournal) {
  put("a", R"({"password":"hunter2"})");
  patch_data("a", R"({"password":"hunter3","also":"hunter4"})");
  node_.read("kv/subkeys/a");
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find("hunter"), std::string::npos) << record;
}

TEST_F(KvPatch, SubkeysTellNamesOnly) {
  put("a", R"({"foo":"abc","bar":{"baz":{"deep":1},"list":[{"x":1}]},"none":null,"empty":{}})");
  const auto subkeys = [&](std::string_view depth, std::string_view version = "0") {
    return node_.ask({.path = "kv/subkeys/a", .query = {{"depth", std::string(depth)}, {"version", std::string(version)}}});
  };
  EXPECT_EQ(subkeys("0").at("subkeys"), R"({"foo":null,"bar":{"baz":{"deep":null},"list":null},"none":null,"empty":null})");
  EXPECT_EQ(subkeys("1").at("subkeys"), R"({"foo":null,"bar":null,"none":null,"empty":null})");
  EXPECT_EQ(subkeys("2").at("subkeys"), R"({"foo":null,"bar":{"baz":null,"list":null},"none":null,"empty":null})");
  EXPECT_EQ(subkeys("0").at("metadata.version"), "1");
  EXPECT_EQ(subkeys("x").word(), "invalid");
  put("a", R"({"second":1})");
  EXPECT_EQ(subkeys("0").at("subkeys"), R"({"second":null})");
  EXPECT_EQ(subkeys("1", "1").at("subkeys.bar"), "null");
  EXPECT_EQ(subkeys("0", "3").word(), "not-found");
  node_.erase("kv/data/a");
  const Got deleted = subkeys("0");
  EXPECT_EQ(deleted.word(), "not-found");
  EXPECT_EQ(deleted.at("subkeys"), "null");
  EXPECT_EQ(deleted.at("metadata.version"), "2");
  EXPECT_EQ(node_.read("kv/subkeys/none").word(), "not-found");
}

}  // namespace
}  // namespace keyhold::engine
