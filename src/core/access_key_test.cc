#include "core/access_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/config.h"
#include "core/test_support/test_tokens.h"

namespace keyhold::core::access_keys {
namespace {

using Names = std::vector<std::string>;

constexpr std::int64_t kDayMs = 24 * 3600 * 1000;

class AccessKeyTest : public test::TokenFixture {
 protected:
  AccessKeySpec spec(std::int64_t ttl_s = 0) {
    AccessKeySpec spec;
    spec.mount_id = mount_;
    spec.mount_path = "auth/keys/";
    spec.policies = {"reader"};
    spec.ttl_s = ttl_s;
    return spec;
  }
  AccessKeySpec imported(std::string_view id, std::string_view secret = "0123456789abcdef") {
    AccessKeySpec given = spec();
    given.id = id;
    given.secret = SecretBytes::copy_of(secret);
    return given;
  }
  /// "made", or the word of the error.
  std::string try_create(AccessKeySpec given) {
    Transaction tx = node_.transaction();
    const auto made = access_keys::create(tx, tokens(), std::move(given), rng_);
    if (!made.ok()) return made.code() == Code::kInvalid ? "invalid" : made.code() == Code::kUnavailable ? "unavailable" : "other";
    return node_.commit(tx).ok() ? "made" : "conflict";
  }
  NewAccessKey made(AccessKeySpec given) {
    Transaction tx = node_.transaction();
    auto made = access_keys::create(tx, tokens(), std::move(given), rng_);
    CHECK(made.ok() && node_.commit(tx).ok());
    return std::move(made).value();
  }
  std::string make(std::int64_t ttl_s = 0) { return made(spec(ttl_s)).record.id(); }

