#include <gtest/gtest.h>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::EngineTest;
using test::Got;

class MountTest : public EngineTest {
 protected:
  Got unmount(const std::string& path) { return node_.erase("sys/mounts/" + path); }
};

TEST_F(MountTest, ListsAndReadsMounts) {
  const Got all = node_.read("sys/mounts");
  EXPECT_EQ(all.at("kv/.type"), "kv");
  EXPECT_EQ(all.at("kv/.options.version"), "2");
  EXPECT_EQ(all.at("sys/.type"), "system");
  EXPECT_EQ(all.at("auth/token/"), "(none)");
  EXPECT_EQ(node_.read("sys/mounts/kv").at("type"), "kv");
  EXPECT_EQ(node_.read("sys/mounts/kv/").at("type"), "kv");
  EXPECT_EQ(node_.read("sys/mounts/none").word(), "invalid");
  EXPECT_TRUE(node_.read("sys/mounts/none").error->message.starts_with("No secret engine mount at"));
  EXPECT_EQ(node_.read("sys/mounts/auth/token").word(), "invalid");
}

TEST_F(MountTest, RefusesWhatOverlapsIsReservedOrUnknown) {
  for (const char* path : {"kv", "kv/", "kv/below", "sys", "sys/x", "auth", "auth/x", "cubbyhole", "cubbyhole/x"}) EXPECT_EQ(mount(path).word(), "invalid") << path;
  ASSERT_EQ(mount("a/b").word(), "empty");
  EXPECT_EQ(mount("a").word(), "invalid");
  EXPECT_EQ(mount("ab").word(), "empty");
  EXPECT_EQ(node_.write("sys/mounts/x", R"({"type":"pki"})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/mounts/x", "{}").word(), "invalid");
  for (const char* version : {"0", "3", "", "v2", "2 "}) {
    EXPECT_EQ(node_.write("sys/mounts/x", R"({"type":"kv","options":{"version":")" + std::string(version) + R"("}})").word(), "invalid") << version;
  }
  for (const char* type : {"sys", "system", "token", "cubbyhole", "kv-v3", "KV"}) {
    EXPECT_EQ(node_.write("sys/mounts/x", R"({"type":")" + std::string(type) + R"("})").word(), "invalid") << type;
  }
  EXPECT_EQ(node_.write("sys/mounts/x", R"({"type":"kv","options":{"version":"2"},"config":{"max_lease_ttl":"x"}})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/mounts/x", R"({"type":"kv","options":{"version":"2"},"config":{"max_lease_ttl":"1h"}})").word(), "empty");
  EXPECT_EQ(node_.read("sys/mounts/x").at("config.max_lease_ttl"), "3600");
}

TEST_F(MountTest, TheVersionOfKvIsAnOptionOrInItsType) {
  struct Case {
    const char* body;
    const char* options;
  };
  for (const Case& c : {Case{R"({"type":"kv-v1"})", R"({"version":"1"})"}, Case{R"({"type":"kv"})", "null"},
                        Case{R"({"type":"kv","options":{"version":1}})", R"({"version":"1"})"},
                        Case{R"({"type":"kv","options":{"version":2}})", R"({"version":"2"})"},
                        Case{R"({"type":"kv-v2","options":{"version":"1"}})", R"({"version":"2"})"}}) {
    ASSERT_EQ(node_.write("sys/mounts/x", c.body).word(), "empty") << c.body;
    EXPECT_EQ(node_.read("sys/mounts/x").at("type"), "kv");
    EXPECT_EQ(node_.read("sys/mounts/x").at("options"), c.options) << c.body;
    ASSERT_EQ(unmount("x").word(), "empty");
  }
}

TEST_F(MountTest, MoreMountsThanABatchHasConditions) {
  for (int i = 0; i < 150; ++i) ASSERT_EQ(mount("many/" + std::to_string(i)).word(), "empty") << i;
}

