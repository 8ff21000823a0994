#include <gtest/gtest.h>

#include "engine/sys/shares_fixture.h"

namespace keyhold::engine {
namespace {

using storage::CommitFault;
using test::Got;
using test::share_body;
using test::Shares;
using test::shares_in;

/// A node of which three of five shares unseal.
class RekeyRoutesTest : public ::testing::Test {
 protected:
  RekeyRoutesTest() {
    const Got made = node_.write("sys/init", R"({"secret_shares":5,"secret_threshold":3})", "");
    shares_ = shares_in(made);
    node_.know(SecretBytes::zeroed(1), made.at("root_token"));
    EXPECT_TRUE(unseals(node_, shares_));
    EXPECT_EQ(node_.write("sys/mounts/kv", R"({"type":"kv-v2"})").word(), "empty");
    EXPECT_EQ(node_.write("kv/data/a", R"({"data":{"a":"kept"}})").word(), "found");
  }

  /// Seals and tries the first three.
  static bool unseals(test::TestNode& node, const Shares& shares) {
    node.node().seal();
    node.write("sys/unseal", R"({"reset":true})", "");
    Got got;
    for (std::size_t i = 0; i < shares.size() && got.at("sealed") != "false"; ++i) got = node.write("sys/unseal", share_body(shares[i]), "");
    return got.at("sealed") == "false";
  }
  std::string start(std::string body = R"({"secret_shares":3,"secret_threshold":2})", const std::string& path = "sys/rekey/init") {
    const Got got = node_.write(path, std::move(body));
    EXPECT_EQ(got.word(), "found");
    return got.at("nonce");
  }
  Got give(const std::string& share, const std::string& nonce, std::optional<std::string> token = {}) {
    return node_.write("sys/rekey/update", share_body(share, nonce), std::move(token));
  }
  Got verify(const std::string& share, const std::string& nonce) { return node_.write("sys/rekey/verify", share_body(share, nonce)); }
  Got give_all(const std::string& nonce) {
    give(shares_[4], nonce);
    give(shares_[0], nonce);
    return give(shares_[2], nonce);
  }
  bool kept() { return node_.read("kv/data/a").at("data.a") == "kept"; }
  static bool of_seal(const storage::Batch& batch) {
    return std::ranges::any_of(batch.operations, [](const auto& operation) { return operation.key == core::seal_records::kConfigKey; });
  }

  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  storage::FaultStorage faults_{memory_, clock_};
  test::EngineNode engines_{faults_, clock_};
  test::TestNode& node_ = engines_.node;
  Shares shares_;
};

TEST_F(RekeyRoutesTest, ReplacesTheSharesStepByStep) {
  EXPECT_EQ(node_.read("sys/rekey/init").data,
            R"({"nonce":"","pgp_fingerprints":null,"backup":false,"verification_required":false,"started":false,"t":0,"n":0,"progress":0,"required":3,"seal_threshold":3})");
  const std::string nonce = start();
  EXPECT_EQ(node_.write("sys/rekey/init", R"({"secret_shares":3,"secret_threshold":2})").word(), "invalid") << "one at a time";
  EXPECT_EQ(give(shares_[0], nonce).at("progress"), "1");
  EXPECT_EQ(give(shares_[0], nonce).at("progress"), "1") << "the same one again";
  EXPECT_EQ(give(shares_[1], nonce).at("progress"), "2");
  const Got status = node_.read("sys/rekey/init");
  EXPECT_EQ(status.at("started"), "true");
  EXPECT_EQ(status.at("n"), "3");
  EXPECT_EQ(status.at("t"), "2");
  const Got last = give(shares_[3], nonce);
  EXPECT_EQ(last.at("complete"), "true");
  const Shares fresh = shares_in(last);
  ASSERT_EQ(fresh.size(), 3u);
  EXPECT_EQ(node_.read("sys/rekey/init").at("started"), "false");
  EXPECT_EQ(node_.read("sys/rekey/init").at("required"), "2");
  EXPECT_TRUE(kept());
  for (const std::string& record : node_.records()) {
    for (const std::string& share : fresh) EXPECT_EQ(record.find(share), std::string::npos);
    for (const std::string& share : shares_) EXPECT_EQ(record.find(share), std::string::npos);
  }
  EXPECT_EQ(node_.records_of(last.request_id).size(), 2u) << "intent and outcome";
  EXPECT_FALSE(unseals(node_, shares_));
  EXPECT_TRUE(unseals(node_, {fresh[2], fresh[0]}));
  EXPECT_TRUE(kept());
}

TEST_F(RekeyRoutesTest, TheNewerNamesDoTheSame) {
  const std::string nonce = start(R"({"secret_shares":1,"secret_threshold":1})", "sys/rotate/root/init");
  Got got;
  for (int i : {0, 1, 2}) got = node_.write("sys/rotate/root/update", share_body(shares_[static_cast<std::size_t>(i)], nonce));
  EXPECT_EQ(got.at("complete"), "true");
  EXPECT_TRUE(unseals(node_, shares_in(got)));
}

TEST_F(RekeyRoutesTest, WithVerificationTheOldSharesHoldUntilTheNewOnesAreProven) {
  const std::string nonce = start(R"({"secret_shares":3,"secret_threshold":2,"require_verification":true})");
  const Got told = give_all(nonce);
  EXPECT_EQ(told.at("complete"), "true");
  EXPECT_EQ(told.at("verification_required"), "true");
  const Shares fresh = shares_in(told);
  const std::string proof = told.at("verification_nonce");
  EXPECT_EQ(node_.read("sys/rekey/verify").at("started"), "true");
  EXPECT_EQ(verify(fresh[0], nonce).word(), "invalid") << "the attempt's nonce is not that of the proof";
  EXPECT_EQ(verify(fresh[0], proof).at("progress"), "1");
  EXPECT_EQ(verify(shares_[0], proof).word(), "invalid") << "an old share";
  EXPECT_EQ(node_.read("sys/rekey/verify").at("progress"), "0");
  verify(fresh[0], proof);
  const Got anew = node_.erase("sys/rekey/verify");
  EXPECT_EQ(anew.at("progress"), "0");
  EXPECT_EQ(verify(fresh[0], proof).word(), "invalid");
  verify(fresh[0], anew.at("nonce"));
  const Got done = verify(fresh[2], anew.at("nonce"));
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_EQ(verify(fresh[2], anew.at("nonce")).at("complete"), "true") << "an answer that was lost";
  EXPECT_EQ(verify(fresh[1], anew.at("nonce")).word(), "invalid");
  EXPECT_FALSE(unseals(node_, shares_));
  EXPECT_TRUE(unseals(node_, fresh));
  EXPECT_TRUE(kept());
}

TEST_F(RekeyRoutesTest, GivenUpBeforeTheProofTheOldSharesGoOn) {
  const Got told = give_all(start(R"({"secret_shares":3,"secret_threshold":2,"require_verification":true})"));
  EXPECT_EQ(node_.erase("sys/rekey/init").word(), "empty");
  EXPECT_EQ(verify(shares_in(told)[0], told.at("verification_nonce")).word(), "invalid");
  EXPECT_FALSE(unseals(node_, shares_in(told)));
  EXPECT_TRUE(unseals(node_, shares_));
}

TEST_F(RekeyRoutesTest, SealingEndsIt) {
  const std::string nonce = start();
  give(shares_[0], nonce);
  ASSERT_TRUE(unseals(node_, shares_));
  EXPECT_EQ(node_.read("sys/rekey/init").at("started"), "false");
  EXPECT_EQ(give(shares_[1], nonce).word(), "invalid");
}

TEST_F(RekeyRoutesTest, WrongSharesTellNothingAndDropAll) {
  const std::string nonce = start();
  std::string wrong = shares_[1];
  wrong[0] = wrong[0] == '0' ? '1' : '0';
  give(shares_[0], nonce);
  give(wrong, nonce);
  const Got got = give(shares_[2], nonce);
  EXPECT_EQ(got.word(), "invalid");
  EXPECT_EQ(got.error->message.find(wrong), std::string::npos);
  EXPECT_EQ(node_.read("sys/rekey/init").at("progress"), "0");
  EXPECT_EQ(give_all(nonce).at("complete"), "true") << "the attempt itself goes on";
}

TEST_F(RekeyRoutesTest, BadQuestionsAreRefused) {
  for (const char* body : {"{}", R"({"secret_shares":0,"secret_threshold":0})", R"({"secret_shares":256,"secret_threshold":3})",
                           R"({"secret_shares":3,"secret_threshold":1})", R"({"secret_shares":3,"secret_threshold":4})",
                           R"({"secret_shares":-1,"secret_threshold":-1})", R"({"secret_shares":4294967299,"secret_threshold":3})",
                           R"({"secret_shares":1,"secret_threshold":1,"pgp_keys":["x"]})",
                           R"({"secret_shares":1,"secret_threshold":1,"backup":true})"}) {
    EXPECT_EQ(node_.write("sys/rekey/init", body).word(), "invalid") << body;
  }
  EXPECT_EQ(give(shares_[0], "").word(), "invalid");
  EXPECT_EQ(give(shares_[0], "nonce").word(), "invalid") << "none in progress";
  EXPECT_EQ(node_.read("sys/rekey/verify").word(), "invalid");
  const std::string nonce = start();
  for (const char* nonce_given : {"", "00000000-0000-4000-8000-000000000000"}) EXPECT_EQ(give(shares_[0], nonce_given).word(), "invalid");
  for (const char* share : {"", "zz", "00ff"}) EXPECT_EQ(give(share, nonce).word(), "invalid");
  EXPECT_EQ(node_.read("sys/rekey/init").at("progress"), "0");
}

// CVE-2025-4656 and CVE-2026-5807: strangers at the controls.
TEST_F(RekeyRoutesTest, NobodyWithoutATokenCanStartGiveOrCancel) {
  const std::string nonce = start();
  EXPECT_EQ(node_.erase("sys/rekey/init", "").word(), "denied");
  EXPECT_EQ(node_.write("sys/rekey/init", R"({"secret_shares":1,"secret_threshold":1})", "").word(), "denied");
  EXPECT_EQ(node_.read("sys/rekey/init", "").word(), "denied");
  for (const std::string& share : shares_) EXPECT_EQ(give(share, nonce, "").word(), "denied");
  EXPECT_EQ(node_.read("sys/rekey/init").at("progress"), "0");
  node_.put_policy("weak", R"(path "sys/rekey/*" { capabilities = ["read", "update", "delete"] })");
  const std::string weak = node_.token({"weak"});
  EXPECT_EQ(node_.erase("sys/rekey/init", weak).word(), "denied") << "cancelling takes sudo";
  EXPECT_EQ(give(shares_[0], nonce, weak).at("progress"), "1") << "a holder needs none";
  EXPECT_EQ(node_.ask({.operation = core::Operation::kDelete, .path = "sys/rekey/init", .body = R"({"nonce":"other"})"}).word(), "invalid");
  EXPECT_EQ(node_.read("sys/rekey/init").at("started"), "true");
}

TEST_F(RekeyRoutesTest, AnAnswerThatWasLostIsToldAgainToWhoGaveTheLastShare) {
  const std::string nonce = start();
  const Shares fresh = shares_in(give_all(nonce));
  EXPECT_EQ(shares_in(give(shares_[2], nonce)), fresh);
  EXPECT_EQ(give(shares_[0], nonce).word(), "invalid") << "another holder";
  EXPECT_EQ(give(shares_[2], "other").word(), "invalid");
  clock_.advance_ms(11 * 60 * 1000);
  node_.node().keyring().wake();
  EXPECT_TRUE(core::test::await([&] { return give(shares_[2], nonce).word() == "invalid"; }));
  EXPECT_TRUE(unseals(node_, fresh));
}

TEST_F(RekeyRoutesTest, AFaultyStoreLeavesOldOrNewShares) {
  const std::string nonce = start();
  give(shares_[4], nonce);
  give(shares_[0], nonce);
  faults_.inject({.kind = CommitFault::Kind::kRefused, .matches = of_seal});
  EXPECT_EQ(give(shares_[2], nonce).word(), "unavailable");
  faults_.inject({.kind = CommitFault::Kind::kUnknownDidNotHappen, .matches = of_seal});
  EXPECT_EQ(give(shares_[2], nonce).word(), "unavailable");
  EXPECT_EQ(give(shares_[1], nonce).word(), "invalid") << "enough were given";
  faults_.inject({.kind = CommitFault::Kind::kConflict, .times = 2, .matches = of_seal});
  const Got done = give(shares_[2], nonce);
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_TRUE(unseals(node_, shares_in(done)));
  EXPECT_TRUE(kept());
}

TEST_F(RekeyRoutesTest, AnUnknownOutcomeCostsNoShares) {
  const std::string nonce = start();
  give(shares_[4], nonce);
  give(shares_[0], nonce);
  faults_.inject({.kind = CommitFault::Kind::kUnknownHappened, .matches = of_seal, .resolves_unknown = 100});
  EXPECT_EQ(give(shares_[2], nonce).word(), "unknown");
  const Got done = give(shares_[2], nonce);
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_TRUE(unseals(node_, shares_in(done)));
}

TEST_F(RekeyRoutesTest, OfTwoNodesOneWins) {
  test::EngineNode other_engines(faults_, clock_);
  test::TestNode& other = other_engines.node;
  other.know(SecretBytes::zeroed(1), node_.root_token());
  ASSERT_TRUE(other.node().load().ok());
  ASSERT_TRUE(unseals(other, shares_));
  const std::string here = start();
  const std::string there = other.write("sys/rekey/init", R"({"secret_shares":1,"secret_threshold":1})").at("nonce");
  give(shares_[0], here);
  give(shares_[1], here);
  other.write("sys/rekey/update", share_body(shares_[3], there));
  other.write("sys/rekey/update", share_body(shares_[4], there));
  const Got done = other.write("sys/rekey/update", share_body(shares_[2], there));
  EXPECT_EQ(done.at("complete"), "true");
  EXPECT_EQ(give(shares_[2], here).word(), "invalid");
  EXPECT_EQ(node_.read("sys/rekey/init").at("started"), "false");
  EXPECT_TRUE(kept());
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty") << "this node has the new root key";
  EXPECT_EQ(other.read("sys/key-status").at("term"), "2");
  EXPECT_TRUE(unseals(node_, shares_in(done)));
}

TEST_F(RekeyRoutesTest, AWhileAfterARotationTheTermsBeforeDoNotOpenTheRootKey) {
  give_all(start());
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty");
  const auto term = [this] { return (*memory_.get(core::seal_records::kCurrentRootKeyKey))->value[3]; };
  EXPECT_EQ(term(), 1);
  clock_.advance_ms(core::SealManager::kFollowMs);
  node_.node().keyring().wake();
  EXPECT_TRUE(core::test::await([&term] { return term() == 2; }));
}

TEST_F(RekeyRoutesTest, TwoNodesAtOnceLeaveOneSetOfShares) {
  test::EngineNode other_engines(faults_, clock_);
  test::TestNode& other = other_engines.node;
  other.know(SecretBytes::zeroed(1), node_.root_token());
  ASSERT_TRUE(other.node().load().ok());
  ASSERT_TRUE(unseals(other, shares_));
  std::vector<std::future<Got>> asked;
  for (test::TestNode* node : {&node_, &other}) {
    const std::string nonce = node->write("sys/rekey/init", R"({"secret_shares":3,"secret_threshold":2})").at("nonce");
    for (int i : {0, 1}) node->write("sys/rekey/update", share_body(shares_[static_cast<std::size_t>(i)], nonce));
    asked.push_back(node->ask_later({.operation = core::Operation::kUpdate, .path = "sys/rekey/update", .body = share_body(shares_[2], nonce)}));
  }
  Shares valid;
  int complete = 0;
  for (auto& each : asked) {
    const Got got = each.get();
    if (got.at("complete") != "true") continue;
    ++complete;
    valid = shares_in(got);
  }
  EXPECT_EQ(complete, 1);
  EXPECT_TRUE(unseals(node_, valid));
  EXPECT_FALSE(unseals(other, shares_));
  EXPECT_TRUE(kept());
}

TEST_F(RekeyRoutesTest, ARotationInBetweenIsNoHindrance) {
  const std::string nonce = start(R"({"secret_shares":3,"secret_threshold":2,"require_verification":true})");
  const Got told = give_all(nonce);
  EXPECT_EQ(node_.write("sys/rotate", "").word(), "empty");
  node_.write("kv/data/b", R"({"data":{"a":"later"}})");
  verify(shares_in(told)[1], told.at("verification_nonce"));
  EXPECT_EQ(verify(shares_in(told)[0], told.at("verification_nonce")).at("complete"), "true");
  EXPECT_TRUE(unseals(node_, shares_in(told)));
  EXPECT_TRUE(kept());
  EXPECT_EQ(node_.read("kv/data/b").at("data.a"), "later");
}

}  // namespace
}  // namespace keyhold::engine
