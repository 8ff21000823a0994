#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "storage/fault_storage.h"
#include "storage/storage.h"
#include "storage/storage_test_support.h"

/// The suite that every backend instantiates: all of the contract in storage.h. What only one backend promises is in its own test.
namespace keyhold::storage {

/// Makes empty stores of one backend; keeps what they need on the side.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::unique_ptr<Storage> open(const Clock& clock) = 0;
};

struct BackendParam {
  const char* name;
  std::function<std::unique_ptr<Backend>()> make;
};

class StorageContract : public ::testing::TestWithParam<BackendParam> {
 protected:
  void SetUp() override { ASSERT_NE(store_, nullptr); }

  Version commit_ok(Batch batch) {
    const Outcome outcome = store_->commit(std::move(batch));
    EXPECT_EQ(outcome.kind, Outcome::Kind::kOk) << explain(outcome);
    return outcome.at;
  }
  Version version_of(std::string_view key) {
    const auto entry = store_->get(key);
    return entry.ok() && entry->has_value() ? (*entry)->version : 0;
  }

  FakeClock clock_;
  std::unique_ptr<Backend> backend_ = GetParam().make();
  std::unique_ptr<Storage> store_ = backend_->open(clock_);
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = Outcome::Kind;

// ---- Reading and writing.

TEST_P(StorageContract, AbsentKeyReadsAsNothing) {
  const auto entry = store_->get("a");
  ASSERT_OK(entry);
  EXPECT_FALSE(entry->has_value());
}

TEST_P(StorageContract, ReadsBackKeyValueAndVersion) {
  const std::string key("\0k\x01\xfe", 4);
  const std::string value("\0v\xff", 3);
  const Version at = commit_ok(writes({put(key, value)}));
  for (const ReadAt read_at : {ReadAt::linearizable(), ReadAt::at_least_version(at), ReadAt::local()}) {
    const auto entry = store_->get(key, read_at);
    ASSERT_OK(entry);
    ASSERT_TRUE(entry->has_value());
    EXPECT_EQ((*entry)->key, key);
    EXPECT_EQ((*entry)->value, value);
    EXPECT_EQ((*entry)->version, at);
  }
}

TEST_P(StorageContract, EmptyValueIsNotAbsence) {
  commit_ok(writes({put("a", "")}));
  EXPECT_EQ(value_of(*store_, "a"), "");
}

TEST_P(StorageContract, EveryCommitHasALaterVersionAndKeysKeepTheirs) {
  const Version first = commit_ok(writes({put("a", "1"), put("b", "1")}));
  const Version second = commit_ok(writes({put("a", "2")}));
  const Version third = commit_ok(writes({erase("a")}));
  EXPECT_LT(0u, first);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(version_of("a"), 0u);
  EXPECT_EQ(version_of("b"), first);
  const auto latest = store_->latest();
  ASSERT_OK(latest);
  EXPECT_EQ(*latest, third);
}

TEST_P(StorageContract, ErasingWhatIsAbsentSucceeds) {
  commit_ok(writes({erase("a")}));
  EXPECT_EQ(value_of(*store_, "a"), "(absent)");
}

TEST_P(StorageContract, AKeyWrittenAgainHasANewVersion) {
  const Version first = commit_ok(writes({put("a", "same")}));
  commit_ok(writes({erase("a")}));
  const Version again = commit_ok(writes({put("a", "same")}));
  EXPECT_LT(first, again);
  EXPECT_EQ(store_->commit(batch({unchanged("a", first)}, {put("a", "3")})).kind, Kind::kConflict);
}

// ---- Conditions.

TEST_P(StorageContract, ConditionsHoldExactlyWhenTheySay) {
  const Version at = commit_ok(writes({put("there", "1")}));
  struct Case {
    Condition condition;
    bool holds;
  };
  const std::vector<Case> cases{
      {unchanged("there", at), true},   {unchanged("there", at + 1), false}, {unchanged("there", 0), false},
      {unchanged("gone", 0), true},     {unchanged("gone", at), false},      {present("there"), true},
      {present("gone"), false},         {absent("gone"), true},              {absent("there"), false},
  };
  // Twice: a store may answer the second time from what it remembers.
  for (int pass = 0; pass < 2; ++pass) {
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const Outcome outcome = store_->commit(batch({cases[i].condition}, {put("other", "x")}));
      EXPECT_EQ(outcome.kind, cases[i].holds ? Kind::kOk : Kind::kConflict) << "case " << i;
    }
  }
}

