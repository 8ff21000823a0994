#include "engine/sys/wrapping_routes.h"

#include <future>
#include <map>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using core::Operation;
using test::Ask;
using test::Got;

constexpr std::string_view kNoSuchToken = "wrapping token is not valid or does not exist";

class WrappingTest : public test::EngineTest {
 protected:
  WrappingTest() {
    EXPECT_EQ(node_.write("kv/data/a", R"({"data":{"k":"hidden-value"}})").word(), "found");
  }

  Got wrapped(Ask ask, std::int64_t ttl_s = 60) {
    ask.wrap_ttl_s = ttl_s;
    return node_.ask(std::move(ask));
  }
  std::string token_of(std::string path = "kv/data/a", std::int64_t ttl_s = 60) {
    const Got got = wrapped({.path = std::move(path)}, ttl_s);
    EXPECT_EQ(got.word(), "found");
    EXPECT_NE(got.wrapping_token, "");
    return got.wrapping_token;
  }
  static std::string named(std::string_view token) { return R"({"token":")" + std::string(token) + "\"}"; }
  /// As a client does that has no other token.
  Got unwrap(const std::string& token) { return node_.write("sys/wrapping/unwrap", "", token); }
  bool gone(const Got& got) { return got.error && got.error->code == Code::kInvalid && got.error->message == kNoSuchToken; }
  bool jobs_done() {
    return core::test::await([this] { return node_.node().jobs().run_all().ok() && core::test::count_keys(memory_, "j") == 0; });
  }
  /// Entries of tokens, the root's three left out, and of cubbyholes.
  std::size_t entries() {
    std::size_t count = keys_of(core::kCubbyholeMount);
    for (const char kind : std::string_view("tlabue")) count += core::test::count_keys(memory_, std::string(1, kind));
    return count - 3;
  }
};

TEST_F(WrappingTest, TheAnswerWaitsInATokenThatCanBeUsedOnce) {
  const Got plain = node_.read("kv/data/a");
  const Got got = wrapped({.path = "kv/data/a"}, 3600);
  EXPECT_EQ(got.word(), "found");
  EXPECT_EQ(got.data, "");
  EXPECT_EQ(got.wrapping_ttl_s, 3600);
  EXPECT_EQ(got.creation_path, "kv/data/a");
  EXPECT_EQ(got.wrapped_accessor, "");
  const Got first = unwrap(got.wrapping_token);
  EXPECT_EQ(first.data, plain.data);
  EXPECT_EQ(first.payload, core::Payload::kSecret);
  EXPECT_TRUE(gone(unwrap(got.wrapping_token)));
  EXPECT_EQ(entries(), 0u) << "nothing is left, without a job";
  EXPECT_EQ(core::test::count_keys(memory_, "j"), 0u);
}

TEST_F(WrappingTest, TheTokenMayBeTheCallersOrInTheBody) {
  const std::string user = node_.token({"default"});
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token_of()), "").word(), "found") << "in the body alone";
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token_of()), user).word(), "found") << "of another caller";
  const std::string token = token_of();
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token), token).word(), "found") << "both";
  EXPECT_TRUE(gone(node_.write("sys/wrapping/unwrap", "", user))) << "the caller's is none";
  EXPECT_TRUE(gone(node_.write("sys/wrapping/unwrap", named("hvs.made-up"), "")));
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", "", "").word(), "denied");
}

TEST_F(WrappingTest, ACallerWhoMayNotUnwrapUsesNothingUp) {
  const std::string token = token_of();
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token), "hvs.stale").word(), "denied");
  const std::string barred = with_policy(R"(path "sys/wrapping/unwrap" { capabilities = ["deny"] })");
  EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token), barred).word(), "denied");
  EXPECT_EQ(unwrap(token).word(), "found");
}

