// When secrets were last read, as both APIs and the report tell it.
#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using core::test::await;
using test::Got;

class LastRead : public test::SecretsManagerTest {
 protected:
  Got vault_read(const std::string& name) { return node_.read("secret/data/" + name); }
  Got metadata(const std::string& name) { return node_.read("secret/metadata/" + name); }
  bool noted(const std::string& name, std::string_view time) {
    return await([&] { return metadata(name).at("last_read_time") == time; });
  }
  std::size_t records(std::string_view mount) { return core::test::count_keys(memory_, core::keys::with_owner('L', mount_id(mount))); }
  std::string stale(const std::string& days) {
    const Got got = node_.ask({.path = "sys/rotation", .query = {{"state", "stale"}, {"days", days}}});
    if (!got.ok()) return got.word();
    std::string found;
    const auto document = json::Document::parse(got.data);
    const auto listed = document->root().find("secrets");
    for (std::size_t i = 0; i < listed->size(); ++i) found += *listed->at(i).find("path")->as_string() + " ";
    return found;
  }

  static constexpr std::string_view kFirst = "2023-11-14T22:13:20Z";  // Where the clock of the fixture begins.
};

TEST_F(LastRead, IsTheFirstReadOfTheDayByEitherApi) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(metadata("a").at("last_read_time"), "(none)");
  EXPECT_EQ(on("DescribeSecret", "a").at("LastAccessedDate"), "(none)");
  EXPECT_TRUE(vault_read("a").ok());
  ASSERT_TRUE(noted("a", kFirst));
  EXPECT_EQ(metadata("a").at("last_read_api"), "vault");
  EXPECT_EQ(metadata("a").at("last_read_by"), "root");
  EXPECT_EQ(on("DescribeSecret", "a").at("LastAccessedDate"), "1699920000") << "midnight";

  clock_.advance_ms(3'600'000);
  EXPECT_TRUE(get("a").ok());
  EXPECT_EQ(code(create("other", "x")), "ok");
  EXPECT_TRUE(get("other").ok());
  ASSERT_TRUE(noted("other", "2023-11-14T23:13:20Z")) << "so what was read before it is dealt with, too";
  EXPECT_EQ(metadata("a").at("last_read_time"), kFirst) << "at most one a day";

  clock_.advance_ms(3'600'000);
  EXPECT_TRUE(get("a").ok());
  ASSERT_TRUE(noted("a", "2023-11-15T00:13:20Z"));
  EXPECT_EQ(metadata("a").at("last_read_api"), "aws");
  EXPECT_EQ(on("DescribeSecret", "a").at("LastAccessedDate"), "1700006400");
  EXPECT_NE(call("ListSecrets", "{}").data.find(R"("LastAccessedDate":1700006400)"), std::string::npos);
}