TEST_F(MountTest, UnmountingFreesThePathAtOnceAndDeletesAllBelow) {
  const auto old_id = mount_id("kv/");
  for (int i = 0; i < 250; ++i) ASSERT_EQ(node_.write("kv/data/" + std::to_string(i), R"({"data":{"a":1}})").word(), "found");
  ASSERT_EQ(node_.write("kv/data/big", R"({"data":{"a":")" + std::string(600'000, 'x') + R"("}})").word(), "found");
  EXPECT_GT(keys_of(old_id), 700u);

  EXPECT_EQ(unmount("kv").word(), "empty");
  EXPECT_EQ(node_.read("kv/data/1").word(), "not-found");
  EXPECT_EQ(mount("kv").word(), "empty");
  EXPECT_NE(mount_id("kv/"), old_id);
  EXPECT_EQ(node_.read("kv/data/1").word(), "not-found");
  EXPECT_EQ(node_.read("kv/data/1").data, "");
  EXPECT_EQ(node_.list("kv/metadata").word(), "not-found");
  ASSERT_EQ(node_.write("kv/data/1", R"({"data":{"new":true}})").at("version"), "1");

  EXPECT_TRUE(core::test::await([&] { return core::test::count_keys(memory_, core::keys::kJobKind) == 0; }));
  EXPECT_EQ(keys_of(old_id), 0u);
  EXPECT_EQ(core::test::count_keys(memory_, core::keys::mount(core::keys::kRootNamespace, old_id)), 0u);
  EXPECT_EQ(node_.read("kv/data/1").at("data"), R"({"new":true})");
}

TEST_F(MountTest, AnInterruptedRemovalGoesOnAfterARestart) {
  const auto old_id = mount_id("kv/");
  for (int i = 0; i < 150; ++i) node_.write("kv/data/" + std::to_string(i), R"({"data":{}})");
  faults_.inject({.kind = storage::CommitFault::Kind::kRefused, .nth = 3, .times = storage::CommitFault::kForEver,
                  .matches = [](const storage::Batch& batch) { return batch.operations.size() > 2; }});
  ASSERT_EQ(unmount("kv").word(), "empty");
  EXPECT_TRUE(core::test::await([&] { return keys_of(old_id) < 450; })) << "the first batch went through";
  node_.node().seal();
  EXPECT_GT(keys_of(old_id), 0u);
  faults_.heal();
  node_.unseal();
  EXPECT_TRUE(core::test::await([&] { return core::test::count_keys(memory_, core::keys::kJobKind) == 0; }));
  EXPECT_EQ(keys_of(old_id), 0u);
}

TEST_F(MountTest, UnmountingWhatIsNotThereSucceedsAndBuiltInsStay) {
  EXPECT_EQ(unmount("none").word(), "empty");
  EXPECT_EQ(unmount("kv/below").word(), "empty");
  EXPECT_EQ(unmount("sys").word(), "invalid");
  EXPECT_EQ(unmount("auth/token").word(), "invalid");
  EXPECT_EQ(node_.read("kv/data/none").word(), "not-found");
}

TEST_F(MountTest, OfOverlappingMountsOnTwoNodesOneWins) {
  test::EngineNode second(memory_, clock_);
  second.node.join(node_);
  for (int i = 0; i < 20; ++i) {
    const std::string outer = "sys/mounts/race" + std::to_string(i);
    const std::string body = R"({"type":"kv-v2"})";
    auto a = node_.ask_later({.operation = core::Operation::kUpdate, .path = outer, .body = body});
    auto b = second.node.ask_later({.operation = core::Operation::kUpdate, .path = outer + "/inner", .body = body});
    const std::string words = a.get().word() + " " + b.get().word();
    EXPECT_TRUE(words == "empty invalid" || words == "invalid empty") << words;
  }
}

TEST_F(MountTest, AMountMadeWhileAnotherIsDecidedUponIsSeen) {
  core::test::InterceptedStorage tap(memory_);
  test::EngineNode second(tap, clock_);
  second.node.join(node_);
  ASSERT_EQ(second.node.read("sys/mounts").word(), "found");
  // Between finding the configuration fresh and reading the guard.
  second.node.node().cache().purge();
  tap.before_get('g', [&] { EXPECT_EQ(mount("contested").word(), "empty"); });
  EXPECT_EQ(second.node.write("sys/mounts/contested/inner", R"({"type":"kv-v2"})").word(), "invalid");
}

TEST_F(MountTest, JobsThatFailDoNotStopTheOthers) {
  EXPECT_EQ(node_.write("kv/data/a", R"({"data":{"k":"v"}})").word(), "found");
  const core::keys::MountId id = mount_id("kv/");
  ASSERT_GT(id, 1'010u);
  // More than a page of them, of a kind that only a newer program knows.
  for (std::uint64_t job = 1; job <= 1'010;) {
    core::Transaction tx = node_.transaction();
    for (int i = 0; i < 101; ++i, ++job) {
      core::records::Job unknown;
      unknown.set_kind(static_cast<core::records::Job::Kind>(99));
      tx.put(core::keys::job(core::keys::kRootNamespace, job), core::encode_record(unknown));
    }
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  EXPECT_EQ(node_.erase("sys/mounts/kv").word(), "empty");
  EXPECT_TRUE(core::test::await([&] { return !node_.node().jobs().run_all().ok() && keys_of(id) == 0; }));
}

}  // namespace
}  // namespace keyhold::engine
