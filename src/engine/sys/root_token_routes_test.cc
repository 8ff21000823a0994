#include <gtest/gtest.h>

#include <algorithm>

#include "core/root_token_attempts.h"
#include "engine/sys/shares_fixture.h"

namespace keyhold::engine {
namespace {

using storage::CommitFault;
using test::Ask;
using test::Got;
using test::share_body;
using test::Shares;
using test::shares_in;

/// A node of which two of three shares are enough.
class RootTokenRoutesTest : public ::testing::Test {
 protected:
  RootTokenRoutesTest() {
    const Got made = node_.write("sys/init", R"({"secret_shares":3,"secret_threshold":2})", "");
    shares_ = shares_in(made);
    node_.know(SecretBytes::zeroed(1), made.at("root_token"));
    for (int i : {0, 1}) node_.write("sys/unseal", share_body(shares_[static_cast<std::size_t>(i)]), "");
    EXPECT_EQ(node_.node().state(), core::NodeState::kActive);
  }

  Got as_stranger(core::Operation operation, std::string path, std::string body = "", std::string peer = "192.0.2.1") {
    return node_.ask({.operation = operation, .path = std::move(path), .token = "", .body = std::move(body), .peer = std::move(peer)});
  }
  Got start(std::string body = "", std::string peer = "192.0.2.1") {
    return as_stranger(core::Operation::kUpdate, "sys/generate-root/attempt", std::move(body), std::move(peer));
  }
  Got status(std::string peer = "192.0.2.1") { return as_stranger(core::Operation::kRead, "sys/generate-root/attempt", "", std::move(peer)); }
  Got give(std::size_t share, const std::string& nonce, std::string peer = "192.0.2.1") {
    return as_stranger(core::Operation::kUpdate, "sys/generate-root/update", share_body(shares_[share], nonce), std::move(peer));
  }
  Got cancel(const std::string& nonce) {
    return as_stranger(core::Operation::kDelete, "sys/generate-root/attempt", R"({"nonce":")" + nonce + R"("})", "198.51.100.1");
  }
  std::string decode(const Got& done, const std::string& pad) {
    return as_stranger(core::Operation::kUpdate, "sys/decode-token",
                       R"({"encoded_token":")" + done.at("encoded_token") + R"(","otp":")" + pad + R"("})").at("token");
  }
  static bool of_token(const storage::Batch& batch) {
    return std::ranges::any_of(batch.operations, [](const auto& operation) { return operation.key.starts_with('t'); });
  }
  std::size_t tokens() { return core::test::count_keys(memory_, "t"); }

  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  storage::FaultStorage faults_{memory_, clock_};
  test::EngineNode engines_{faults_, clock_};
  test::TestNode& node_ = engines_.node;
  Shares shares_;
};

TEST_F(RootTokenRoutesTest, MakesARootTokenOutOfShares) {
  EXPECT_EQ(status().at("started"), "false");
  const Got begun = start();
  EXPECT_EQ(begun.at("started"), "true");
  EXPECT_EQ(begun.at("required"), "2");
  EXPECT_EQ(begun.at("otp").size(), core::RootTokenAttempts::kPadBytes);
  EXPECT_EQ(begun.at("otp_length"), std::to_string(core::RootTokenAttempts::kPadBytes));
  EXPECT_EQ(status().at("otp"), "") << "told once";
  EXPECT_EQ(give(2, begun.at("nonce")).at("progress"), "1");
  EXPECT_EQ(give(2, begun.at("nonce")).at("progress"), "1");
  const Got done = give(0, begun.at("nonce"));
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_EQ(done.at("encoded_root_token"), done.at("encoded_token"));
  const std::string token = decode(done, begun.at("otp"));
  EXPECT_TRUE(token.starts_with("hvs."));
  EXPECT_EQ(node_.read("sys/mounts", token).word(), "found");
  EXPECT_EQ(status().at("started"), "false");
  const auto records = node_.records_of(done.request_id);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_NE(records[1].find("root_token_accessor"), std::string::npos);
  for (const std::string& record : node_.records()) {
    for (const std::string& secret : {token, begun.at("otp"), shares_[0], shares_[2]}) EXPECT_EQ(record.find(secret), std::string::npos);
  }
}

TEST_F(RootTokenRoutesTest, TheCallersPadIsUsed) {
  const std::string pad(core::RootTokenAttempts::kPadBytes, 'x');
  for (const char* bad : {"short", "AAAAAAAAAAAAAAAAAAAAAA=="}) EXPECT_EQ(start(std::string(R"({"otp":")") + bad + R"("})").word(), "invalid");
  const Got begun = start(R"({"otp":")" + pad + R"("})");
  EXPECT_EQ(begun.at("otp"), "");
  give(0, begun.at("nonce"));
  EXPECT_TRUE(decode(give(1, begun.at("nonce")), pad).starts_with("hvs."));
  EXPECT_EQ(start(R"({"pgp_key":"x"})").word(), "invalid");
}

TEST_F(RootTokenRoutesTest, WithATokenUnderTheNewerName) {
  const Got begun = node_.write("sys/generate-root-token/attempt", "");
  EXPECT_EQ(node_.read("sys/generate-root-token/attempt").at("nonce"), begun.at("nonce"));
  node_.put_policy("holder", R"(path "sys/generate-root-token/update" { capabilities = ["update"] })");
  const std::string holder = node_.token({"holder"});
  const auto share = [&](std::size_t i) {
    return node_.write("sys/generate-root-token/update", R"({"key":")" + shares_[i] + R"(","nonce":")" + begun.at("nonce") + R"("})", holder);
  };
  share(0);
  EXPECT_TRUE(decode(share(1), begun.at("otp")).starts_with("hvs."));
  EXPECT_EQ(node_.write("sys/generate-root-token/attempt", "", holder).word(), "denied");
  EXPECT_EQ(node_.write("sys/generate-root-token/attempt", "", "").word(), "denied");
}

TEST_F(RootTokenRoutesTest, SharesWithoutTheirNonceOrOfAnotherSealDoNothing) {
  const Got begun = start();
  EXPECT_EQ(give(0, "").word(), "invalid");
  EXPECT_EQ(give(0, "00000000-0000-4000-8000-000000000000").word(), "invalid");
  give(0, begun.at("nonce"));
  std::string wrong = shares_[1];
  wrong[0] = wrong[0] == '0' ? '1' : '0';
  std::swap(wrong, shares_[1]);
  EXPECT_EQ(give(1, begun.at("nonce")).word(), "invalid");
  EXPECT_EQ(status().at("progress"), "0");
  std::swap(wrong, shares_[1]);
  shares_[2] = "00ff";
  EXPECT_EQ(give(2, begun.at("nonce")).word(), "invalid");
  give(0, begun.at("nonce"));
  EXPECT_EQ(give(1, begun.at("nonce")).at("complete"), "true");
}

// CVE-2026-5807: an attempt that a stranger begins, or cancels, keeps nobody from his own.
TEST_F(RootTokenRoutesTest, StrangersDoNotStandInEachOthersWay) {
  const Got mine = start();
  const Got theirs = start("", "203.0.113.9");
  EXPECT_NE(mine.at("nonce"), theirs.at("nonce"));
  EXPECT_EQ(start().word(), "invalid") << "one for each";
  const Got seen = status("198.51.100.7");
  EXPECT_EQ(seen.at("started"), "true");
  EXPECT_EQ(seen.at("nonce"), "") << "not told to others";
  EXPECT_EQ(cancel("").word(), "denied");
  EXPECT_EQ(cancel("00000000-0000-4000-8000-000000000000").word(), "invalid");
  EXPECT_EQ(cancel(theirs.at("nonce")).word(), "empty");
  give(0, mine.at("nonce"));
  EXPECT_EQ(give(1, mine.at("nonce"), "198.51.100.7").at("complete"), "true") << "a holder elsewhere, who was told the nonce";
}

TEST_F(RootTokenRoutesTest, TheirNumberIsBoundedAndOnesWithSharesStay) {
  const Got mine = start();
  give(0, mine.at("nonce"));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(start("", "203.0.113." + std::to_string(i)).word(), "found") << i;
  EXPECT_EQ(give(1, mine.at("nonce")).at("complete"), "true");
}

TEST_F(RootTokenRoutesTest, AStrangersFloodIsRecordedOrRefused) {
  Got got;
  for (int i = 0; i < 400 && got.word() != "limited"; ++i) got = status();
  EXPECT_EQ(got.word(), "limited");
}

TEST_F(RootTokenRoutesTest, ATokenWithSudoCancelsThemAll) {
  const Got mine = start();
  node_.put_policy("weak", R"(path "sys/generate-root/attempt" { capabilities = ["delete"] })");
  node_.put_policy("strong", R"(path "sys/generate-root/attempt" { capabilities = ["delete", "sudo"] })");
  EXPECT_EQ(node_.erase("sys/generate-root/attempt", node_.token({"weak"})).word(), "denied");
  EXPECT_EQ(node_.erase("sys/generate-root/attempt", node_.token({"strong"})).word(), "empty");
  EXPECT_EQ(give(0, mine.at("nonce")).word(), "invalid");
  EXPECT_EQ(start().word(), "found");
  EXPECT_EQ(node_.erase("sys/generate-root/attempt").word(), "empty") << "root";
}

TEST_F(RootTokenRoutesTest, AnIdleAttemptEnds) {
  const Got begun = start();
  give(0, begun.at("nonce"));
  clock_.advance_ms(core::RootTokenAttempts::kIdleMs);
  EXPECT_EQ(give(1, begun.at("nonce")).word(), "invalid");
  EXPECT_EQ(start().word(), "found");
}

TEST_F(RootTokenRoutesTest, AnAnswerThatWasLostIsToldAgainAndMakesNoSecondToken) {
  const Got begun = start();
  give(0, begun.at("nonce"));
  const Got done = give(1, begun.at("nonce"));
  const std::size_t made = tokens();
  EXPECT_EQ(give(1, begun.at("nonce")).at("encoded_token"), done.at("encoded_token"));
  EXPECT_EQ(give(0, begun.at("nonce")).word(), "invalid") << "another holder";
  EXPECT_EQ(tokens(), made);
  const std::string token = decode(done, begun.at("otp"));
  EXPECT_EQ(node_.read("sys/mounts", token).word(), "found");
}

TEST_F(RootTokenRoutesTest, AFaultyStoreMakesOneTokenOrNone) {
  const Got begun = start();
  give(0, begun.at("nonce"));
  const std::size_t before = tokens();
  faults_.inject({.kind = CommitFault::Kind::kRefused, .matches = of_token});
  EXPECT_EQ(give(1, begun.at("nonce")).word(), "unavailable");
  EXPECT_EQ(tokens(), before);
  faults_.inject({.kind = CommitFault::Kind::kConflict, .times = 2, .matches = of_token});
  const Got done = give(1, begun.at("nonce"));
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_EQ(tokens(), before + 1);

  const Got next = start();
  give(0, next.at("nonce"));
  faults_.inject({.kind = CommitFault::Kind::kUnknownHappened, .matches = of_token, .resolves_unknown = 100});
  EXPECT_EQ(give(1, next.at("nonce")).word(), "unknown");
  EXPECT_EQ(decode(give(1, next.at("nonce")), next.at("otp")).substr(0, 4), "hvs.");
  EXPECT_EQ(tokens(), before + 2);
}

TEST_F(RootTokenRoutesTest, DecodingTakesWhatFits) {
  for (const char* body : {"{}", R"({"encoded_token":"","otp":""})", R"({"encoded_token":"!!!!","otp":"abc"})",
                           R"({"encoded_token":"AAAA","otp":"ab"})"}) {
    EXPECT_EQ(as_stranger(core::Operation::kUpdate, "sys/decode-token", body).word(), "invalid") << body;
  }
  EXPECT_EQ(as_stranger(core::Operation::kUpdate, "sys/decode-token", R"({"encoded_token":"AAAA","otp":"abc"})").at("token"), "abc");
}

TEST_F(RootTokenRoutesTest, WhileSealedThereIsNone) {
  const Got begun = start();
  node_.node().seal();
  EXPECT_EQ(start().word(), "sealed");
  EXPECT_EQ(give(0, begun.at("nonce")).word(), "sealed");
}

}  // namespace
}  // namespace keyhold::engine