TEST_F(LastRead, IsKeptOfVersions) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(put("a", "2", "y")), "ok");
  const auto dates = [&] {
    std::size_t count = 0;
    const std::string data = on("ListSecretVersionIds", "a").data;
    for (std::size_t at = 0; (at = data.find("LastAccessedDate", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(dates(), 0u);
  EXPECT_TRUE(get("a").ok());
  EXPECT_TRUE(await([&] { return dates() == 1; }));
  EXPECT_TRUE(get("a", R"(,"VersionStage":"AWSPREVIOUS")").ok());
  EXPECT_TRUE(await([&] { return dates() == 2; }));
}

TEST_F(LastRead, OfWhatWasNotTold) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(node_.read("secret/data/a", with_policy(R"(path "secret/metadata/*" { capabilities = ["read"] })")).word(), "denied");
  EXPECT_TRUE(metadata("a").ok());
  EXPECT_TRUE(node_.read("secret/subkeys/a").ok());
  EXPECT_EQ(code(create("b", "x")), "ok");
  EXPECT_TRUE(get("b").ok());
  ASSERT_TRUE(noted("b", kFirst));
  EXPECT_EQ(metadata("a").at("last_read_time"), "(none)");
}

TEST_F(LastRead, GoesWithItsSecret) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(node_.write("kv/data/b", R"({"data":{"x":"y"}})").at("version"), "1");
  EXPECT_TRUE(get("a").ok());
  EXPECT_TRUE(node_.read("kv/data/b").ok());
  EXPECT_TRUE(await([&] { return records("secret/") == 1 && records("kv/") == 1; }));
  EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"ForceDeleteWithoutRecovery":true)")), "ok");
  EXPECT_EQ(records("secret/"), 0u);
  const auto kv = mount_id("kv/");
  EXPECT_EQ(node_.erase("sys/mounts/kv").word(), "empty");
  EXPECT_TRUE(await([&] { return keys_of(kv) == 0; }));
}

TEST_F(LastRead, WaitsForAStoreThatTakesNoWrites) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  faults_.inject({.times = storage::CommitFault::kForEver});
  EXPECT_TRUE(get("a").ok()) << "reads need no writing";
  const auto tried = faults_.commits();
  EXPECT_TRUE(await([&] { return faults_.commits() > tried; }));
  EXPECT_EQ(metadata("a").at("last_read_time"), "(none)");
  faults_.heal();
  EXPECT_TRUE(noted("a", kFirst));
}

TEST_F(LastRead, IsNotLostBySealing) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_TRUE(get("a").ok());
  node_.node().seal();
  node_.unseal();
  EXPECT_EQ(metadata("a").at("last_read_time"), kFirst);
}

TEST_F(LastRead, StaleIsWhatNobodyReads) {
  EXPECT_EQ(node_.write("sys/mounts/plain", R"({"type":"kv"})").word(), "empty");
  EXPECT_EQ(node_.write("plain/c", R"({"x":"y"})").word(), "empty");
  EXPECT_EQ(node_.write("cubbyhole/mine", R"({"x":"y"})").word(), "empty");
  for (const char* name : {"a", "b"}) EXPECT_EQ(code(create(name, "x")), "ok");
  EXPECT_EQ(stale("1"), "") << "they are new";
  clock_.advance_ms(2 * kDayMs);
  EXPECT_EQ(code(create("new", "x")), "ok");
  EXPECT_TRUE(vault_read("a").ok());
  EXPECT_TRUE(noted("a", "2023-11-16T22:13:20Z"));
  EXPECT_EQ(stale("1").find("secret/a"), std::string::npos);
  EXPECT_EQ(stale("1").size(), std::string("secret/b plain/c ").size()) << stale("1");
  EXPECT_EQ(stale("3"), "");
  EXPECT_TRUE(node_.read("plain/c").ok());
  EXPECT_TRUE(await([&] { return stale("1") == "secret/b "; }));
  clock_.advance_ms(5 * kDayMs);
  EXPECT_NE(stale("4").find("secret/a "), std::string::npos);
  for (const char* days : {"0", "-1", "99999999999"}) EXPECT_EQ(stale(days), "invalid") << days;
}

TEST_F(LastRead, SortsAList) {
  for (const char* name : {"a", "b", "c"}) EXPECT_EQ(code(create(name, "x")), "ok");
  EXPECT_TRUE(get("b").ok());
  EXPECT_TRUE(noted("b", kFirst));
  clock_.advance_ms(kDayMs);
  EXPECT_TRUE(get("a").ok());
  EXPECT_TRUE(noted("a", "2023-11-15T22:13:20Z"));
  const std::string data = call("ListSecrets", R"({"SortBy":"last-accessed-date","SortOrder":"desc"})").data;
  const auto at = [&](const char* name) { return data.find(R"("Name":")" + std::string(name)); };
  EXPECT_LT(at("a"), at("b"));
  EXPECT_LT(at("b"), at("c"));
}

}  // namespace
}  // namespace keyhold::engine
