#include "core/rotation/rotation.h"

#include <gtest/gtest.h>

#include "core/rotation/rotator.h"
#include "core/test_support/test_node.h"

namespace keyhold::core::rotation {
namespace {

using Step = records::RotationRun;

constexpr keys::MountId kMount = 2048;
constexpr UnixMillis kNow = 1'700'000'000'000;

/// A head in a transaction that is not committed: states only.
class RotationStates : public ::testing::Test {
 protected:
  RotationStates() {
    node_.initialize();
    tx_.emplace(node_.transaction());
    head_.set_id("0123456789abcdef");
    head_.set_namespace_id(keys::kRootNamespace);
    fill(const_cast<secrets::Version&>(secrets::add_empty(head_, "first", {}, kNow, rng_)));
    secrets::move_label(head_, secrets::kCurrentLabel, head_.versions(0));
    EXPECT_TRUE(set_rule(*tx_, head_, {.rotator = "random", .lambda_arn = {}, .rules = Schedule::Rules{.automatically_after_days = 7}}).ok());
  }
  static void fill(secrets::Version& version) { version.set_empty(false); }
  void fill_pending() {
    for (auto& version : *head_.mutable_versions()) fill(version);
  }
  Result<void> start(std::string id = "second") { return begin(*tx_, kMount, head_, {.version_id = std::move(id)}, kNow, rng_); }
  Result<void> start_test() {
    return begin_test(*tx_, kMount, head_, {.version_id = "second"}, *node_.node().session().load(), kNow, rng_);
  }
  std::string done(records::RotationRun::Step step, std::string_view id = "second") {
    const auto more = step_done(*tx_, kMount, head_, id, step, kNow);
    return !more.ok() ? "error" : *more ? "more" : "end";
  }
  Result<void> fail(records::RotationRun::Step step, UnixMillis now = kNow) { return step_failed(*tx_, kMount, head_, "second", step, "it broke", now); }
  std::string labelled(std::string_view label) {
    const auto* version = secrets::version_labelled(head_, label);
    return version == nullptr ? "(none)" : secrets::version_id(*version);
  }
  const records::RotationRun& run() const { return head_.rotation().run(); }