TEST_P(StorageContract, ConflictNamesEveryConditionThatFailedAndDoesNothing) {
  const Version at = commit_ok(writes({put("a", "1")}));
  const Outcome outcome = store_->commit(batch(
      {absent("a"), present("a"), unchanged("a", at), present("b"), unchanged("a", at - 1)}, {put("a", "2"), put("b", "2")}));
  EXPECT_EQ(outcome.kind, Kind::kConflict);
  EXPECT_THAT(outcome.conflicts, ElementsAre(0, 3, 4));
  EXPECT_EQ(value_of(*store_, "a"), "1");
  EXPECT_EQ(value_of(*store_, "b"), "(absent)");
  EXPECT_EQ(*store_->latest(), at);
}

TEST_P(StorageContract, ABatchWithoutOperationsOnlyChecks) {
  const Version at = commit_ok(writes({put("a", "1")}));
  EXPECT_EQ(commit_ok(batch({present("a")}, {})), at);
  EXPECT_EQ(store_->commit(batch({absent("a")}, {})).kind, Kind::kConflict);
  EXPECT_EQ(*store_->latest(), at);
}

// ---- Bounds.

TEST_P(StorageContract, BoundsAreTheSameEverywhere) {
  const auto code_of = [&](Batch tried) -> std::optional<Code> {
    const Outcome outcome = store_->commit(std::move(tried));
    if (outcome.ok()) return std::nullopt;
    EXPECT_EQ(outcome.kind, Kind::kRefused);
    return outcome.error.code;
  };
  const std::string longest(limits::kStorageKeyBytesMax, 'k');
  EXPECT_EQ(code_of(writes({put(longest, "v")})), std::nullopt);
  EXPECT_EQ(value_of(*store_, longest), "v");
  EXPECT_EQ(code_of(writes({put(longest + "k", "v")})), Code::kTooLarge);
  EXPECT_EQ(code_of(batch({absent(longest + "k")}, {})), Code::kTooLarge);
  EXPECT_EQ(code_of(writes({put("", "v")})), Code::kInvalid);
  EXPECT_EQ(code_of(batch({absent("")}, {})), Code::kInvalid);
  EXPECT_EQ(code_of(writes({put("a", "1"), put("b", "1"), erase("a")})), Code::kInvalid);

  EXPECT_EQ(code_of(writes({put("v", std::string(limits::kStorageValueBytesMax, 'x'))})), std::nullopt);
  EXPECT_EQ(code_of(writes({put("v", std::string(limits::kStorageValueBytesMax + 1, 'x'))})), Code::kTooLarge);

  std::vector<Condition> conditions(limits::kStorageConditionsMax, absent("none"));
  EXPECT_EQ(code_of(batch(conditions, {})), std::nullopt);
  conditions.push_back(absent("none"));
  EXPECT_EQ(code_of(batch(conditions, {})), Code::kTooLarge);

  std::vector<Operation> operations;
  for (std::size_t i = 0; i < limits::kStorageOperationsMax; ++i) operations.push_back(put("k" + std::to_string(i), "v"));
  EXPECT_EQ(code_of(writes(operations)), std::nullopt);
  operations.push_back(put("one more", "v"));
  EXPECT_EQ(code_of(writes(operations)), Code::kTooLarge);

  const std::size_t half = limits::kStorageBatchBytesMax / 2;
  EXPECT_EQ(code_of(writes({put("a", std::string(half - 1, 'x')), put("b", std::string(half - 1, 'x'))})), std::nullopt);
  EXPECT_EQ(code_of(writes({put("a", std::string(half - 1, 'x')), put("b", std::string(half, 'x'))})), Code::kTooLarge);
  EXPECT_EQ(code_of(batch({absent("n")}, {put("a", std::string(half - 1, 'x')), put("b", std::string(half - 1, 'x'))})),
            Code::kTooLarge);
}

// ---- Lists.

/// What list() must give, by the definition: fold all keys, then cut a page.
inline std::vector<std::string> listed(const std::map<std::string, Version>& model, const std::string& prefix,
                                       std::optional<char> delimiter) {
  std::vector<std::string> items;
  for (const auto& [key, version] : model) {
    if (!key.starts_with(prefix)) continue;
    std::string item = key + " " + std::to_string(version);
    if (delimiter) {
      const std::size_t at = key.find(*delimiter, prefix.size());
      if (at != std::string::npos) item = key.substr(0, at + 1) + " prefix";
    }
    if (items.empty() || items.back() != item) items.push_back(item);
  }
  return items;
}

