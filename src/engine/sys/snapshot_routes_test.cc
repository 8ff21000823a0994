#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "core/backup/snapshot_file.h"
#include "core/seal/seal_records.h"
#include "core/store_snapshots.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

std::shared_ptr<const SpoolFile> file_of(std::string_view bytes) {
  auto file = SpoolFile::create("").value();
  CHECK(file->append(bytes).ok());
  return file;
}

class SnapshotTest : public test::EngineTest {
 protected:
  std::string save() {
    const Got got = node_.read("sys/storage/raft/snapshot");
    EXPECT_EQ(got.word(), "found");
    EXPECT_EQ(got.payload, core::Payload::kBytes);
    return got.data;
  }
  Got restore(std::string snapshot, std::optional<std::string> token = {}) {
    return node_.write("sys/storage/raft/snapshot", std::move(snapshot), std::move(token));
  }
  Got recover(const std::string& path, std::string snapshot) {
    return node_.ask({.operation = core::Operation::kUpdate,
                      .path = "sys/storage/raft/snapshot-recover",
                      .body = std::move(snapshot),
                      .query = {{"path", path}}});
  }
  void put(const std::string& name, const std::string& value) {
    EXPECT_TRUE(node_.write("kv/data/" + name, R"({"data":{"value":")" + value + "\"}}").ok());
  }
  /// All of the store, but how far it has come in time: that is written whatever else happens.
  std::map<std::string, std::string> entries() {
    std::map<std::string, std::string> found;
    const auto view = memory_.view().value();
    for (auto page = view->next(100'000); !page.value().empty(); page = view->next(100'000)) {
      for (const auto& entry : *page) found[entry.key] = entry.value;
    }
    found.erase(core::keys::time_mark());
    return found;
  }
  /// Past tokens: what the store has now.
  std::string value(const std::string& name) {
    const auto session = node_.node().session().load();
    const auto mount = mount_id("kv/");
    core::Transaction tx = node_.transaction();
    const auto head = core::secrets::find(tx, mount, name).value();
    if (head == nullptr) return "(none)";
    const auto* version = core::secrets::current_version(*head);
    return std::string(core::secrets::content(tx, mount, *head, *version, session->redactor).value().reveal());
  }
};

TEST_F(SnapshotTest, ARestoredStoreIsAsItWas) {
  put("kept", "old");
  put("lost", "old");
  const std::string snapshot = save();
  put("kept", "new");
  put("later", "new");
  EXPECT_TRUE(node_.erase("kv/metadata/lost").ok());
  const Got got = restore(snapshot);
  ASSERT_TRUE(got.ok()) << got.error->message;
  EXPECT_NE(got.at("entries"), "(none)");
  EXPECT_EQ(value("kept"), R"({"value":"old"})");
  EXPECT_EQ(value("lost"), R"({"value":"old"})");
  EXPECT_EQ(value("later"), "(none)");
  EXPECT_EQ(node_.node().state(), core::NodeState::kActive);
}

