#include "core/gate.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>

#include "base/limits.h"
#include "core/test_support/gate_fixture.h"

namespace keyhold::core {
namespace {

using test::Ask;
using test::GateTest;
using test::Got;

TEST_F(GateTest, NothingIsAllowedThatNoPolicySays) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  const std::string none = policy("none", R"(path "other/*" { capabilities = ["read"] })");
  const std::string reader = policy("reader", R"(path "box/item/a" { capabilities = ["read"] })");
  EXPECT_EQ(node_.read("box/item/a", none).word(), "denied");
  EXPECT_EQ(node_.read("box/item/a", reader).word(), "found");
  EXPECT_EQ(node_.read("box/item/b", reader).word(), "denied");
  EXPECT_EQ(node_.write("box/item/a", "{}", reader).word(), "denied");
  EXPECT_EQ(node_.erase("box/item/a", reader).word(), "denied");
  EXPECT_EQ(node_.list("box/item/a", reader).word(), "denied");
}

TEST_F(GateTest, AnotherCaseIsAnotherPath) {
  ASSERT_EQ(node_.write("box/item/Secret", R"({"text":"x"})").word(), "found");
  const std::string reader = policy("reader", R"(path "box/*" { capabilities = ["read"] } path "box/item/Secret" { capabilities = ["deny"] })");
  EXPECT_EQ(node_.read("box/item/Secret", reader).word(), "denied");
  for (const char* path : {"box/item/secret", "box/item/SECRET"}) EXPECT_EQ(node_.read(path, reader).word(), "not-found") << path;
  for (const char* path : {"BOX/item/Secret", "Box/item/Secret"}) EXPECT_EQ(node_.read(path, reader).word(), "denied") << path;
  for (const char* path : {"BOX/item/Secret", "box/Item/Secret"}) EXPECT_EQ(node_.read(path).word(), "not-found") << path;
}

TEST_F(GateTest, CreateAndUpdateAreTwoCapabilities) {
  const std::string creator = policy("creator", R"(path "box/item/*" { capabilities = ["create"] })");
  const std::string updater = policy("updater", R"(path "box/item/*" { capabilities = ["update"] })");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"1"})", updater).word(), "denied");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"2"})", creator).word(), "found");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"3"})", creator).word(), "denied");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"4"})", updater).word(), "found");
  EXPECT_EQ(node_.read("box/item/a").at("text"), "4");
}

TEST_F(GateTest, AStrangerLearnsNothing) {
  const std::string no_rights = policy("no-rights", R"(path "x" { capabilities = ["read"] })");
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  for (const std::string& token : {std::string(), std::string("hvs.made-up"), std::string(1000, 'x'), no_rights}) {
    std::optional<std::string> said;
    for (const char* path : {"box/item/a", "box/item/none", "box/nothing", "box/item/a/", "nowhere/at/all", "box", "sys/none"}) {
      for (const Operation operation : {Operation::kRead, Operation::kUpdate, Operation::kPatch, Operation::kDelete, Operation::kList}) {
        const Got got = node_.ask({.operation = operation, .path = path, .token = token});
        ASSERT_TRUE(got.error) << path;
        EXPECT_EQ(got.word(), "denied") << path;
        if (!said) said = got.error->message;
        EXPECT_EQ(got.error->message, *said);
      }
    }
  }
}

TEST_F(GateTest, WhoMayAskForAPathIsToldThatItDoesNotExist) {
  EXPECT_EQ(node_.read("box/nothing").word(), "not-found");
  EXPECT_EQ(node_.read("nowhere").word(), "not-found");
  EXPECT_EQ(node_.ask({.operation = Operation::kPatch, .path = "box/item/a"}).word(), "unsupported");
  EXPECT_EQ(node_.read("box/item/a/").word(), "invalid");
}

TEST_F(GateTest, AnOpenRouteNeedsNoToken) {
  EXPECT_EQ(node_.read("box/open", "").at("text"), "open");
  EXPECT_EQ(node_.read("box/open", "hvs.made-up").at("text"), "open");
}

TEST_F(GateTest, SealedOnlyTheAlwaysRoutesAnswer) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  node_.node().seal();
  for (const char* path : {"box/item/a", "box/open", "sys/item/a", "nowhere"}) {
    EXPECT_EQ(node_.read(path).word(), "sealed") << path;
    EXPECT_EQ(node_.read(path, "").word(), "sealed") << path;
    EXPECT_EQ(node_.write(path, "{}").word(), "sealed") << path;
  }
  EXPECT_EQ(node_.read("sys/open", "").at("text"), "open");
  node_.unseal();
  EXPECT_EQ(node_.read("box/item/a").at("text"), "x");
}

TEST_F(GateTest, WhatWasReadBeforeSealingIsNotToldAfter) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  std::latch read(1);
  std::latch go_on(1);
  box_.while_slow = [&] {
    read.count_down();
    go_on.wait();
  };
  auto answer = node_.ask_later({.path = "box/slow/a"});
  read.wait();
  node_.node().seal();
  go_on.count_down();
  const Got got = answer.get();
  EXPECT_EQ(got.word(), "sealed");
  EXPECT_EQ(got.data, "");
}

TEST_F(GateTest, NeitherIsWhatATokenWithFewUsesRead) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  node_.put_policy("reader", R"(path "box/*" { capabilities = ["read"] })");
  Transaction tx = node_.transaction();
  TokenSpec spec;
  spec.policies = {"reader"};
  spec.ttl_s = 60;
  spec.num_uses = 2;
  crypto::SeededRng rng(1);
  const auto limited = node_.node().session().load()->tokens.create(tx, std::move(spec), rng);
  ASSERT_TRUE(limited.ok() && node_.commit(tx).ok());
  // Its use is a write, which is on its way to the store when the node seals.
  faults_.inject({.kind = storage::CommitFault::Kind::kDelay});
  const std::size_t records = node_.records().size();
  auto answer = node_.ask_later({.path = "box/item/a", .token = std::string(limited->token.reveal())});
  ASSERT_TRUE(test::await([&] { return node_.records().size() > records; }));
  node_.node().seal();
  faults_.release();
  const Got got = answer.get();
  EXPECT_EQ(got.word(), "sealed");
  EXPECT_EQ(got.data, "");
}

TEST_F(GateTest, UnderLoadNothingAskedAfterSealingIsAnswered) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"x"})").word(), "found");
  for (int round = 0; round < 5; ++round) {
    std::vector<std::future<Got>> before;
    for (int i = 0; i < 200; ++i) before.push_back(node_.ask_later({.path = i % 2 == 0 ? "box/item/a" : "box/slow/a"}, i % 2));
    node_.node().seal();
    EXPECT_EQ(node_.read("box/item/a").word(), "sealed");
    for (auto& answer : before) {
      const std::string word = answer.get().word();
      EXPECT_TRUE(word == "found" || word == "sealed") << word;
    }
    node_.unseal();
    EXPECT_EQ(node_.read("box/item/a").word(), "found");
  }
}

TEST_F(GateTest, AFullPoolRefusesAtOnceAndLateWorkIsDropped) {
  std::latch started(limits::kDiskThreads);
  std::latch go_on(1);
  box_.while_slow = [&] {
    if (!started.try_wait()) started.count_down();
    go_on.wait();
  };
  std::vector<std::future<Got>> running;
  for (std::size_t i = 0; i < limits::kDiskThreads; ++i) running.push_back(node_.ask_later({.path = "box/slow/a"}));
  started.wait();
  std::vector<std::future<Got>> waiting;
  for (std::size_t i = 0; i < limits::kPoolQueueMax; ++i) waiting.push_back(node_.ask_later({.path = "box/slow/a"}));
  const Got over = node_.read("box/slow/a");
  EXPECT_EQ(over.word(), "unavailable");
  EXPECT_GT(over.retry_after_s, 0);
  EXPECT_EQ(node_.read("box/item/a").word(), "not-found") << "the caches answer still";
  clock_.advance_ms(limits::kRequestDeadlineMs + 1);
  go_on.count_down();
  for (auto& answer : running) EXPECT_EQ(answer.get().word(), "not-found");
  for (auto& answer : waiting) EXPECT_EQ(answer.get().word(), "unavailable");
}

TEST_F(GateTest, MoreThanABatchHoldsIsRefused) { EXPECT_EQ(node_.write("box/too-big", "").word(), "too-large"); }

TEST_F(GateTest, AHandlerThatFailsLeavesNothing) {
  const auto entries = [this](std::string_view kind) { return test::count_keys(memory_, kind); };
  const std::size_t boxes = entries("n");
  const std::size_t tokens = entries("t");
  for (const std::optional<std::int64_t> wrap_ttl_s : {std::optional<std::int64_t>(), std::optional<std::int64_t>(60)}) {
    const Got got = node_.ask({.operation = Operation::kUpdate, .path = "box/fail/a", .wrap_ttl_s = wrap_ttl_s});
    EXPECT_EQ(got.word(), "invalid");
    EXPECT_TRUE(got.wrapping_token.empty());
  }
  EXPECT_EQ(entries("n"), boxes);
  EXPECT_EQ(entries("t"), tokens);
  EXPECT_EQ(node_.read("box/item/a").word(), "not-found");
}

TEST_F(GateTest, AFaultIsToldTheOperatorUnderTheIdThatTheJournalHas) {
  std::vector<std::string> told;
  storage::MemoryStorage memory(clock_);
  test::TestNode node(memory, clock_, engines_, {1, nullptr, {}, {}, [&told](std::string_view line) { told.emplace_back(line); }});
  node.initialize();
  node.put_mount("box/", "box");
  EXPECT_EQ(node.write("box/fail/a", "").word(), "invalid");
  EXPECT_EQ(node.read("box/item/none").word(), "not-found");
  EXPECT_TRUE(told.empty());
  const Got got = node.write("box/fail/fault", "");
  ASSERT_TRUE(got.error);
  EXPECT_EQ(told, std::vector<std::string>{"request " + got.request_id + ": a fault was found"});
  EXPECT_FALSE(node.records_of(got.request_id).empty());
}

TEST_F(GateTest, WhatNoRouteDeclaresIsNotInTheJournal) {
  const Got got = node_.write("box/item/a", R"({"text":"x","no-such-field":"hunter2","nested":{"hunter2":["hunter2"]}})");
  EXPECT_EQ(got.word(), "found");
  ASSERT_EQ(node_.records_of(got.request_id).size(), 2u);
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find("hunter2"), std::string::npos) << record;
}

TEST_F(GateTest, EveryAnswerHasItsRecords) {
  const Got write = node_.write("box/item/a", R"({"text":"hunter2"})");
  const Got read = node_.read("box/item/a");
  const Got none = node_.read("box/item/none");
  const Got denied = node_.read("box/item/a", "hvs.wrong-hunter2");
  const Got unknown = node_.read("box/hunter2");
  const Got bad = node_.write("box/item/a", R"({"text":["hunter2"]})");

  const auto of = [this](const Got& got) { return node_.records_of(got.request_id); };
  ASSERT_EQ(of(write).size(), 2u);
  EXPECT_NE(of(write)[0].find(R"("type":"intent")"), std::string::npos);
  EXPECT_NE(of(write)[0].find(R"("path":"box/item/a")"), std::string::npos);
  EXPECT_NE(of(write)[0].find(R"("fields":{"text":"hmac-sha256:)"), std::string::npos);
  EXPECT_NE(of(write)[1].find(R"("type":"outcome")"), std::string::npos);
  EXPECT_NE(of(write)[1].find(R"("outcome":"ok")"), std::string::npos);
  const auto single = [&](const Got& got, std::string_view outcome) {
    ASSERT_EQ(of(got).size(), 1u) << outcome;
    EXPECT_NE(of(got)[0].find(R"("type":"access")"), std::string::npos);
    EXPECT_NE(of(got)[0].find("\"outcome\":\"" + std::string(outcome) + "\""), std::string::npos) << of(got)[0];
  };
  single(read, "ok");
  single(none, "not-found");
  single(denied, "denied");
  single(unknown, "not-found");
  single(bad, "invalid");
  for (const std::string& record : node_.records()) {
    EXPECT_EQ(record.find("hunter2"), std::string::npos) << record;
    EXPECT_EQ(record.find(node_.root_token()), std::string::npos);
    const std::string object = "{" + record + "}";
    EXPECT_TRUE(json::Document::parse(object).ok()) << record;
  }
}

TEST_F(GateTest, AClearFieldCannotBreakOrFillTheJournal) {
  const Got spaced = node_.write("box/item/a", "{\"text\":\"x\",\"clear\": {\n \"a\" : [ 1,\r\n\t2 ],\n \"b\":{} }}");
  EXPECT_EQ(spaced.word(), "found");
  ASSERT_EQ(node_.records_of(spaced.request_id).size(), 2u);
  EXPECT_NE(node_.records_of(spaced.request_id)[0].find(R"("clear":{"a":[1,2],"b":{}})"), std::string::npos);

  const Got big = node_.write("box/item/a", R"({"clear":{"a":")" + std::string(2'000'000, 'z') + R"("}})");
  EXPECT_EQ(big.word(), "found");
  ASSERT_EQ(node_.records_of(big.request_id).size(), 2u);
  EXPECT_EQ(node_.records_of(big.request_id)[0].find("zzz"), std::string::npos);
}

TEST_F(GateTest, AFloodOfStrangersIsCountedNotRecorded) {
  const std::size_t before = node_.records().size();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(node_.read("box/item/a", "hvs.guess").word(), "denied");
  EXPECT_LT(node_.records().size(), before + 20);
}

TEST_F(GateTest, WithoutAJournalNothingIsAnswered) {
  ASSERT_EQ(node_.write("box/item/a", R"({"text":"1"})").word(), "found");
  calls_.write_error = ENOSPC;
  for (const Got& got : {node_.read("box/item/a"), node_.write("box/item/a", R"({"text":"2"})"), node_.read("box/slow/a")}) {
    EXPECT_EQ(got.word(), "unavailable");
    EXPECT_EQ(got.data, "");
    EXPECT_GT(got.retry_after_s, 0);
  }
  calls_.write_error = 0;
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1") << "the refused write did not happen";
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"3"})").word(), "found");
}

TEST_F(GateTest, AWriteWhoseRecordsAreNotOnDiskIsNotAcknowledged) {
  calls_.sync_error = EIO;
  const Got got = node_.write("box/item/a", R"({"text":"1"})");
  EXPECT_EQ(got.word(), "unknown") << "it is in the store, so another word would mislead";
  calls_.sync_error = 0;
  EXPECT_EQ(node_.read("box/item/a").at("text"), "1");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"2"})").word(), "found");
}

}  // namespace
}  // namespace keyhold::core