inline std::vector<std::string> paged(const Storage& store, const std::string& prefix, std::optional<char> delimiter,
                                      std::size_t limit) {
  std::vector<std::string> items;
  std::string after;
  for (;;) {
    const auto page = store.list({.prefix = prefix, .after = after, .limit = limit, .delimiter = delimiter, .read_at = {}});
    if (!page.ok()) return {"error: " + page.error().message};
    if (page->items.size() > limit) return {"page too long"};
    for (const Page::Item& item : page->items) {
      items.push_back(item.key + (item.is_prefix ? " prefix" : " " + std::to_string(item.version)));
    }
    if (!page->more) return items;
    if (page->items.size() != limit) return {"short page with more"};
    after = page->items.back().key;
  }
}

TEST_P(StorageContract, ListsInByteOrderAtEveryPageSize) {
  std::map<std::string, Version> model;
  const std::vector<std::string> keys{"a",       "a/",       "a/b",     "a/b/c",   "a/c",    "a0",     "ab",
                                      "b/x/1",   "b/x/2",    "b/x/3",   "b/y",     "c",      "c//d",   "\xfe",
                                      "\xfe\xff", "\xfe/\xff", "\x7f\x80", std::string("a\0b", 3), "a/\xff\xff", "/", "//"};
  for (const std::string& key : keys) model[key] = commit_ok(writes({put(key, "v")}));
  commit_ok(writes({put("a/gone", "v")}));
  commit_ok(writes({erase("a/gone")}));
  for (const std::string prefix : {"", "a", "a/", "a/b", "b/x/", "c/", "none", "\xfe", "\xfe\xff", "/"}) {
    for (const std::optional<char> delimiter : {std::optional<char>(), std::optional<char>('/'), std::optional<char>('\xff'),
                                                std::optional<char>('\0')}) {
      for (std::size_t limit = 1; limit <= keys.size() + 1; ++limit) {
        EXPECT_EQ(paged(*store_, prefix, delimiter, limit), listed(model, prefix, delimiter)) << "prefix " << prefix;
      }
    }
  }
}

TEST_P(StorageContract, ListsRandomKeysAsTheModelDoes) {
  std::mt19937 random(20261122);
  std::map<std::string, Version> model;
  constexpr std::string_view kAlphabet("\0ab/\xfe", 5);
  for (int i = 0; i < 300; ++i) {
    std::string key(1, "abc"[random() % 3]);
    for (std::size_t length = random() % 6; length > 0; --length) key += kAlphabet[random() % kAlphabet.size()];
    if (random() % 4 == 0) {
      commit_ok(writes({erase(key)}));
      model.erase(key);
    } else {
      model[key] = commit_ok(writes({put(key, "v")}));
    }
  }
  for (const std::string prefix : {"", "a", "b/", "a/a", "c\xfe"}) {
    for (const std::size_t limit : {1, 2, 3, 7, 50, 1000}) {
      EXPECT_EQ(paged(*store_, prefix, '/', limit), listed(model, prefix, '/'));
      EXPECT_EQ(paged(*store_, prefix, std::nullopt, limit), listed(model, prefix, std::nullopt));
    }
  }
}

TEST_P(StorageContract, ListGoesOnAfterAKeyThatIsGone) {
  commit_ok(writes({put("a", "1"), put("b", "1"), put("c", "1")}));
  commit_ok(writes({erase("b")}));
  const auto page = store_->list({.prefix = "", .after = "b", .limit = 10, .delimiter = {}, .read_at = {}});
  ASSERT_OK(page);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].key, "c");
  EXPECT_FALSE(page->more);
}

TEST_P(StorageContract, ListSizesAreBounded) {
  EXPECT_EQ(store_->list({.prefix = "", .after = "", .limit = 0, .delimiter = {}, .read_at = {}}).code(), Code::kInvalid);
  for (std::size_t i = 0; i <= limits::kStorageListMax; i += 100) {
    std::vector<Operation> operations;
    for (std::size_t k = i; k < i + 100; ++k) operations.push_back(put("k" + std::to_string(k), ""));
    commit_ok(writes(std::move(operations)));
  }
  const auto page = store_->list({.prefix = "", .after = "", .limit = 1'000'000, .delimiter = {}, .read_at = {}});
  ASSERT_OK(page);
  EXPECT_EQ(page->items.size(), limits::kStorageListMax);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->at, *store_->latest());
}