TEST_F(SnapshotTest, TokensOfBeforeAreVoidAndNewOnesWork) {
  put("a", "old");
  node_.put_policy("reads", R"(path "kv/*" { capabilities = ["read"] })");
  const std::string before = node_.token({"reads"});
  const std::string snapshot = save();
  const std::string after = node_.token({"reads"});
  ASSERT_TRUE(restore(snapshot).ok());
  EXPECT_EQ(node_.read("kv/data/a", before).word(), "denied");
  EXPECT_EQ(node_.read("kv/data/a", after).word(), "denied");
  EXPECT_EQ(node_.read("kv/data/a").word(), "denied") << "the root token";
  EXPECT_EQ(node_.read("kv/data/a", node_.token({"reads"})).at("data.value"), "old");
}

/// Or a restored store would give out a second time what is void.
TEST_F(SnapshotTest, EachRestoreHasAnEpochOfItsOwn) {
  const std::string snapshot = save();
  std::vector<std::string> tokens{node_.token({"root"})};
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(restore(snapshot, tokens.back()).ok());
    for (const std::string& token : tokens) EXPECT_EQ(node_.read("sys/mounts", token).word(), "denied");
    tokens.push_back(node_.token({"root"}));
  }
}

TEST_F(SnapshotTest, KeysAndSharesStayThoseOfToday) {
  const auto record = [this](std::string_view key) { return memory_.get(key).value()->value; };
  const std::string snapshot = save();
  EXPECT_TRUE(node_.write("sys/rotate", "{}").ok());
  put("after", "under the new key");
  const std::string keyring = record(core::seal_records::kKeyringKey);
  ASSERT_TRUE(restore(snapshot).ok());
  EXPECT_EQ(record(core::seal_records::kKeyringKey), keyring);
  node_.node().seal();
  node_.unseal();
  EXPECT_EQ(node_.node().state(), core::NodeState::kActive);
}

TEST_F(SnapshotTest, WhatIsDamagedChangesNothing) {
  put("a", "old");
  const std::string snapshot = save();
  put("a", "new");
  const auto store = entries();
  for (std::size_t at = 0; at < snapshot.size(); at += snapshot.size() / 37) {
    std::string bad = snapshot;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_EQ(restore(bad).word(), "invalid") << at;
  }
  EXPECT_EQ(restore(snapshot.substr(0, snapshot.size() / 2)).word(), "invalid");
  EXPECT_EQ(restore("no snapshot").word(), "invalid");
  EXPECT_EQ(restore("").word(), "invalid");
  EXPECT_EQ(value("a"), R"({"value":"new"})");
  EXPECT_TRUE(entries() == store);
}

TEST_F(SnapshotTest, ThatOfAnotherStoreIsRefused) {
  storage::MemoryStorage other_store(clock_);
  test::EngineNode other(other_store, clock_);
  other.node.initialize();
  const std::string foreign = other.node.read("sys/storage/raft/snapshot").data;
  const Got got = restore(foreign);
  EXPECT_EQ(got.word(), "invalid");
  EXPECT_EQ(node_.write("sys/storage/raft/snapshot-force", foreign).word(), "invalid");
  EXPECT_TRUE(node_.read("sys/mounts").ok());
}

TEST_F(SnapshotTest, AStoreThatTakesNoWritesStaysAsItIs) {
  put("a", "old");
  const std::string snapshot = save();
  put("a", "new");
  faults_.fail_reads(1, 1'000'000);
  EXPECT_FALSE(restore(snapshot).ok());
  faults_.heal();
  EXPECT_EQ(value("a"), R"({"value":"new"})");
}

TEST_F(SnapshotTest, TakesSudoToRestoreAndReadToSave) {
  const std::string snapshot = save();
  const std::string reads = with_policy(R"(path "sys/storage/raft/snapshot" { capabilities = ["read", "update"] })");
  EXPECT_EQ(node_.read("sys/storage/raft/snapshot", reads).word(), "found");
  EXPECT_EQ(restore(snapshot, reads).word(), "denied");
  EXPECT_EQ(node_.read("sys/storage/raft/snapshot", node_.token({"default"})).word(), "denied");
}

TEST_F(SnapshotTest, OneSecretComesBackAsANewVersion) {
  put("a/b", "old");
  put("other", "old");
  const std::string snapshot = save();
  put("a/b", "new");
  put("other", "new");
  const Got got = recover("kv/a/b", snapshot);
  ASSERT_TRUE(got.ok()) << got.error->message;
  EXPECT_EQ(got.at("version"), "3");
  EXPECT_EQ(got.at("version_in_snapshot"), "1");
  EXPECT_EQ(node_.read("kv/data/a/b").at("data.value"), "old");
  EXPECT_EQ(node_.read("kv/data/other").at("data.value"), "new");
}

TEST_F(SnapshotTest, AnErasedAndALargeSecretComeBackToo) {
  put("gone", "old");
  const std::string large(700'000, 'x');
  put("large", large);
  const std::string snapshot = save();
  EXPECT_TRUE(node_.erase("kv/metadata/gone").ok());
  put("large", "small");
  EXPECT_EQ(recover("kv/gone", snapshot).at("version"), "1");
  EXPECT_EQ(node_.read("kv/data/gone").at("data.value"), "old");
  EXPECT_EQ(recover("kv/large", snapshot).at("version"), "3");
  EXPECT_EQ(node_.read("kv/data/large").at("data.value"), large);
}

TEST_F(SnapshotTest, WhatCannotBeRecoveredIsSaid) {
  const std::string snapshot = save();
  put("new", "new");
  EXPECT_EQ(recover("kv/new", snapshot).word(), "not-found");
  EXPECT_EQ(recover("kv/none", snapshot).word(), "not-found");
  EXPECT_EQ(recover("kv/", snapshot).word(), "invalid");
  EXPECT_EQ(recover("nowhere/a", snapshot).word(), "invalid");
  EXPECT_EQ(recover("", snapshot).word(), "invalid");
  std::string bad = snapshot;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  EXPECT_EQ(recover("kv/new", bad).word(), "invalid");
}

/// As `operator snapshot restore-offline` does it.
TEST_F(SnapshotTest, AnEmptyStoreBecomesTheOneOfTheSnapshot) {
  put("a", "old");
  node_.put_policy("reads", R"(path "kv/*" { capabilities = ["read"] })");
  const std::string before = node_.token({"reads"});
  const auto file = file_of(save());
  storage::MemoryStorage fresh(clock_);
  ASSERT_TRUE(fresh.replace(core::store_snapshots::entries_for_closed_store(file, "").value()).ok());
  {
    test::EngineNode restored(fresh, clock_);
    EXPECT_EQ(restored.node.node().state(), core::NodeState::kSealed);
    restored.node.join(node_);
    EXPECT_EQ(restored.node.read("kv/data/a", before).word(), "denied");
    EXPECT_EQ(restored.node.read("kv/data/a", restored.node.token({"reads"})).at("data.value"), "old");
  }
  EXPECT_FALSE(fresh.get(core::seal_records::kRestoredKey)->has_value()) << "the mark is gone";
  // Of somebody else's key.
  storage::MemoryStorage refused(clock_);
  EXPECT_EQ(refused.replace(core::store_snapshots::entries_for_closed_store(file, std::string(32, 'k')).value()).code(), Code::kInvalid);
  EXPECT_EQ(core::test::all_bytes(refused), "");
}

/// Somebody took entries out, and signed the rest with a key of his own.
TEST_F(SnapshotTest, AStoreFromASnapshotThatItsKeyDidNotSignIsNotOpened) {
  const auto view = memory_.view().value();
  crypto::SeededRng rng(3);
  const core::backup::SnapshotKeys forger{crypto::HmacSha256(rng.key(32)), crypto::Ed25519Signer::from_seed(rng.key(32)).value()};
  auto forged = SpoolFile::create("").value();
  const core::backup::Manifest manifest{.id = std::string(32, 'f'), .store_id = node_.node().barrier().store_id(), .at = 1, .created_ms = 1,
                                        .keyhold_version = "1", .seal_type = "shamir", .shares = 1, .threshold = 1, .active_term = 1};
  ASSERT_TRUE(core::backup::write_snapshot(*view, manifest, forger, [&](std::string_view bytes) { return forged->append(bytes); }).ok());
  storage::MemoryStorage fresh(clock_);
  ASSERT_TRUE(fresh.replace(core::store_snapshots::entries_for_closed_store(std::move(forged), "").value()).ok());
  test::EngineNode restored(fresh, clock_);
  EXPECT_EQ(restored.node.try_to_join(node_).code(), Code::kCorrupt);
  EXPECT_EQ(restored.node.node().state(), core::NodeState::kSealed);
}

class SnapshotSchedules : public SnapshotTest {
 protected:
  SnapshotSchedules() { own_.node.join(node_); }

  static constexpr std::string_view kConfig = "sys/storage/raft/snapshot-auto/config/";
  Got schedule(const std::string& name, std::string body) { return own_.node.write(std::string(kConfig) + name, std::move(body), node_.root_token()); }
  Got status(const std::string& name) { return own_.node.read("sys/storage/raft/snapshot-auto/status/" + name, node_.root_token()); }
  std::size_t files(const std::string& folder = "") {
    std::error_code none;
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path() + folder, none)) count += entry.is_regular_file() ? 1 : 0;
    return count;
  }
  bool made(const std::string& name, std::size_t count) {
    own_.node.node().snapshots().wake();
    return core::test::await([&] { return status(name).at("snapshots") == std::to_string(count) && status(name).at("last_snapshot_end") != ""; });
  }

  core::test::TemporaryDirectory directory_;
  test::EngineNode own_{faults_, clock_, {1, nullptr, {}, directory_.path(), {}}};
};

TEST_F(SnapshotSchedules, MakeFilesThatCanBeRestoredAndKeepTheNewest) {
  put("a", "old");
  EXPECT_EQ(schedule("hourly", R"({"interval":"1h","retain":2})").word(), "empty");
  ASSERT_TRUE(made("hourly", 1));
  const std::string first = status("hourly").at("last_snapshot_url");
  put("a", "new");
  const Got got = own_.node.ask({.operation = core::Operation::kUpdate,
                                 .path = "sys/storage/raft/snapshot-recover",
                                 .token = node_.root_token(),
                                 .query = {{"path", "kv/a"}, {"file", first}}});
  ASSERT_TRUE(got.ok()) << got.error->message;
  EXPECT_EQ(node_.read("kv/data/a").at("data.value"), "old");
  for (std::string last = first; const int round : {1, 2, 3}) {
    clock_.advance_ms(3'600'000);
    own_.node.node().snapshots().wake();
    EXPECT_TRUE(core::test::await([&] { return status("hourly").at("last_snapshot_url") != last; })) << round;
    last = status("hourly").at("last_snapshot_url");
  }
  // The oldest is removed once the newest is noted.
  EXPECT_TRUE(core::test::await([&] { return files() == 2; }));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() + "/" + first));
}

TEST_F(SnapshotSchedules, AreReadListedAndRemoved) {
  EXPECT_EQ(own_.node.list("sys/storage/raft/snapshot-auto/config", node_.root_token()).word(), "not-found");
  EXPECT_TRUE(schedule("daily", R"({"interval":86400,"retain":7,"path_prefix":"deep/er","file_prefix":"store"})").ok());
  const Got got = own_.node.read(std::string(kConfig) + "daily", node_.root_token());
  EXPECT_EQ(got.at("interval"), "86400");
  EXPECT_EQ(got.at("retain"), "7");
  EXPECT_EQ(got.at("path_prefix"), "deep/er");
  EXPECT_EQ(got.at("storage_type"), "local");
  ASSERT_TRUE(made("daily", 1));
  EXPECT_EQ(files("/deep/er"), 1u);
  EXPECT_EQ(own_.node.list("sys/storage/raft/snapshot-auto/config", node_.root_token()).data, R"({"keys":["daily"]})");
  EXPECT_TRUE(own_.node.erase(std::string(kConfig) + "daily", node_.root_token()).ok());
  EXPECT_EQ(status("daily").word(), "not-found");
}

TEST_F(SnapshotSchedules, WriteNowhereElse) {
  for (const char* folder : {"/etc", "../up", "a/../b", "a//b", ".hidden", "a/", "a b"}) {
    EXPECT_EQ(schedule("bad", R"({"interval":"1h","path_prefix":")" + std::string(folder) + "\"}").word(), "invalid") << folder;
  }
  EXPECT_EQ(schedule("bad", R"({"interval":"1h","file_prefix":"a/b"})").word(), "invalid");
  EXPECT_EQ(schedule("bad", R"({"interval":"1s"})").word(), "invalid");
  EXPECT_EQ(schedule("bad", R"({})").word(), "invalid");
  EXPECT_EQ(schedule("bad", R"({"interval":"1h","retain":0})").word(), "invalid");
  EXPECT_EQ(schedule("bad", R"({"interval":"1h","storage_type":"aws-s3"})").word(), "invalid");
  EXPECT_EQ(node_.write(std::string(kConfig) + "any", R"({"interval":"1h"})").word(), "invalid") << "this node has no directory";
  const Got got = own_.node.ask({.operation = core::Operation::kUpdate,
                                 .path = "sys/storage/raft/snapshot",
                                 .token = node_.root_token(),
                                 .query = {{"file", "../../etc/passwd"}}});
  EXPECT_EQ(got.word(), "invalid");
}

TEST_F(SnapshotSchedules, AreAsManyAsAreRun) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(schedule("s" + std::to_string(i), R"({"interval":"1000h"})").ok()) << i;
  EXPECT_EQ(schedule("more", R"({"interval":"1000h"})").word(), "invalid");
  EXPECT_TRUE(schedule("s99", R"({"interval":"2000h"})").ok());
}

TEST_F(SnapshotSchedules, TellWhatWentWrong) {
  std::ofstream(directory_.path() + "/taken") << "a file where the folder is to be";
  EXPECT_TRUE(schedule("bad", R"({"interval":"1h","path_prefix":"taken"})").ok());
  own_.node.node().snapshots().wake();
  EXPECT_TRUE(core::test::await([&] { return status("bad").at("last_snapshot_error") != ""; }));
}

}  // namespace
}  // namespace keyhold::engine