  FakeClock clock_{kNow};
  storage::MemoryStorage memory_{clock_};
  test::TestNode node_{memory_, clock_, [](Router&, Node&) {}};
  crypto::SeededRng rng_{1};
  std::optional<Transaction> tx_;
  Head head_;
};

TEST_F(RotationStates, FourStepsMakeThePendingVersionCurrent) {
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(labelled(kPendingLabel), "second");
  EXPECT_EQ(labelled(secrets::kCurrentLabel), "first");
  EXPECT_TRUE(tx_->changes(keys::rotation_run(kMount, head_.id())));
  EXPECT_EQ(done(Step::CREATE), "more");
  fill_pending();
  EXPECT_EQ(done(Step::CREATE), "error") << "it is done already";
  EXPECT_EQ(done(Step::SET), "more");
  EXPECT_EQ(done(Step::TEST), "more");
  secrets::move_label(head_, secrets::kCurrentLabel, *secrets::version_labelled(head_, kPendingLabel));
  EXPECT_EQ(done(Step::FINISH), "end");
  EXPECT_EQ(labelled(secrets::kCurrentLabel), "second");
  EXPECT_EQ(labelled(secrets::kPreviousLabel), "first");
  EXPECT_EQ(labelled(kPendingLabel), "(none)");
  EXPECT_FALSE(in_hand(head_));
  ASSERT_EQ(head_.rotation().history_size(), 1);
  EXPECT_EQ(head_.rotation().history(0).state(), Step::DONE);
  EXPECT_EQ(head_.rotation().last_rotated_ms(), kNow);
  EXPECT_GT(head_.rotation().next_ms(), kNow);
}

TEST_F(RotationStates, AFinishThatMovedNothingHasFailed) {
  ASSERT_TRUE(start().ok());
  for (const auto step : {Step::CREATE, Step::SET, Step::TEST}) EXPECT_EQ(done(step), "more");
  EXPECT_EQ(done(Step::FINISH), "end");
  EXPECT_EQ(run().state(), Step::FAILED);
  EXPECT_EQ(run().error(), "the rotator said that it was done, but AWSCURRENT is another version's");
  EXPECT_EQ(labelled(secrets::kCurrentLabel), "first");
}

TEST_F(RotationStates, AFailureIsTriedAgainLaterAndLater) {
  ASSERT_TRUE(start().ok());
  EXPECT_EQ(done(Step::CREATE), "more");
  std::int64_t waited_ms = 0;
  for (int i = 0; i < 20; ++i) {
    const records::RotationRun::Step step = i == 0 ? Step::SET : Step::CREATE;
    ASSERT_TRUE(fail(step).ok());
    EXPECT_TRUE(failing(head_));
    EXPECT_GE(run().retry_ms() - kNow, waited_ms);
    waited_ms = run().retry_ms() - kNow;
    EXPECT_FALSE(fail(step).ok()) << "it has failed already";
    ASSERT_TRUE(retry(*tx_, kMount, head_, kNow).ok());
    EXPECT_EQ(run().step(), Step::CREATE) << "from the first step";
  }
  EXPECT_EQ(waited_ms, 3'600'000);
  EXPECT_EQ(run().attempts(), 20u);
  EXPECT_EQ(run().error(), "it broke");
}

TEST_F(RotationStates, OneRunAtATime) {
  ASSERT_TRUE(start().ok());
  EXPECT_TRUE(start().ok()) << "the same request again";
  const auto other = start("third");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().message, "A previous rotation isn't complete. That rotation will be reattempted.");
  EXPECT_EQ(other.error().name, "InvalidRequestException");
  ASSERT_TRUE(abort(*tx_, kMount, head_, kNow).ok());
  EXPECT_EQ(labelled(kPendingLabel), "(none)");
  EXPECT_EQ(head_.versions_size(), 1) << "the pending version was empty";
  EXPECT_EQ(head_.rotation().history(0).state(), Step::ABORTED);
  EXPECT_FALSE(abort(*tx_, kMount, head_, kNow).ok());
  EXPECT_TRUE(start("third").ok());
}

TEST_F(RotationStates, APendingVersionOfSomebodyElseStandsInTheWay) {
  const std::vector<std::string> pending{std::string(kPendingLabel)};
  secrets::add_empty(head_, "theirs", pending, kNow, rng_);
  EXPECT_FALSE(start().ok());
  secrets::remove_label(head_, kPendingLabel);
  EXPECT_TRUE(start().ok());
}

TEST_F(RotationStates, ATestLeavesNothingBehind) {
  head_.mutable_versions(0)->set_deleted_ms(kNow);  // So that there is nothing to copy.
  ASSERT_TRUE(start_test().ok());
  EXPECT_EQ(run().step(), Step::TEST);
  EXPECT_EQ(done(Step::TEST), "end");
  EXPECT_EQ(head_.versions_size(), 1);
  EXPECT_EQ(head_.rotation().last_rotated_ms(), 0);
  ASSERT_TRUE(start_test().ok());
  ASSERT_TRUE(fail(Step::TEST).ok());
  EXPECT_FALSE(in_hand(head_)) << "nobody waits for it: it is not tried again";
  EXPECT_EQ(head_.rotation().history(1).state(), Step::FAILED);
}

TEST_F(RotationStates, TheHistoryIsBounded) {
  for (int i = 0; i < kHistoryMax + 5; ++i) {
    ASSERT_TRUE(start("run" + std::to_string(i)).ok());
    ASSERT_TRUE(abort(*tx_, kMount, head_, kNow).ok());
  }
  ASSERT_EQ(head_.rotation().history_size(), kHistoryMax);
  EXPECT_EQ(head_.rotation().history(kHistoryMax - 1).version_id(), "run" + std::to_string(kHistoryMax + 4));
}

TEST_F(RotationStates, ATimeThatHasComeBeginsARunAndOneThatWasMovedDoesNot) {
  file_next_window(*tx_, kMount, head_, kNow);
  const UnixMillis due_ms = head_.rotation().next_ms();
  Transaction early = node_.transaction();
  ASSERT_TRUE(do_due(early, kMount, head_, due_ms - 1, rng_).ok());
  EXPECT_FALSE(early.writes());
  ASSERT_TRUE(do_due(early, kMount, head_, due_ms, rng_).ok());
  EXPECT_TRUE(early.changes(keys::rotation_run(kMount, head_.id())));
}

TEST_F(RotationStates, AMissedWindowOfDaysIsMadeUpForAndOneOfCronIsOverdue) {
  file_next_window(*tx_, kMount, head_, kNow);
  const UnixMillis late = head_.rotation().next_end_ms() + 1;
  EXPECT_TRUE(overdue(head_, late));
  Transaction made_up = node_.transaction();
  ASSERT_TRUE(do_due(made_up, kMount, head_, late, rng_).ok());
  EXPECT_TRUE(made_up.changes(keys::rotation_run(kMount, head_.id())));

  ASSERT_TRUE(set_rule(*tx_, head_, {.rotator = {}, .lambda_arn = {}, .rules = Schedule::Rules{.schedule_expression = "cron(0 8 * * ? *)"}}).ok());
  file_next_window(*tx_, kMount, head_, kNow);
  Transaction waits = node_.transaction();
  ASSERT_TRUE(do_due(waits, kMount, head_, late, rng_).ok());
  EXPECT_FALSE(waits.changes(keys::rotation_run(kMount, head_.id())));
  EXPECT_TRUE(waits.changes(keys::secret(kMount, head_.id()))) << "its next window is filed";
}

TEST_F(RotationStates, ARuleThatIsNoneAnyMoreHoldsNothingUp) {
  file_next_window(*tx_, kMount, head_, kNow);
  head_.mutable_rotation()->clear_automatically_after_days();
  head_.mutable_rotation()->set_schedule_expression("cron(0 8 * * * 1984)");
  Transaction due = node_.transaction();
  ASSERT_TRUE(do_due(due, kMount, head_, head_.rotation().next_ms(), rng_).ok());
  EXPECT_TRUE(due.changes(keys::rotation_run(kMount, head_.id())));
  ASSERT_TRUE(start().ok());
  fill_pending();
  for (const auto step : {Step::CREATE, Step::SET, Step::TEST}) EXPECT_EQ(done(step), "more");
  secrets::move_label(head_, secrets::kCurrentLabel, *secrets::version_labelled(head_, kPendingLabel));
  EXPECT_EQ(done(Step::FINISH), "end");
  EXPECT_FALSE(in_hand(head_));
  EXPECT_EQ(head_.rotation().next_ms(), 0);
  EXPECT_TRUE(overdue(head_, kNow)) << "which the reports tell";
}

TEST_F(RotationStates, ARuleNamesARotatorThatIsThere) {
  Head fresh;
  fresh.set_namespace_id(keys::kRootNamespace);
  EXPECT_FALSE(set_rule(*tx_, fresh, {}).ok());
  EXPECT_FALSE(set_rule(*tx_, fresh, {.rotator = "unknown", .lambda_arn = {}, .rules = {}}).ok());
  EXPECT_FALSE(set_rule(*tx_, fresh, {.rotator = "random", .lambda_arn = {}, .rules = Schedule::Rules{.automatically_after_days = 1001}}).ok());
  EXPECT_TRUE(set_rule(*tx_, fresh, {.rotator = "random", .lambda_arn = {}, .rules = {}}).ok());
}

TEST(RotatorOfArn, TakesTheFunctionsName) {
  EXPECT_EQ(*rotator_of_arn("arn:aws:lambda:eu-west-1:123456789012:function:rotate-db"), "rotate-db");
  EXPECT_EQ(*rotator_of_arn("arn:aws:lambda:eu-west-1:123456789012:function:rotate-db:PROD"), "rotate-db");
  for (const char* text : {"", "rotate-db", "arn:aws:lambda:eu-west-1:123456789012:function:", "arn:aws:lambda:eu-west-1:123456789012:layer:x",
                           "arn:aws:s3:eu-west-1:123456789012:function:x", "arn:aws:lambda:eu-west-1:123456789012:function"}) {
    EXPECT_FALSE(rotator_of_arn(text).ok()) << text;
  }
}

TEST(HttpSignature, CoversTimeAndBody) {
  // printf '1700000000.{"Step":"createSecret"}' | openssl dgst -sha256 -hmac sixteen-byte-key
  EXPECT_EQ(http_signature(SecretBytes::copy_of("sixteen-byte-key"), 1'700'000'000, R"({"Step":"createSecret"})"),
            "t=1700000000,v1=248ecb4ba6ce0138fccda35885c044287f812aea7377aa3f9755642f93081c42");
}

TEST(CheckRotator, RefusesWhatCouldNotRun) {
  crypto::SeededRng rng(1);
  const auto check = [&rng](const std::string& type, const std::map<std::string, std::string>& settings) {
    records::Rotator rotator;
    rotator.set_type(type);
    rotator.mutable_settings()->insert(settings.begin(), settings.end());
    return check_rotator(rotator, rng).ok();
  };
  EXPECT_TRUE(check("random", {}));
  EXPECT_TRUE(check("random", {{"length", "64"}, {"punctuation", "true"}, {"field", "password"}}));
  EXPECT_FALSE(check("random", {{"length", "0"}}));
  EXPECT_FALSE(check("random", {{"length", "8x"}}));
  EXPECT_FALSE(check("random", {{"punctuation", "yes"}}));
  EXPECT_FALSE(check("random", {{"url", "https://a.example/"}}));
  EXPECT_FALSE(check("lambda", {}));
  EXPECT_TRUE(check("http", {{"url", "https://a.example/rotate"}}));
  EXPECT_TRUE(check("http", {{"url", "http://127.0.0.1:9000/rotate"}}));
  EXPECT_TRUE(check("http", {{"url", "http://[::1]:9000/"}, {"timeout", "2m"}}));
  for (const char* url : {"", "a.example", "http://a.example/", "http://127.0.0.1@a.example/", "http://127.0.0.1.a.example/", "file:///etc/passwd",
                          "ftp://127.0.0.1/", "https://", "https://user:word@a.example/", "https://a.example/\n"}) {
    EXPECT_FALSE(check("http", {{"url", url}})) << url;
  }
  EXPECT_FALSE(check("http", {{"url", "https://a.example/"}, {"timeout", "3m"}}));
}

}  // namespace
}  // namespace keyhold::core::rotation