TEST_P(StorageContract, AListShowsOneMomentWhileOthersCommit) {
  // The token is under exactly one of the keys at any time.
  commit_ok(writes({put("t/0", "token")}));
  std::atomic<bool> stop{false};
  std::thread mover([&] {
    for (int i = 0; !stop; ++i) {
      store_->commit(writes({erase("t/" + std::to_string(i % 8)), put("t/" + std::to_string((i + 1) % 8), "token")}));
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto page = store_->list({.prefix = "t/", .after = "", .limit = 10, .delimiter = {}, .read_at = {}});
    const bool one = page.ok() && page->items.size() == 1;
    EXPECT_TRUE(one && page->items[0].version >= page->at);
  }
  stop = true;
  mover.join();
}

// ---- Watches.

TEST_P(StorageContract, WatchTellsEachCommitBelowThePrefixOnceAndInOrder) {
  RecordingWatcher watcher;
  const auto watch = store_->watch("a/", 0, watcher);
  ASSERT_OK(watch);
  const Version first = commit_ok(writes({put("a/1", "v"), put("b", "v"), put("a/2", "v")}));
  commit_ok(writes({put("b", "v")}));
  const Version second = commit_ok(writes({erase("a/1"), put("a/2", "w")}));
  // Synchronous: told before the writer was.
  EXPECT_THAT(watcher.lines(), ElementsAre(std::to_string(first) + " +a/1 +a/2", std::to_string(second) + " -a/1 +a/2"));
}

TEST_P(StorageContract, WatchStartsAfterTheVersionGiven) {
  const Version first = commit_ok(writes({put("a", "1")}));
  const Version second = commit_ok(writes({put("a", "2")}));
  RecordingWatcher watcher;
  const auto watch = store_->watch("", first, watcher);
  ASSERT_OK(watch);
  const Version third = commit_ok(writes({erase("a")}));
  EXPECT_THAT(watcher.lines(), ElementsAre(std::to_string(second) + " +a", std::to_string(third) + " -a"));
}

TEST_P(StorageContract, WatchFromTheLatestTellsOnlyWhatFollows) {
  const Version first = commit_ok(writes({put("a", "1")}));
  RecordingWatcher watcher;
  const auto watch = store_->watch("", first, watcher);
  ASSERT_OK(watch);
  EXPECT_THAT(watcher.lines(), IsEmpty());
}

TEST_P(StorageContract, WatchResetsWhenThePastIsForgotten) {
  const Version old = commit_ok(writes({put("a", "0")}));
  Outcomes outcomes;
  for (std::size_t i = 0; i <= limits::kStorageWatchRingCommitsMax + 1; ++i) {
    store_->commit(writes({put("a", std::to_string(i))}), outcomes.expect());
  }
  outcomes.all();
  const Version latest = *store_->latest();
  RecordingWatcher watcher;
  const auto watch = store_->watch("", old, watcher);
  ASSERT_OK(watch);
  EXPECT_THAT(watcher.lines(), ElementsAre("reset " + std::to_string(latest)));
  const Version next = commit_ok(writes({put("a", "next")}));
  EXPECT_THAT(watcher.lines(), ElementsAre("reset " + std::to_string(latest), std::to_string(next) + " +a"));
}

TEST_P(StorageContract, WatchResetsForAVersionThatWasNeverReached) {
  const Version latest = commit_ok(writes({put("a", "0")}));
  RecordingWatcher watcher;
  const auto watch = store_->watch("", latest + 1000, watcher);
  ASSERT_OK(watch);
  EXPECT_THAT(watcher.lines(), ElementsAre("reset " + std::to_string(latest)));
}

class ReadingWatcher final : public Watcher {
 public:
  explicit ReadingWatcher(Storage& store) : store_(store) {}
  void on_changes(std::span<const Change> changes, Version) override {
    for (const Change& change : changes) seen.push_back(value_of(store_, change.key));
  }
  void on_reset(Version) override {}

  std::vector<std::string> seen;

 private:
  Storage& store_;
};

TEST_P(StorageContract, AWatcherThatReadsSeesTheCommitItIsToldOf) {
  ReadingWatcher watcher(*store_);
  const auto watch = store_->watch("", 0, watcher);
  ASSERT_OK(watch);
  commit_ok(writes({put("a", "1")}));
  commit_ok(writes({put("a", "2")}));
  EXPECT_THAT(watcher.seen, ElementsAre("1", "2"));
}

class DoomedWatcher final : public Watcher {
 public:
  ~DoomedWatcher() override { alive_ = false; }
  void on_changes(std::span<const Change>, Version) override { EXPECT_TRUE(alive_); }
  void on_reset(Version) override { EXPECT_TRUE(alive_); }

 private:
  bool alive_ = true;
};

TEST_P(StorageContract, ADestroyedWatchIsNeverCalledAgain) {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) store_->commit(writes({put("a", "v")}));
  });
  for (int i = 0; i < 300; ++i) {
    auto watcher = std::make_unique<DoomedWatcher>();
    auto watch = store_->watch("", 0, *watcher);
    EXPECT_TRUE(watch.ok());
    watch = Error{};
    watcher.reset();
  }
  stop = true;
  writer.join();
}