  std::shared_ptr<const AccessKey> found(std::string_view id) {
    Transaction tx = node_.transaction();
    auto found = find(tx, keys::kRootNamespace, id);
    CHECK(found.ok());
    return std::move(found).value();
  }
  /// "live", "denied" or "unavailable": both nodes must say so.
  std::string state(std::string_view id) {
    std::string one;
    for (test::TestNode* node : {&node_, &other_}) {
      Transaction tx = node->transaction();
      const auto key = find(tx, keys::kRootNamespace, id);
      CHECK(key.ok());
      if (*key == nullptr) return "not there";
      const auto live = check_live(tx, tokens(*node), **key);
      const std::string word = live.ok() ? "live" : live.code() == Code::kDenied ? "denied" : "unavailable";
      EXPECT_TRUE(node == &node_ || word == one) << "the nodes disagree";
      one = word;
    }
    return one;
  }
  void change(std::string_view id, AccessKeyChange wanted) {
    Transaction tx = node_.transaction();
    const auto key = find(tx, keys::kRootNamespace, id);
    ASSERT_TRUE(key.ok() && *key != nullptr);
    ASSERT_TRUE(access_keys::change(tx, tokens(), **key, std::move(wanted), rng_).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  void set(std::string_view id, Status status) { change(id, {.status = status}); }
  void erase(std::string_view id) {
    Transaction tx = node_.transaction();
    const auto key = find(tx, keys::kRootNamespace, id);
    ASSERT_TRUE(key.ok() && *key != nullptr);
    ASSERT_TRUE(access_keys::erase(tx, tokens(), **key).ok());
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  /// A temporary credential below a key.
  NewToken below_key(std::string_view id, std::int64_t ttl_s = 1'000) {
    TokenSpec child = living(ttl_s);
    child.ancestors = {found(id)->token->liveness()};
    return create(std::move(child));
  }
  bool note_use(std::string_view id) {
    Transaction tx = node_.transaction();
    const auto key = find(tx, keys::kRootNamespace, id);
    CHECK(key.ok() && access_keys::note_use(tx, **key, clock_.now_ms()).ok());
    const bool writes = tx.writes();
    CHECK(node_.commit(tx).ok());
    return writes;
  }
  Names listed(std::string_view after = {}, std::size_t limit = 100) {
    Transaction tx = node_.transaction();
    auto page = list(tx, mount_, after, limit);
    CHECK(page.ok());
    return page->ids;
  }
  // The two halves of what "sys/auth" does when an auth method is disabled.
  void leave_tombstone() {
    Transaction tx = node_.transaction();
    const std::string key = keys::mount(keys::kRootNamespace, mount_);
    records::Mount removed = **tx.load<records::Mount>(key);
    removed.set_state(records::Mount::REMOVED);
    tx.put(key, encode_record(removed));
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  void leave_job() {
    Transaction tx = node_.transaction();
    records::Job job;
    job.set_kind(records::Job::REMOVE_MOUNT_DATA);
    job.set_namespace_id(keys::kRootNamespace);
    job.set_mount_id(mount_);
    tx.put(keys::job(keys::kRootNamespace, mount_), encode_record(job));
    ASSERT_TRUE(node_.commit(tx).ok());
  }
  /// Entries that belong to access keys alone.
  std::size_t key_entries() { return count('w') + count('d') + count('f'); }

  const keys::MountId mount_ = node_.put_mount("auth/keys/", "access-key");
};

TEST_F(AccessKeyTest, APairIsRandomAndOfAwssForm) {
  constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::string_view kSecretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::set<std::string> ids, secrets;
  for (int i = 0; i < 50; ++i) {
    const NewAccessKey pair = made(spec());
    const std::string& id = pair.record.id();
    ASSERT_EQ(id.size(), 20u);
    EXPECT_TRUE(id.starts_with("AKIA"));
    EXPECT_EQ(id.substr(4).find_first_not_of(kIdAlphabet), std::string::npos) << id;
    const std::string secret(pair.secret.reveal());
    EXPECT_EQ(secret.size(), 40u);
    EXPECT_EQ(secret.find_first_not_of(kSecretAlphabet), std::string::npos);
    EXPECT_EQ(found(id)->secret.reveal(), secret);
    ids.insert(id);
    secrets.insert(secret);
  }
  EXPECT_EQ(ids.size(), 50u);
  EXPECT_EQ(secrets.size(), 50u);
}

TEST_F(AccessKeyTest, StandsForATokenWithItsPowers) {
  AccessKeySpec given = spec(3600);
  given.policies = {"writer", "reader", "writer"};
  given.bound_cidrs = {"10.0.0.0/8"};
  given.description = "the billing service";
  const NewAccessKey pair = made(std::move(given));
  const auto key = found(pair.record.id());
  EXPECT_EQ(key->record.description(), "the billing service");
  const records::Token& token = *key->token;
  EXPECT_EQ(token.display_name(), "access-key-" + pair.record.id());
  EXPECT_EQ(token.path(), "auth/keys/key/" + pair.record.id());
  ASSERT_EQ(token.policies_size(), 2);
  EXPECT_EQ(token.policies(0), "reader");
  EXPECT_EQ(token.policies(1), "writer");
  EXPECT_EQ(token.bound_cidrs(0), "10.0.0.0/8");
  EXPECT_EQ(token.mount_id(), mount_);
  EXPECT_EQ(token.accessor(), pair.record.accessor());
  EXPECT_EQ(token.accessor().size(), 24u);
  EXPECT_EQ(token.expires_ms(), clock_.now_ms() + 3'600'000);
  EXPECT_TRUE(token.orphan());
  EXPECT_EQ(token.ancestors_size(), 0);
  EXPECT_EQ(found(pair.record.id())->token, key->token) << "the same object while the record stays the same";
}

TEST_F(AccessKeyTest, NoSecretIsInTheStoreInClear) {
  made(imported("SOME_IMPORTED_KEY", "hunter2hunter2hunter2"));
  EXPECT_EQ(found("SOME_IMPORTED_KEY")->secret.reveal(), "hunter2hunter2hunter2");
  EXPECT_EQ(test::all_bytes(store_).find("hunter2"), std::string::npos);
}

TEST_F(AccessKeyTest, BadPairsAreNotImported) {
  const std::string long_text(129, 'a');
  for (const std::string id : {"AKIA56789012345", "ASIA567890123456", "AKIA-67890123456", "AKIA/67890123456", "AKIA 67890123456",
                               "AKIA\xc3\xa4" "890123456", long_text.c_str()}) {
    EXPECT_EQ(try_create(imported(id)), "invalid") << id;
  }
  for (const std::string secret : {"", "012345678901234", "0123456789abcde ", "0123456789abcde\n", "0123456789abcde\xff", long_text.c_str()}) {
    EXPECT_EQ(try_create(imported("AKIA567890123456", secret)), "invalid") << secret;
  }
  EXPECT_EQ(key_entries(), 0u);
  EXPECT_EQ(try_create(imported("a_lower_case_id_1")), "made");
  EXPECT_EQ(try_create(imported(std::string(128, 'A'), std::string(128, '~'))), "made");
}

TEST_F(AccessKeyTest, AnIdIsTakenOnceInANamespace) {
  ASSERT_EQ(try_create(imported("AKIA567890123456")), "made");
  EXPECT_EQ(try_create(imported("AKIA567890123456", "another secret!!")), "invalid");
  AccessKeySpec elsewhere = imported("AKIA567890123456", "another_secret_!");
  elsewhere.mount_id = node_.put_mount("auth/other/", "access-key");
  EXPECT_EQ(try_create(std::move(elsewhere)), "invalid");
  AccessKeySpec of_another_namespace = imported("AKIA567890123456", "another_secret_!");
  of_another_namespace.namespace_id = 7;
  EXPECT_EQ(try_create(std::move(of_another_namespace)), "made");
  EXPECT_EQ(found("AKIA567890123456")->secret.reveal(), "0123456789abcdef");
}

TEST_F(AccessKeyTest, OfTwoWhoImportTheSameIdAtOnceOneWins) {
  Transaction one = node_.transaction(), two = other_.transaction();
  ASSERT_TRUE(access_keys::create(one, tokens(), imported("AKIA567890123456"), rng_).ok());
  ASSERT_TRUE(access_keys::create(two, tokens(other_), imported("AKIA567890123456"), rng_).ok());
  EXPECT_TRUE(node_.commit(one).ok());
  EXPECT_FALSE(other_.commit(two).ok());
}

TEST_F(AccessKeyTest, HasNoMoreThanItsBounds) {
  for (const char* reserved : {"root", "response-wrapping", "control-group"}) {
    AccessKeySpec given = spec();
    given.policies = {"reader", reserved};
    EXPECT_EQ(try_create(std::move(given)), "invalid") << reserved;
  }
  AccessKeySpec many_policies = spec(), many_blocks = spec(), bad_block = spec(), long_text = spec(), broken_text = spec();
  many_policies.policies.assign(TokenStore::kPoliciesMax + 1, "reader");
  many_blocks.bound_cidrs.assign(TokenStore::kBoundCidrsMax + 1, "::1");
  bad_block.bound_cidrs = {"10.0.0.0/40"};
  long_text.description.assign(kDescriptionBytesMax + 1, 'a');
  broken_text.description = "\xff";
  EXPECT_EQ(try_create(std::move(many_policies)), "invalid");
  EXPECT_EQ(try_create(std::move(many_blocks)), "invalid");
  EXPECT_EQ(try_create(std::move(bad_block)), "invalid");
  EXPECT_EQ(try_create(std::move(long_text)), "invalid");
  EXPECT_EQ(try_create(std::move(broken_text)), "invalid");
  EXPECT_EQ(try_create(spec(-1)), "invalid");
  EXPECT_EQ(key_entries(), 0u);
}

TEST_F(AccessKeyTest, EndsWithItsTimeAndAllBelowItToo) {
  const std::string id = make(100);
  const std::string for_ever = make();
  const NewToken session = below_key(id);
  EXPECT_EQ(state(id), "live");
  EXPECT_TRUE(valid(session));
  clock_.advance_ms(100'000);
  EXPECT_EQ(state(id), "denied");
  EXPECT_FALSE(valid(session));
  EXPECT_EQ(state(for_ever), "live");
  EXPECT_NE(found(id), nullptr) << "it stays until it is deleted";
}

TEST_F(AccessKeyTest, WhoHadExpiredComesBackWithoutWhatWasBelow) {
  const std::string id = make(100);
  const NewToken session = below_key(id);
  clock_.advance_ms(100'000);
  change(id, {.ttl_s = 100});
  EXPECT_EQ(state(id), "live");
  EXPECT_FALSE(valid(session));
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(token_entries(), 1u) << "the liveness of the key";
}

TEST_F(AccessKeyTest, ItsEndMovesAndSoDoesThatOfAllBelow) {
  const std::string id = make(100);
  const NewToken session = below_key(id);
  change(id, {.ttl_s = 200});
  clock_.advance_ms(150'000);
  EXPECT_EQ(state(id), "live");
  EXPECT_TRUE(valid(session));
  change(id, {.ttl_s = 0});
  clock_.advance_ms(500'000);
  EXPECT_EQ(state(id), "live");
  EXPECT_TRUE(valid(session));
  change(id, {.ttl_s = 10});
  clock_.advance_ms(10'000);
  EXPECT_EQ(state(id), "denied");
  EXPECT_FALSE(valid(session));
}

TEST_F(AccessKeyTest, AJumpOfTheClockNeitherEndsNorRevivesIt) {
  const std::string id = make(100);
  const std::string for_ever = make();
  clock_.step_wall_ms(3'600'000);
  EXPECT_EQ(state(id), "unavailable");
  EXPECT_EQ(state(for_ever), "live");
  EXPECT_EQ(try_create(spec(100)), "unavailable");
  set(id, Status::kDisabled);
  EXPECT_EQ(state(id), "denied") << "what must end can end";
}

TEST_F(AccessKeyTest, DisablingEndsWhatIsBelowForGood) {
  const std::string id = make();
  const NewToken session = below_key(id);
  const NewToken deeper = child_of(session);
  set(id, Status::kDisabled);
  EXPECT_EQ(state(id), "denied");
  EXPECT_TRUE(found(id)->record.disabled());
  EXPECT_FALSE(valid(session));
  EXPECT_FALSE(valid(deeper));
  set(id, Status::kDisabled);
  set(id, Status::kEnabled);
  EXPECT_EQ(state(id), "live");
  EXPECT_FALSE(valid(session)) << "before the job has run, too";
  const NewToken later = below_key(id);
  set(id, Status::kEnabled);
  EXPECT_TRUE(valid(later)) << "it was enabled";
  ASSERT_TRUE(jobs_done());
  EXPECT_TRUE(valid(later));
  EXPECT_FALSE(valid(deeper));
  const std::size_t of_later = 5, of_key = 1;
  EXPECT_EQ(token_entries(), of_later + of_key);
}

TEST_F(AccessKeyTest, ADisabledOneIsChangedAndStaysDisabled) {
  const std::string id = make(100);
  set(id, Status::kDisabled);
  change(id, {.policies = Names{"writer"}, .ttl_s = 0});
  EXPECT_EQ(state(id), "denied");
  set(id, Status::kEnabled);
  clock_.advance_ms(200'000);
  EXPECT_EQ(state(id), "live");
  EXPECT_EQ(found(id)->token->policies(0), "writer");
}

TEST_F(AccessKeyTest, OtherChangesLeaveWhatIsBelow) {
  const std::string id = make();
  const NewToken session = below_key(id);
  const std::string secret(found(id)->secret.reveal());
  change(id, {.policies = Names{"writer", "auditor"}, .bound_cidrs = Names{"::1"}, .description = "moved"});
  const auto key = found(id);
  EXPECT_EQ(key->token->policies(0), "auditor");
  EXPECT_EQ(key->token->bound_cidrs(0), "::1");
  EXPECT_EQ(key->record.description(), "moved");
  EXPECT_EQ(key->secret.reveal(), secret);
  EXPECT_EQ(state(id), "live");
  EXPECT_TRUE(valid(session));
  Transaction tx = node_.transaction();
  EXPECT_EQ(access_keys::change(tx, tokens(), *key, {.policies = Names{"root"}}, rng_).code(), Code::kInvalid);
}

TEST_F(AccessKeyTest, OfADeletedOneNothingStays) {
  const std::string id = make();
  const NewToken session = below_key(id);
  ASSERT_TRUE(note_use(id));
  EXPECT_EQ(key_entries(), 3u);
  erase(id);
  EXPECT_EQ(state(id), "not there");
  EXPECT_FALSE(valid(session));
  ASSERT_TRUE(jobs_done());
  EXPECT_EQ(key_entries(), 0u);
  EXPECT_EQ(token_entries(), 0u);
}

TEST_F(AccessKeyTest, WhoIsMadeAgainDoesNotReviveWhatWasBelow) {
  made(imported("AKIA567890123456"));
  const NewToken session = below_key("AKIA567890123456");
  erase("AKIA567890123456");
  made(imported("AKIA567890123456"));
  EXPECT_EQ(state("AKIA567890123456"), "live");
  EXPECT_FALSE(valid(session));
}

TEST_F(AccessKeyTest, WhatIsMadeBelowWhileItEndsIsNotMade) {
  const std::string id = make();
  Transaction tx = node_.transaction();
  TokenSpec child = living(100);
  child.ancestors = {found(id)->token->liveness()};
  ASSERT_TRUE(tokens().create(tx, std::move(child), rng_).ok());
  set(id, Status::kDisabled);
  EXPECT_FALSE(node_.commit(tx).ok());
}

TEST_F(AccessKeyTest, EndsWithItsMountAtOnceAndIsDeletedByItsJob) {
  Names ids;
  for (int i = 0; i < 30; ++i) ids.push_back(make());
  set(ids[1], Status::kDisabled);
  ASSERT_TRUE(note_use(ids[0]));
  const NewToken session = below_key(ids[0]);
  AccessKeySpec given = spec();
  given.mount_id = node_.put_mount("auth/other/", "access-key");
  const std::string other = made(std::move(given)).record.id();
  leave_tombstone();
  for (const std::string& id : ids) EXPECT_EQ(state(id), "denied");
  EXPECT_FALSE(valid(session));
  EXPECT_EQ(state(other), "live");
  leave_job();
  ASSERT_TRUE(jobs_done());
  for (const std::string& id : ids) EXPECT_EQ(found(id), nullptr);
  EXPECT_EQ(state(other), "live");
  EXPECT_EQ(key_entries(), 2u);
  EXPECT_EQ(token_entries(), 1u) << "the other key's liveness";
}

TEST_F(AccessKeyTest, IsListedWithItsMountPageByPage) {
  Names ids;
  for (int i = 0; i < 5; ++i) ids.push_back(make());
  std::sort(ids.begin(), ids.end());
  AccessKeySpec elsewhere = spec();
  elsewhere.mount_id = mount_ + 1;
  made(std::move(elsewhere));
  EXPECT_EQ(listed(), ids);
  EXPECT_EQ(listed({}, 2), Names(ids.begin(), ids.begin() + 2));
  EXPECT_EQ(listed(ids[1], 2), Names(ids.begin() + 2, ids.begin() + 4));
}

TEST_F(AccessKeyTest, AUseIsNotedOnceADay) {
  const std::string id = make();
  const auto key = found(id);
  Transaction before = node_.transaction();
  EXPECT_EQ(*last_used(before, *key), 0);
  clock_.advance_ms(kDayMs - clock_.now_ms() % kDayMs);
  const UnixMillis midnight_ms = clock_.now_ms();
  EXPECT_TRUE(note_use(id));
  clock_.advance_ms(kDayMs - 1);
  EXPECT_FALSE(note_use(id));
  Transaction tx = node_.transaction();
  EXPECT_EQ(*last_used(tx, *key), midnight_ms);
  EXPECT_EQ(found(id), key) << "a use leaves the cached key as it is";
  clock_.advance_ms(1);
  Transaction looks(node_.node().cache(), store_, Transaction::Mode::kCachedOnly);
  EXPECT_EQ(access_keys::note_use(looks, *key, clock_.now_ms()).code(), Code::kMiss);
  EXPECT_TRUE(note_use(id));
}

TEST_F(AccessKeyTest, IsUnknownInAnotherNamespaceAndByAnIdThatIsNone) {
  const std::string id = make();
  Transaction tx = node_.transaction();
  EXPECT_EQ(*find(tx, 7, id), nullptr);
  for (const std::string& other : {std::string(), id.substr(1), id + "A", std::string(5'000, 'A')}) {
    EXPECT_EQ(*find(tx, keys::kRootNamespace, other), nullptr);
  }
}

}  // namespace
}  // namespace keyhold::core::access_keys