TEST_F(WrappingTest, AWrappingTokenIsGoodForNothingElse) {
  for (const char* path : {"kv/data/a", "sys/mounts", "cubbyhole/response", "auth/token/lookup-self", "sys/internal/ui/resultant-acl"}) {
    const std::string token = token_of();
    EXPECT_EQ(node_.read(path, token).word(), "denied") << path;
    EXPECT_TRUE(gone(unwrap(token))) << "whoever tried has used it up: its owner learns of it";
  }
  const std::string token = token_of();
  EXPECT_EQ(node_.write("cubbyhole/x", R"({"a":1})", token).word(), "denied");
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(entries(), 0u);
}

TEST_F(WrappingTest, AnotherTokensUsesAreNotTaken) {
  core::Transaction tx = node_.transaction();
  core::TokenSpec spec;
  spec.policies = {"default"};
  spec.ttl_s = 60;
  spec.num_uses = 1;
  crypto::SeededRng rng(1);
  const auto limited = node_.node().session().load()->tokens.create(tx, std::move(spec), rng);
  ASSERT_TRUE(limited.ok() && node_.commit(tx).ok());
  const std::string token(limited->token.reveal());
  EXPECT_TRUE(gone(node_.write("sys/wrapping/unwrap", named(token))));
  EXPECT_TRUE(gone(node_.write("sys/wrapping/lookup", named(token), "")));
  EXPECT_EQ(node_.write("sys/tools/hash", R"({"input":"YQ=="})", token).word(), "found") << "its one use is left";
}

TEST_F(WrappingTest, LookingDoesNotUseIt) {
  const std::string token = token_of("kv/data/a", 90);
  for (const Got& got : {node_.write("sys/wrapping/lookup", named(token), ""), node_.read("sys/wrapping/lookup", token),
                         node_.write("sys/wrapping/lookup", "", token), node_.write("sys/wrapping/lookup", named(token))}) {
    EXPECT_EQ(got.at("creation_path"), "kv/data/a");
    EXPECT_EQ(got.at("creation_ttl"), "90");
    EXPECT_EQ(got.at("creation_time"), "2023-11-14T22:13:20Z");
  }
  EXPECT_EQ(unwrap(token).word(), "found");
  EXPECT_TRUE(gone(node_.write("sys/wrapping/lookup", named(token), "")));
  EXPECT_TRUE(gone(node_.read("sys/wrapping/lookup", "")));
}