// ---- Leadership.

TEST_P(StorageContract, OneLeadsAJobUntilItsTtlHasPassed) {
  auto first = store_->campaign("reaper", 1000);
  ASSERT_OK(first);
  EXPECT_EQ(store_->campaign("reaper", 1000).code(), Code::kConflict);
  ASSERT_OK(store_->campaign("other job", 1000));
  clock_.advance_ms(999);
  EXPECT_EQ(store_->campaign("reaper", 1000).code(), Code::kConflict);
  clock_.step_wall_ms(1'000'000);
  EXPECT_EQ(store_->campaign("reaper", 1000).code(), Code::kConflict);
  clock_.advance_ms(1);
  const auto second = store_->campaign("reaper", 1000);
  ASSERT_OK(second);
  EXPECT_EQ((*first)->renew().code(), Code::kConflict);
}

TEST_P(StorageContract, FenceFailsOnceAnotherWasElected) {
  const auto first = store_->campaign("reaper", 1000);
  ASSERT_OK(first);
  const Condition fence = (*first)->fence();
  EXPECT_TRUE(store_->commit(batch({fence}, {put("work", "1")})).ok());
  clock_.advance_ms(5000);
  EXPECT_TRUE(store_->commit(batch({fence}, {put("work", "1 late")})).ok());  // Nobody else leads yet.
  const auto second = store_->campaign("reaper", 1000);
  ASSERT_OK(second);
  EXPECT_EQ(store_->commit(batch({fence}, {put("work", "1 stale")})).kind, Kind::kConflict);
  EXPECT_TRUE(store_->commit(batch({(*second)->fence()}, {put("work", "2")})).ok());
  EXPECT_EQ(value_of(*store_, "work"), "2");
}

TEST_P(StorageContract, RenewingExtendsAndKeepsTheFence) {
  const auto leadership = store_->campaign("reaper", 1000);
  ASSERT_OK(leadership);
  const Condition fence = (*leadership)->fence();
  clock_.advance_ms(900);
  ASSERT_OK((*leadership)->renew());
  clock_.advance_ms(900);
  EXPECT_EQ(store_->campaign("reaper", 1000).code(), Code::kConflict);
  EXPECT_TRUE(store_->commit(batch({fence}, {put("work", "1")})).ok());
  clock_.advance_ms(5000);
  ASSERT_OK((*leadership)->renew());  // Late, but nobody else was elected.
}

TEST_P(StorageContract, EndingALeadershipFreesTheJobAtOnce) {
  auto first = store_->campaign("reaper", 1'000'000);
  ASSERT_OK(first);
  const Condition fence = (*first)->fence();
  first = Error{};
  EXPECT_EQ(store_->commit(batch({fence}, {put("work", "late")})).kind, Kind::kConflict);
  ASSERT_OK(store_->campaign("reaper", 1000));
}

