#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "base/json.h"
#include "core/audit/file_calls.h"
#include "engine/sys/shares_fixture.h"
#include "storage/fault_storage.h"

namespace keyhold::engine {
namespace {

using test::Got;
using test::shares_in;

/// A node on an empty store, asked without a token unless a test gives one.
class SealRoutesTest : public ::testing::Test {
 protected:
  Got write(std::string path, std::string body) { return node_.write(std::move(path), std::move(body), ""); }
  Got status() { return node_.read("sys/seal-status", ""); }
  Got init(std::string body = R"({"secret_shares":5,"secret_threshold":3})") { return write("sys/init", std::move(body)); }
  Got unseal(const std::string& share) { return write("sys/unseal", test::share_body(share)); }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  test::EngineNode engines_{store_, clock_};
  test::TestNode& node_ = engines_.node;
};

TEST_F(SealRoutesTest, BeforeInitialisation) {
  EXPECT_EQ(node_.read("sys/init", "").at("initialized"), "false");
  EXPECT_EQ(status().at("initialized"), "false");
  EXPECT_EQ(status().at("sealed"), "true");
  EXPECT_EQ(node_.read("sys/health", "").at("initialized"), "false");
  EXPECT_EQ(unseal("00").word(), "invalid");
  EXPECT_EQ(node_.read("sys/mounts", "").word(), "sealed");
}

TEST_F(SealRoutesTest, SharesThatAreToBeWrappedAreNotTold) {
  const Got got = node_.ask({.operation = core::Operation::kUpdate, .path = "sys/init", .token = "",
                             .body = R"({"secret_shares":1,"secret_threshold":1})", .wrap_ttl_s = 60});
  EXPECT_EQ(got.word(), "invalid");
  EXPECT_EQ(node_.read("sys/init", "").at("initialized"), "false");
}

/// A journal's disk that is full while told so.
class FullDisk final : public core::audit::FileCalls {
 public:
  ssize_t write(int fd, const char* data, std::size_t size) override {
    if (!full) return FileCalls::write(fd, data, size);
    errno = ENOSPC;
    return -1;
  }
  std::atomic<bool> full{false};
};

TEST(SealRoutesJournalTest, NoKeysAreMadeThatCouldNotBeTold) {
  FakeClock clock;
  storage::MemoryStorage store(clock);
  FullDisk disk;
  test::EngineNode engines(store, clock, {1, &disk});
  test::TestNode& node = engines.node;
  disk.full = true;
  EXPECT_FALSE(node.write("sys/init", R"({"secret_shares":1,"secret_threshold":1})", "").ok());
  EXPECT_EQ(node.read("sys/init", "").at("initialized"), "false");
  disk.full = false;
  EXPECT_EQ(node.write("sys/init", R"({"secret_shares":1,"secret_threshold":1})", "").word(), "found");
}

TEST(SealRoutesJournalTest, NothingIsUnsealedThatCannotBeTold) {
  FakeClock clock;
  storage::MemoryStorage store(clock);
  FullDisk disk;
  test::EngineNode engines(store, clock, {1, &disk});
  test::TestNode& node = engines.node;
  const Got made = node.write("sys/init", R"({"secret_shares":1,"secret_threshold":1})", "");
  const std::string body = R"({"key":")" + json::Document::parse(made.data)->root().find("keys")->at(0).as_string().value() + R"("})";
  disk.full = true;
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(node.write("sys/unseal", body, "").ok());
  EXPECT_EQ(node.read("sys/seal-status", "").at("sealed"), "true");
  disk.full = false;
  EXPECT_EQ(node.write("sys/unseal", body, "").at("sealed"), "false");
}

TEST(SealRoutesRaceTest, StatusSaysUnsealedNotBeforeRequestsAreServed) {
  FakeClock clock;
  storage::MemoryStorage store(clock);
  core::test::InterceptedStorage tap(store);
  test::EngineNode engines(tap, clock);
  test::TestNode& node = engines.node;
  std::vector<bool> sealed;
  const auto look = [&] { sealed.push_back(node.node().seal_status().sealed); };
  tap.before_get('t', look);  // The first root token is looked for while it is made.
  node.initialize();
  node.node().seal();
  tap.before_list('m', look);  // The mounts are loaded.
  node.unseal();
  EXPECT_EQ(sealed, (std::vector<bool>{true, true}));
  EXPECT_FALSE(node.node().seal_status().sealed);
}

TEST(SealRoutesRaceTest, AFailedUnsealingKeepsNothing) {
  FakeClock clock;
  storage::MemoryStorage store(clock);
  test::EngineNode engines(store, clock);
  core::Node& node = engines.node.node();
  auto made = node.initialize(1, 1);
  ASSERT_TRUE(made.ok());
  // Read last of all.
  ASSERT_TRUE(store.commit({.conditions = {}, .operations = {storage::put(core::keys::policy(core::keys::kRootNamespace, "zzz"), "damage")}}).ok());
  EXPECT_EQ(node.unseal(made->shares.front()).code(), Code::kCorrupt);
  EXPECT_TRUE(node.seal_status().sealed);
  EXPECT_EQ(node.cache().entries(), 0u);
}

TEST(SealRoutesInitTest, KeysFirstTokenAndDefaultPolicyAreOneCommit) {
  FakeClock clock;
  storage::MemoryStorage store(clock);
  storage::FaultStorage faults(store, clock);
  test::EngineNode engines(faults, clock);
  test::TestNode& node = engines.node;
  using Kind = storage::CommitFault::Kind;
  const std::string body = R"({"secret_shares":1,"secret_threshold":1})";
  for (const Kind kind : {Kind::kRefused, Kind::kUnknownDidNotHappen}) {
    faults.inject({.kind = kind});
    EXPECT_EQ(node.write("sys/init", body, "").word(), "unavailable");
    EXPECT_EQ(core::test::count_keys(store, ""), 0u);
  }
  // What is known by then is not lost: the repeated call tells it.
  const auto before = faults.commits();
  faults.inject({.kind = Kind::kUnknownHappened, .resolves_unknown = 30});
  EXPECT_EQ(node.write("sys/init", body, "").word(), "unknown");
  EXPECT_EQ(node.read("sys/seal-status", "").at("sealed"), "true");
  const Got made = node.write("sys/init", body, "");
  ASSERT_EQ(made.word(), "found");
  EXPECT_EQ(faults.commits(), before + 1);
  const auto document = json::Document::parse(made.data);
  const auto keys = document->root().find("keys");
  EXPECT_EQ(node.write("sys/unseal", R"({"key":")" + keys->at(0).as_string().value() + R"("})", "").at("sealed"), "false");
  EXPECT_EQ(node.read("sys/policies/acl/default", made.at("root_token")).word(), "found");
}

TEST_F(SealRoutesTest, InitialisationHasBounds) {
  for (const char* numbers :
       {R"({"secret_shares":0,"secret_threshold":0})", R"({"secret_shares":256,"secret_threshold":3})",
        R"({"secret_shares":3,"secret_threshold":4})", R"({"secret_shares":2,"secret_threshold":1})",
        R"({"secret_shares":-1,"secret_threshold":-1})", R"({"secret_shares":4294967297,"secret_threshold":1})",
        R"({"secret_shares":"x"})"}) {
    EXPECT_EQ(init(numbers).word(), "invalid") << numbers;
  }
  EXPECT_EQ(node_.read("sys/init", "").at("initialized"), "false");
}

TEST_F(SealRoutesTest, NothingIsToldInClearThatWasWantedEncrypted) {
  EXPECT_EQ(init(R"({"secret_shares":1,"secret_threshold":1,"pgp_keys":["x"]})").word(), "invalid");
  EXPECT_EQ(init(R"({"secret_shares":1,"secret_threshold":1,"root_token_pgp_key":"x"})").word(), "invalid");
  EXPECT_EQ(node_.read("sys/init", "").at("initialized"), "false");
  EXPECT_EQ(init(R"({"secret_shares":1,"secret_threshold":1,"pgp_keys":[],"root_token_pgp_key":""})").word(), "found");
}

TEST(SealRoutesRaceTest, AResetDuringInitialisationLosesNoKeys) {
  FakeClock clock;
  for (int round = 0; round < 10; ++round) {
    storage::MemoryStorage store(clock);
    test::EngineNode engines(store, clock);
    std::atomic<bool> done{false};
    std::thread other([&] {
      while (!done) engines.node.node().reset_unseal();
    });
    EXPECT_TRUE(engines.node.node().initialize(255, 200).ok());
    done = true;
    other.join();
  }
}

TEST_F(SealRoutesTest, InitialisesOnce) {
  const Got made = init("{}");
  ASSERT_EQ(made.word(), "found");
  EXPECT_EQ(shares_in(made, "keys").size(), 5u) << "the defaults are Vault's";
  EXPECT_EQ(status().at("t"), "3");
  EXPECT_TRUE(made.at("root_token").starts_with("hvs."));
  EXPECT_EQ(init().word(), "invalid");
  EXPECT_EQ(status().at("sealed"), "true");
  for (const std::string& record : node_.records()) {
    EXPECT_EQ(record.find(made.at("root_token")), std::string::npos);
    EXPECT_EQ(record.find(shares_in(made, "keys")[0]), std::string::npos);
  }
}

TEST_F(SealRoutesTest, UnsealsShareByShare) {
  const Got made = init();
  const auto hex = shares_in(made, "keys");
  const auto base64 = shares_in(made, "keys_base64");
  const Got first = unseal(hex[4]);
  EXPECT_EQ(first.at("progress"), "1");
  EXPECT_EQ(first.at("sealed"), "true");
  EXPECT_NE(first.at("nonce"), "");
  EXPECT_EQ(unseal(hex[4]).at("progress"), "1") << "the same share again";
  EXPECT_EQ(unseal(base64[0]).at("progress"), "2");
  EXPECT_EQ(status().at("nonce"), first.at("nonce"));
  const Got last = unseal(hex[2]);
  EXPECT_EQ(last.at("sealed"), "false");
  EXPECT_EQ(last.at("progress"), "0");
  EXPECT_EQ(node_.read("sys/mounts", made.at("root_token")).word(), "found");
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find(hex[4]), std::string::npos);
}

TEST_F(SealRoutesTest, WhatAStrangerDoesIsRecordedOrRefused) {
  const auto hex = shares_in(init(R"({"secret_shares":255,"secret_threshold":250})"), "keys");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(node_.read("sys/mounts", "forged").word(), "sealed") << "failures have their own quota";
  Got got;
  for (int i = 0; i < 250; ++i) {
    got = unseal(hex[static_cast<std::size_t>(i)]);
    ASSERT_EQ(got.word(), "found") << i;
    ASSERT_EQ(node_.records_of(got.request_id).size(), 2u) << i << ": intent and outcome";
  }
  EXPECT_EQ(got.at("sealed"), "false");
  for (int i = 0; i < 100 && got.ok(); ++i) got = write("sys/unseal", R"({"reset":true})");
  EXPECT_EQ(got.word(), "limited");
  clock_.advance_ms(core::audit::FailureQuota::kWindowMs);
  EXPECT_EQ(write("sys/unseal", R"({"reset":true})").word(), "found");
}

TEST_F(SealRoutesTest, ResetDropsTheProgressAndItsNonce) {
  const auto hex = shares_in(init(), "keys");
  const std::string nonce = unseal(hex[0]).at("nonce");
  EXPECT_EQ(write("sys/unseal", R"({"reset":true})").at("progress"), "0");
  EXPECT_EQ(status().at("nonce"), "");
  EXPECT_NE(unseal(hex[0]).at("nonce"), nonce);
}

TEST_F(SealRoutesTest, WrongSharesTellNothing) {
  const auto hex = shares_in(init(), "keys");
  std::string wrong = hex[1];
  wrong[0] = wrong[0] == '0' ? '1' : '0';
  unseal(hex[0]);
  unseal(wrong);
  const Got got = unseal(hex[2]);
  EXPECT_EQ(got.word(), "invalid");
  EXPECT_EQ(got.error->message.find(wrong), std::string::npos);
  EXPECT_EQ(status().at("sealed"), "true");
  EXPECT_EQ(status().at("progress"), "0");
  for (const char* body : {"{}", R"({"key":""})", R"({"key":"not a share"})", R"({"key":"00ff"})"}) {
    EXPECT_EQ(write("sys/unseal", body).word(), "invalid") << body;
  }
}

TEST_F(SealRoutesTest, SealingNeedsSudoAndHoldsAtOnce) {
  node_.initialize();
  node_.put_policy("weak", R"(path "sys/seal" { capabilities = ["update"] })");
  node_.put_policy("strong", R"(path "sys/seal" { capabilities = ["update", "sudo"] })");
  const std::string strong = node_.token({"strong"});
  EXPECT_EQ(node_.write("sys/seal", "", "").word(), "denied");
  EXPECT_EQ(node_.write("sys/seal", "", node_.token({"weak"})).word(), "denied");
  EXPECT_EQ(node_.write("sys/seal", "", strong).word(), "empty");
  EXPECT_EQ(node_.read("sys/mounts").word(), "sealed");
  EXPECT_EQ(node_.read("sys/health", "").at("sealed"), "true");
  EXPECT_EQ(node_.read("sys/health", "").at("initialized"), "true");
  node_.unseal();
  EXPECT_EQ(node_.read("sys/health", "").at("sealed"), "false");
  EXPECT_EQ(node_.read("sys/mounts").word(), "found");
}

}  // namespace
}  // namespace keyhold::engine