TEST_F(WrappingTest, ItEndsWithItsTime) {
  const std::string token = token_of("kv/data/a", 60);
  clock_.advance_ms(59'999);
  EXPECT_EQ(node_.read("sys/wrapping/lookup", token).word(), "found");
  clock_.advance_ms(1);
  EXPECT_TRUE(gone(unwrap(token)));
  clock_.advance_ms(1'000);
  EXPECT_TRUE(core::test::await([&] { return node_.node().expiry().run().ok() && jobs_done() && entries() == 0; }));
}

TEST_F(WrappingTest, AJumpOfTheClockNeitherUsesNorLosesIt) {
  const std::string token = token_of("kv/data/a", 60);
  for (const std::int64_t step_ms : {3'600'000ll, -3'600'000ll}) {
    clock_.step_wall_ms(step_ms);
    EXPECT_EQ(unwrap(token).word(), "unavailable") << "its bearer must not throw it away";
    EXPECT_EQ(node_.write("sys/wrapping/unwrap", named(token)).word(), "unavailable");
    EXPECT_EQ(wrapped({.path = "kv/data/a"}).word(), "unavailable") << "its end could not be told";
    clock_.step_wall_ms(-step_ms);
  }
  EXPECT_EQ(unwrap(token).at("data.k"), "hidden-value");
}

TEST_F(WrappingTest, RewrappingMovesItOn) {
  const std::string first = token_of("kv/data/a", 90);
  clock_.advance_ms(30'000);
  const Got moved = node_.write("sys/wrapping/rewrap", named(first));
  EXPECT_EQ(moved.word(), "found");
  EXPECT_EQ(moved.creation_path, "kv/data/a");
  EXPECT_EQ(moved.wrapping_ttl_s, 90);
  EXPECT_TRUE(gone(unwrap(first)));
  clock_.advance_ms(89'000);
  EXPECT_EQ(unwrap(moved.wrapping_token).at("data.k"), "hidden-value");
  const Got by_bearer = node_.write("sys/wrapping/rewrap", "", token_of());
  EXPECT_EQ(unwrap(by_bearer.wrapping_token).at("data.k"), "hidden-value");
  EXPECT_EQ(node_.write("sys/wrapping/rewrap", named(token_of()), node_.token({"default"})).word(), "denied");
}

TEST_F(WrappingTest, OnlyWhatIsThereIsWrapped) {
  EXPECT_EQ(wrapped({.path = "kv/data/none"}).wrapping_token, "");
  EXPECT_EQ(wrapped({.path = "kv/data/none"}).word(), "not-found");
  EXPECT_EQ(wrapped({.path = "kv/data/a", .token = node_.token({"default"})}).word(), "denied");
  const Got mounted = wrapped({.operation = Operation::kUpdate, .path = "sys/mounts/other", .body = R"({"type":"kv-v1"})"});
  EXPECT_EQ(mounted.word(), "empty");
  EXPECT_EQ(mounted.wrapping_token, "");
  EXPECT_EQ(wrapped({.path = "sys/health", .token = ""}).wrapping_token, "");
  EXPECT_NE(wrapped({.operation = Operation::kList, .path = "kv/metadata"}).wrapping_token, "");
  EXPECT_NE(wrapped({.path = "sys/mounts"}).wrapping_token, "");
  EXPECT_EQ(node_.read("sys/mounts/other").word(), "found");
}

TEST_F(WrappingTest, AWriteAndItsWrappingAreOne) {
  const Got got = wrapped({.operation = Operation::kUpdate, .path = "kv/data/a", .body = R"({"data":{"k":"2"},"options":{"cas":1}})"});
  EXPECT_EQ(unwrap(got.wrapping_token).at("version"), "2");
  faults_.inject({.kind = storage::CommitFault::Kind::kRefused});
  EXPECT_FALSE(wrapped({.operation = Operation::kUpdate, .path = "kv/data/a", .body = R"({"data":{"k":"3"}})"}).ok());
  EXPECT_EQ(node_.read("kv/data/a").at("metadata.version"), "2");
  EXPECT_EQ(entries(), 0u);
}

TEST_F(WrappingTest, AFailedUnwrapLeavesItToTheNext) {
  const std::string token = token_of();
  faults_.inject({.kind = storage::CommitFault::Kind::kRefused});
  EXPECT_FALSE(unwrap(token).ok());
  faults_.heal();
  EXPECT_EQ(unwrap(token).word(), "found");
}

TEST_F(WrappingTest, AnUnwrappedAnswerCanBeWrappedAgain) {
  const std::string token = token_of();
  const Got again = wrapped({.operation = Operation::kUpdate, .path = "sys/wrapping/unwrap", .token = token});
  EXPECT_EQ(again.creation_path, "sys/wrapping/unwrap");
  EXPECT_EQ(unwrap(again.wrapping_token).at("data.k"), "hidden-value");
}

TEST_F(WrappingTest, WrapsWhatItIsGiven) {
  const Got got = wrapped({.operation = Operation::kUpdate, .path = "sys/wrapping/wrap", .body = R"({"a":1.50,"b":[null]})"});
  EXPECT_EQ(got.creation_path, "sys/wrapping/wrap");
  EXPECT_EQ(unwrap(got.wrapping_token).data, R"({"a":1.50,"b":[null]})") << "byte for byte";
  EXPECT_EQ(node_.write("sys/wrapping/wrap", R"({"a":1})").word(), "invalid") << "without a time to live";
  const Got empty = wrapped({.operation = Operation::kUpdate, .path = "sys/wrapping/wrap"});
  EXPECT_EQ(unwrap(empty.wrapping_token).data, "{}");
}

TEST_F(WrappingTest, TimesAreBounded) {
  for (const std::int64_t ttl_s : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{1} << 62}) {
    EXPECT_EQ(wrapped({.path = "kv/data/a"}, ttl_s).word(), "invalid") << ttl_s;
  }
}

TEST_F(WrappingTest, PoliciesMayDemandIt) {
  const std::string token = with_policy(
      R"(path "kv/data/*" { capabilities = ["read"] min_wrapping_ttl = "10s" max_wrapping_ttl = "1m" })");
  EXPECT_EQ(node_.read("kv/data/a", token).word(), "denied");
  EXPECT_EQ(wrapped({.path = "kv/data/a", .token = token}, 9).word(), "denied");
  EXPECT_EQ(wrapped({.path = "kv/data/a", .token = token}, 61).word(), "denied");
  EXPECT_EQ(wrapped({.path = "kv/data/a", .token = token}, 60).word(), "found");
}

TEST_F(WrappingTest, BigAnswersAreWrappedToo) {
  const std::string big(900'000, 'x');
  EXPECT_EQ(node_.write("kv/data/big", R"({"data":{"k":")" + big + "\"}}").word(), "found");
  const std::string token = token_of("kv/data/big");
  EXPECT_EQ(unwrap(token).at("data.k"), big);
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(entries(), 0u);
}

TEST_F(WrappingTest, ItSurvivesSealing) {
  const std::string token = token_of();
  node_.node().seal();
  EXPECT_EQ(unwrap(token).word(), "sealed");
  node_.unseal();
  EXPECT_EQ(unwrap(token).word(), "found");
}

TEST_F(WrappingTest, TheJournalTellsOfItByTheHashOfItsToken) {
  const Got got = wrapped({.path = "kv/data/a"});
  const Got used = node_.write("sys/wrapping/unwrap", named(got.wrapping_token));
  const Got failed = node_.write("sys/wrapping/unwrap", named(got.wrapping_token), "");
  const std::string hash = node_.node().session().load()->redactor.hash(got.wrapping_token);
  for (const Got* each : {&got, &used, &failed}) {
    std::string all;
    for (const std::string& record : node_.records_of(each->request_id)) all += record;
    EXPECT_NE(all.find(hash), std::string::npos) << all;
    EXPECT_EQ(all.find(got.wrapping_token), std::string::npos);
    EXPECT_EQ(all.find("hidden-value"), std::string::npos);
  }
}

TEST_F(WrappingTest, OfFiftyWhoUnwrapOneGetsIt) {
  test::EngineNode second(faults_, clock_, {2, nullptr});
  second.node.join(node_);
  for (int round = 0; round < 10; ++round) {
    const std::string token = token_of();
    std::vector<std::future<Got>> waiting;
    for (int i = 0; i < 50; ++i) {
      Ask ask{.operation = Operation::kUpdate, .path = i % 5 == 4 ? "sys/wrapping/rewrap" : "sys/wrapping/unwrap"};
      if (i % 3 == 0) {
        ask.token = token;
      } else {
        ask.body = named(token);
        if (i % 3 == 1) ask.token = "";
      }
      waiting.push_back(i % 2 == 0 ? node_.ask_later(std::move(ask)) : second.node.ask_later(std::move(ask), i / 2 % 2));
    }
    int winners = 0;
    std::string moved;
    for (auto& each : waiting) {
      const Got got = each.get();
      EXPECT_TRUE(got.ok() || gone(got)) << got.word();
      winners += got.ok();
      if (got.ok()) moved = got.wrapping_token;
    }
    EXPECT_EQ(winners, 1);
    if (!moved.empty()) {
      EXPECT_EQ(unwrap(moved).word(), "found");
    }
  }
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(entries(), 0u);
}

}  // namespace
}  // namespace keyhold::engine