TEST_P(StorageContract, OfManyWhoCampaignOneIsElected) {
  std::atomic<int> elected{0};
  std::vector<std::unique_ptr<Leadership>> held(8);
  std::vector<std::thread> threads;
  for (auto& mine : held) {
    threads.emplace_back([&] {
      auto leadership = store_->campaign("reaper", 1000);
      if (!leadership.ok()) return;
      ++elected;
      mine = std::move(leadership).value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(elected, 1);
}

TEST_P(StorageContract, LeadershipIsNeitherListedNorWatched) {
  RecordingWatcher watcher;
  const auto watch = store_->watch("", 0, watcher);
  ASSERT_OK(watch);
  const auto leadership = store_->campaign("reaper", 1000);
  ASSERT_OK(leadership);
  EXPECT_THAT(watcher.lines(), IsEmpty());
  EXPECT_THAT(paged(*store_, "", std::nullopt, 10), IsEmpty());
  EXPECT_THAT(paged(*store_, "\xff", std::nullopt, 10), IsEmpty());
}

TEST_P(StorageContract, ACampaignNeedsAJobAndATtl) {
  EXPECT_EQ(store_->campaign("", 1000).code(), Code::kInvalid);
  EXPECT_EQ(store_->campaign("reaper", 0).code(), Code::kInvalid);
}

// ---- Injected faults.

TEST_P(StorageContract, InjectedOutcomesAreWhatTheySay) {
  FaultStorage faults(*store_, clock_);
  faults.inject({.kind = CommitFault::Kind::kConflict, .nth = 2});
  EXPECT_TRUE(faults.commit(batch({absent("a")}, {put("a", "1")})).ok());
  const Outcome conflict = faults.commit(batch({present("a")}, {put("a", "2")}));
  EXPECT_EQ(conflict.kind, Kind::kConflict);
  EXPECT_THAT(conflict.conflicts, ElementsAre(0));
  EXPECT_TRUE(faults.commit(batch({present("a")}, {put("a", "3")})).ok());

  faults.inject({.kind = CommitFault::Kind::kRefused, .times = 2, .matches = [](const Batch& tried) {
                   return tried.operations[0].key == "b";
                 }});
  EXPECT_EQ(faults.commit(writes({put("b", "1")})).kind, Kind::kRefused);
  EXPECT_TRUE(faults.commit(writes({put("a", "4")})).ok());
  EXPECT_EQ(faults.commit(writes({put("b", "2")})).error.code, Code::kUnavailable);
  EXPECT_TRUE(faults.commit(writes({put("b", "3")})).ok());
  EXPECT_EQ(value_of(*store_, "a"), "4");
  EXPECT_EQ(value_of(*store_, "b"), "3");
}

TEST_P(StorageContract, InjectedUnknownsAreResolved) {
  FaultStorage faults(*store_, clock_);
  faults.inject({.kind = CommitFault::Kind::kUnknownHappened, .resolves_unknown = 2});
  EXPECT_EQ(faults.commit(named(writes({put("a", "1")}), 1)).kind, Kind::kUnknown);
  EXPECT_EQ(value_of(*store_, "a"), "1");
  EXPECT_EQ(faults.resolve(request_id(1)), Resolution::kStillUnknown);
  EXPECT_EQ(faults.resolve(request_id(1)), Resolution::kStillUnknown);
  EXPECT_EQ(faults.resolve(request_id(1)), Resolution::kHappened);

  faults.inject({.kind = CommitFault::Kind::kUnknownDidNotHappen});
  EXPECT_EQ(faults.commit(named(writes({put("a", "2")}), 2)).kind, Kind::kUnknown);
  EXPECT_EQ(value_of(*store_, "a"), "1");
  EXPECT_EQ(faults.resolve(request_id(2)), Resolution::kDidNotHappen);
  EXPECT_EQ(faults.resolve(request_id(3)), Resolution::kStillUnknown);
}

TEST_P(StorageContract, ADelayedCommitWaitsForItsRelease) {
  FaultStorage faults(*store_, clock_);
  faults.inject({.kind = CommitFault::Kind::kDelay});
  Outcomes outcomes;
  faults.commit(batch({absent("a")}, {put("a", "delayed")}), outcomes.expect());
  EXPECT_EQ(faults.held(), 1u);
  EXPECT_TRUE(faults.commit(writes({put("a", "overtook")})).ok());
  faults.release();
  EXPECT_EQ(outcomes.all()[0].kind, Kind::kConflict);
}

TEST_P(StorageContract, InjectedReadFailuresEnd) {
  FaultStorage faults(*store_, clock_);
  faults.fail_reads(2, 2);
  ASSERT_OK(faults.get("a"));
  EXPECT_EQ(faults.get("a").code(), Code::kUnavailable);
  EXPECT_EQ(faults.list({}).code(), Code::kUnavailable);
  ASSERT_OK(faults.latest());
}

TEST_P(StorageContract, AnElectionOfUnknownOutcomeIsResolved) {
  FaultStorage faults(*store_, clock_);
  faults.inject({.kind = CommitFault::Kind::kUnknownHappened});
  const auto leadership = faults.campaign("reaper", 1000);
  ASSERT_OK(leadership);
  EXPECT_TRUE(store_->commit(batch({(*leadership)->fence()}, {put("work", "1")})).ok());
  faults.inject({.kind = CommitFault::Kind::kUnknownDidNotHappen});
  EXPECT_EQ((*leadership)->renew().code(), Code::kUnavailable);
  faults.inject({.kind = CommitFault::Kind::kUnknownHappened, .resolves_unknown = 9});
  EXPECT_EQ((*leadership)->renew().code(), Code::kUnknown);
  ASSERT_OK((*leadership)->renew());
}

// ---- Concurrency.

TEST_P(StorageContract, ConditionalIncrementsOfManyThreadsAddUp) {
  constexpr int kThreads = 64;
  constexpr int kIncrements = 40;
  constexpr int kCounters = 4;
  std::atomic<int> conflicts{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kIncrements; ++i) {
        const std::string key = "counter/" + std::to_string((t + i) % kCounters);
        for (;;) {
          const auto entry = store_->get(key);
          ASSERT_OK(entry);
          const int count = entry->has_value() ? std::stoi((*entry)->value) : 0;
          const Version since = entry->has_value() ? (*entry)->version : 0;
          const Outcome outcome = store_->commit(batch({unchanged(key, since)}, {put(key, std::to_string(count + 1))}));
          if (outcome.ok()) break;
          ASSERT_EQ(outcome.kind, Kind::kConflict);
          ++conflicts;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  int sum = 0;
  for (int i = 0; i < kCounters; ++i) sum += std::stoi(value_of(*store_, "counter/" + std::to_string(i)));
  EXPECT_EQ(sum, kThreads * kIncrements);
  EXPECT_EQ(*store_->latest(), static_cast<Version>(kThreads * kIncrements));
}

TEST_P(StorageContract, CommitsOfOneThreadTakeEffectInTheirOrder) {
  constexpr int kCommits = 500;
  Outcomes outcomes;
  store_->commit(writes({put("n", "0")}), outcomes.expect());
  for (int i = 1; i < kCommits; ++i) {
    // The first of each pair sees the commit before it, even in the same group; the second fails because of the first.
    store_->commit(batch({present("n"), absent("x" + std::to_string(i))}, {put("x" + std::to_string(i), "")}),
                   outcomes.expect());
    store_->commit(batch({absent("x" + std::to_string(i))}, {put("n", "never")}), outcomes.expect());
  }
  const std::vector<Outcome> all = outcomes.all();
  Version last = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool second = i > 0 && i % 2 == 0;
    ASSERT_EQ(all[i].kind, second ? Kind::kConflict : Kind::kOk) << "commit " << i;
    if (second) continue;
    EXPECT_EQ(all[i].at, last + 1);
    last = all[i].at;
  }
  EXPECT_EQ(value_of(*store_, "n"), "0");
}

TEST_P(StorageContract, AWatchSeesTheSameHistoryAsTheWriters) {
  RecordingWatcher watcher;
  const auto watch = store_->watch("", 0, watcher);
  ASSERT_OK(watch);
  std::vector<std::thread> threads;
  Mutex mutex;
  std::map<Version, std::string> committed;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        const Outcome outcome = store_->commit(writes({put(key, "")}));
        EXPECT_TRUE(outcome.ok());
        const MutexLock lock(mutex);
        committed[outcome.at] = std::to_string(outcome.at) + " +" + key;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::string> history;
  for (const auto& [at, line] : committed) history.push_back(line);
  EXPECT_EQ(watcher.lines(), history);
}

// ---- All of it: views and replacements.

/// "key=value" of all that a view has, read `bytes` at a time.
inline std::vector<std::string> all_of(View& view, std::size_t bytes = 1) {
  std::vector<std::string> lines;
  for (;;) {
    const auto entries = view.next(bytes);
    EXPECT_TRUE(entries.ok()) << explain(entries);
    if (!entries.ok() || entries->empty()) return lines;
    for (const Entry& entry : *entries) lines.push_back(entry.key + "=" + entry.value);
  }
}
inline std::vector<std::string> all_of(const Storage& store) {
  const auto view = store.view();
  EXPECT_TRUE(view.ok()) << explain(view);
  return view.ok() ? all_of(**view) : std::vector<std::string>{};
}
/// Yields them one by one.
inline EntrySource source_of(std::vector<Entry> entries) {
  auto left = std::make_shared<std::vector<Entry>>(std::move(entries));
  return [left]() -> Result<std::vector<Entry>> {
    if (left->empty()) return std::vector<Entry>{};
    std::vector<Entry> one{left->front()};
    left->erase(left->begin());
    return one;
  };
}

TEST_P(StorageContract, AViewStaysAsItWasWhateverIsWritten) {
  const Version at = commit_ok(writes({put("a", "1"), put("b", "1")}));
  const auto leadership = store_->campaign("job", 1'000);  // The store's own record.
  const auto view = store_->view();
  ASSERT_OK(view);
  EXPECT_GE((*view)->at(), at);
  commit_ok(writes({put("a", "2"), erase("b"), put("c", "2")}));
  const auto first = (*view)->next(1);
  ASSERT_OK(first);
  ASSERT_EQ(first->size(), 1u);
  EXPECT_EQ(first->front().version, at);
  EXPECT_THAT(all_of(**view), ElementsAre("b=1"));
  EXPECT_THAT(all_of(*store_), ElementsAre("a=2", "c=2"));
}

TEST_P(StorageContract, AReplacementIsInPlaceOfEverything) {
  commit_ok(writes({put("a", "1"), put("b", "1")}));
  const Version before = commit_ok(writes({put("c", "1")}));
  RecordingWatcher watcher;
  const auto watch = store_->watch("", 0, watcher);
  const auto at = store_->replace(source_of({{"b", "new", 0}, {"a", "new", 99}}));
  ASSERT_OK(at);
  EXPECT_GT(*at, before);
  EXPECT_THAT(all_of(*store_), ElementsAre("a=new", "b=new"));
  EXPECT_EQ(version_of("a"), *at);
  EXPECT_EQ(version_of("c"), 0u);
  EXPECT_EQ(*store_->latest(), *at);
  EXPECT_THAT(watcher.lines(), ElementsAre("reset " + std::to_string(*at)));
  // What was read before decides nothing any more.
  EXPECT_EQ(store_->commit(batch({unchanged("c", before)}, {put("d", "1")})).kind, Kind::kConflict);
  EXPECT_GT(commit_ok(batch({unchanged("a", *at)}, {put("a", "2")})), *at);
}

TEST_P(StorageContract, AReplacementThatBreaksOffChangesNothing) {
  const Version at = commit_ok(writes({put("a", "1")}));
  int calls = 0;
  const auto replaced = store_->replace([&]() -> Result<std::vector<Entry>> {
    if (++calls == 2) return Error{Code::kCorrupt, "spoiled"};
    return std::vector<Entry>{{"b", "2", 0}};
  });
  EXPECT_EQ(replaced.code(), Code::kCorrupt);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(store_->replace(source_of({{"", "no key", 0}})).code(), Code::kInvalid);
  EXPECT_EQ(store_->replace(source_of({{std::string(1, kReservedPrefix), "the store's own", 0}})).code(), Code::kInvalid);
  EXPECT_THAT(all_of(*store_), ElementsAre("a=1"));
  EXPECT_EQ(version_of("a"), at);
  commit_ok(batch({unchanged("a", at)}, {put("a", "2")}));
}

TEST_P(StorageContract, AStoreMayBeReplacedByAViewOfAnother) {
  std::vector<Entry> many;
  for (int i = 0; i < 2'000; ++i) many.push_back({"key" + std::to_string(i), std::string(100, 'v'), 0});
  ASSERT_OK(store_->replace(source_of(many)));
  const auto other_backend = GetParam().make();
  const auto other = other_backend->open(clock_);
  const auto view = store_->view();
  ASSERT_OK(other->replace([&] { return (*view)->next(10'000); }));
  EXPECT_EQ(all_of(*other), all_of(*store_));
  EXPECT_EQ(all_of(*other).size(), many.size());
}

TEST_P(StorageContract, WhatIsCommittedDuringReplacementsIsWhollyThereOrRefused) {
  std::atomic<bool> over{false};
  std::thread writer([&] {
    for (int i = 0; !over; ++i) {
      const Outcome outcome = store_->commit(writes({put("w/" + std::to_string(i), ""), put("last", std::to_string(i))}));
      EXPECT_TRUE(outcome.ok() || outcome.error.code == Code::kUnavailable) << explain(outcome);
    }
  });
  for (int i = 0; i < rounds(10); ++i) {
    const auto at = store_->replace(source_of({{"base", std::to_string(i), 0}}));
    ASSERT_OK(at);
    EXPECT_EQ(value_of(*store_, "base"), std::to_string(i));
    const auto lines = all_of(*store_);
    const auto last = value_of(*store_, "last");
    if (lines.size() > 1) {
      EXPECT_NE(last, "(absent)") << "half of a commit";
    }
  }
  over = true;
  writer.join();
}

TEST_P(StorageContract, AHealthyStoreIsWritable) { EXPECT_TRUE(store_->health().writable) << store_->health().reason; }

}  // namespace keyhold::storage
