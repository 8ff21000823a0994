#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <vector>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using core::rotation::Post;
using core::test::await;
using test::Got;

/// A disk that may be full.
struct JournalDisk final : core::audit::FileCalls {
  ssize_t write(int fd, const char* data, std::size_t size) override {
    if (!full) return FileCalls::write(fd, data, size);
    errno = ENOSPC;
    return -1;
  }
  std::atomic<bool> full{false};
};

/// A node whose rotators by HTTP are answered by the test, as a rotation function of AWS's shape would.
class Rotation : public ::testing::Test {
 protected:
  Rotation() {
    open();
    auto made = node_->node().initialize(1, 1);
    CHECK(made.ok());
    share_ = std::move(made->shares.front());
    root_token_ = std::string(made->root_token.reveal());
    know();
    EXPECT_EQ(node().write("sys/mounts/secret", R"({"type":"kv-v2"})").word(), "empty");
    EXPECT_EQ(node().write("sys/rotators/db", R"({"type":"http","url":"http://127.0.0.1:1/","key":"0123456789abcdef"})").word(), "empty");
  }
  ~Rotation() override { engines_.reset(); }

  void open() {
    test::TestNode::Options options;
    options.journal_calls = &journal_disk_;
    options.post = [this](const Post& post) { return answer(post); };
    engines_.emplace(memory_, clock_, options);
    node_ = &engines_->node;
  }
  void know() {
    node_->know(share_.clone(), root_token_);
    node_->unseal();
  }
  /// What a kill leaves is what is in the store.
  void reopen() {
    engines_.reset();
    open();
    know();
  }

  Result<int> answer(const Post& post) {
    const auto document = json::Document::parse(post.body);
    CHECK(document.ok());
    const std::string step = *document->root().find("Step")->as_string();
    const std::string token = *document->root().find("ClientRequestToken")->as_string();
    const std::string id = *document->root().find("SecretId")->as_string();
    bool hang = false;
    int status = 200;
    {
      MutexLock lock(mutex_);
      ++calls_[step];
      headers_ = post.headers;
      secret_id_ = id;
      if (hang_at_ == step) {
        hang = true;
        hang_at_.clear();
      }
      if (const auto fixed = statuses_.find(step); fixed != statuses_.end()) status = fixed->second;
    }
    if (status == 200 && !(hang && hangs_before_)) act(step, id, token);
    if (!hang) return status;
    hanging_ = true;
    EXPECT_TRUE(await([&] { return post.stopping(); }));
    return Error{Code::kUnavailable, "stopped"};
  }
  /// The function's part, by AWS's API.
  void act(const std::string& step, const std::string& id, const std::string& token) {
    const std::string secret = R"({"SecretId":")" + id + "\",";
    if (step == "createSecret") {
      const Got got = call("GetSecretValue", secret + R"("VersionId":")" + token + R"(","VersionStage":"AWSPENDING"})");
      if (got.ok()) return;
      const Got put = call("PutSecretValue", secret + R"("ClientRequestToken":")" + token + R"(","SecretString":"new )" + token +
                                                 R"(","VersionStages":["AWSPENDING"]})");
      EXPECT_TRUE(put.ok()) << put.error->message;
    } else if (step == "testSecret") {
      const Got got = call("GetSecretValue", secret + R"("VersionId":")" + token + R"(","VersionStage":"AWSPENDING"})");
      MutexLock lock(mutex_);
      tried_ = got.at("SecretString");
    } else if (step == "finishSecret" && !lazy_) {
      const std::string current = call("GetSecretValue", R"({"SecretId":")" + id + "\"}").at("VersionId");
      if (current == token) return;
      const Got moved = call("UpdateSecretVersionStage", secret + R"("VersionStage":"AWSCURRENT","MoveToVersionId":")" + token +
                                                             R"(","RemoveFromVersionId":")" + current + "\"}");
      EXPECT_TRUE(moved.ok()) << moved.error->message;
    }
  }

  core::test::TestNode& node() { return *node_; }
  Got call(const std::string& operation, std::string body) {
    return node().ask({.operation = core::Operation::kCall, .path = "secretsmanager/" + operation, .body = std::move(body)});
  }
  Got rotate(std::string body = "{}", const std::string& name = "a") { return node().write("secret/rotate/" + name, std::move(body)); }
  Got state(const std::string& name = "a") { return node().read("secret/rotate/" + name); }
  void put(const std::string& content, const std::string& name = "a") {
    ASSERT_TRUE(node().write("secret/data/" + name, R"({"data":)" + content + "}").ok());
  }
  std::string value(const std::string& member, const std::string& name = "a") { return node().read("secret/data/" + name).at("data." + member); }
  std::string version(const std::string& name = "a") { return node().read("secret/data/" + name).at("metadata.version"); }
  bool comes_to(const std::string& member, const std::string& wanted) {
    const bool came = await([&] { return state().at(member) == wanted; });
    if (!came) ADD_FAILURE() << member << " is not " << wanted << ": " << state().data;
    return came;
  }
  bool ends() { return comes_to("run", "null"); }
  std::string last(const std::string& member) {
    const Got got = state();
    const auto document = json::Document::parse(got.data);
    const auto history = document->root().find("history");
    if (!history || history->size() == 0) return "(none)";
    const auto found = history->at(0).find(member);
    return found->is_string() ? *found->as_string() : std::string(found->raw());
  }
  /// Entries of mounts, but for those that say when a secret was read.
  std::size_t stored() {
    std::size_t count = 0;
    for (const char kind : core::keys::kMountOwnedKinds) count += kind == 'L' ? 0 : core::test::count_keys(memory_, std::string(1, kind));
    return count;
  }
  int calls(const std::string& step) {
    MutexLock lock(mutex_);
    return calls_[step];
  }
  std::string tried() {
    MutexLock lock(mutex_);
    return std::exchange(tried_, {});
  }
  void hang_at(const std::string& step) {
    hanging_ = false;
    MutexLock lock(mutex_);
    hang_at_ = step;
  }
  void set_status(const std::string& step, int status) {
    MutexLock lock(mutex_);
    statuses_[step] = status;
  }

  /// The words for what came of each time that the journal says the server would do this by itself, in order: "ok denied (open) ".
  std::string deeds(std::string_view what) {
    std::string words;
    for (const std::string& line : node().records()) {
      const auto says = [&line](std::string_view text) { return line.find(text) != std::string::npos; };
      if (!says(R"("type":"intent")") || !says(R"("api":"internal")") || !says(what)) continue;
      const std::size_t id = line.find(R"("id":")") + 6;
      const auto both = node().records_of(line.substr(id, 36));
      const std::size_t word = both.size() < 2 ? std::string::npos : both[1].find(R"("outcome":")");
      words += word == std::string::npos ? "(open)" : both[1].substr(word + 11, both[1].find('"', word + 11) - word - 11);
      words += " ";
    }
    return words;
  }

  JournalDisk journal_disk_;
  FakeClock clock_;
  storage::MemoryStorage memory_{clock_};
  SecretBytes share_;
  std::string root_token_;
  std::optional<test::EngineNode> engines_;
  core::test::TestNode* node_ = nullptr;
  Mutex mutex_;
  std::map<std::string, int> calls_ GUARDED_BY(mutex_);
  std::map<std::string, int> statuses_ GUARDED_BY(mutex_);
  std::string hang_at_ GUARDED_BY(mutex_);
  std::string tried_ GUARDED_BY(mutex_);  // What "testSecret" found pending.
  std::vector<std::pair<std::string, std::string>> headers_ GUARDED_BY(mutex_);
  std::string secret_id_ GUARDED_BY(mutex_);
  std::atomic<bool> hangs_before_{false};
  std::atomic<bool> hanging_{false};
  std::atomic<bool> lazy_{false};
};

TEST_F(Rotation, ARandomValueTakesTheOldOnesPlaceInItsObject) {
  put(R"({"password":"old","user":"u", "port": 5432.10})");
  EXPECT_EQ(node().write("sys/rotators/words", R"({"type":"random","field":"password","length":20,"punctuation":true})").word(), "empty");
  EXPECT_EQ(rotate(R"({"rotator":"words","automatically_after_days":30})").word(), "found");
  ASSERT_TRUE(ends());
  EXPECT_EQ(value("user"), "u");
  EXPECT_EQ(value("port"), "5432.10") << "no digit is lost";
  EXPECT_EQ(value("password").size(), 20u);
  EXPECT_EQ(version(), "2");
  EXPECT_EQ(call("GetSecretValue", R"({"SecretId":"a","VersionStage":"AWSPREVIOUS"})").at("SecretString"),
            R"({"password":"old","user":"u", "port": 5432.10})");
  EXPECT_FALSE(call("GetSecretValue", R"({"SecretId":"a","VersionStage":"AWSPENDING"})").ok());
  EXPECT_EQ(last("state"), "done");
  EXPECT_EQ(state().at("enabled"), "true");
  EXPECT_NE(state().at("last_rotated_time"), "null");
}

TEST_F(Rotation, ATextIsMadeAnewWhole) {
  EXPECT_TRUE(call("CreateSecret", R"({"Name":"a","SecretString":"old"})").ok());
  EXPECT_TRUE(rotate(R"({"rotator":"random"})").ok());
  ASSERT_TRUE(ends());
  const std::string made = call("GetSecretValue", R"({"SecretId":"a"})").at("SecretString");
  EXPECT_EQ(made.size(), 32u);
  EXPECT_TRUE(rotate().ok()) << "the rule stays";
  ASSERT_TRUE(ends());
  EXPECT_NE(call("GetSecretValue", R"({"SecretId":"a"})").at("SecretString"), made);
}

TEST_F(Rotation, AMemberThatIsNotThereFailsAndSaysSo) {
  put(R"({"one":"1","two":"2"})");
  EXPECT_TRUE(rotate(R"({"rotator":"random"})").ok());
  ASSERT_TRUE(comes_to("run.state", "failed"));
  EXPECT_EQ(state().at("run.error"), "the secret is a JSON object: the rotator's setting \"field\" must name one of its members");
  EXPECT_EQ(version(), "1");
  EXPECT_TRUE(rotate(R"({"action":"abort"})").ok());
  EXPECT_EQ(state().at("run"), "null");
  EXPECT_EQ(last("state"), "aborted");
  EXPECT_EQ(rotate(R"({"action":"abort"})").word(), "invalid");
  EXPECT_EQ(rotate(R"({"action":"jump"})").word(), "invalid");
}

TEST_F(Rotation, AFunctionIsCalledForEachStepSignedAndOnce) {
  put(R"({"value":"old"})");
  EXPECT_TRUE(rotate(R"({"rotator":"db"})").ok());
  ASSERT_TRUE(ends());
  for (const char* step : {"createSecret", "setSecret", "testSecret", "finishSecret"}) EXPECT_EQ(calls(step), 1) << step;
  EXPECT_EQ(value("value").substr(0, 4), "new ");
  EXPECT_EQ(value("value").substr(4), last("version_id"));
  MutexLock lock(mutex_);
  EXPECT_EQ(secret_id_.substr(0, 65), "arn:aws:secretsmanager:us-east-1:000000000000:secret:a-" + secret_id_.substr(55, 10));
  ASSERT_EQ(headers_.size(), 2u);
  EXPECT_EQ(headers_[1].first, "X-Keyhold-Signature");
}

TEST_F(Rotation, AFailedTestLeavesTheCurrentValueAndIsTriedAgain) {
  put(R"({"value":"old"})");
  set_status("testSecret", 500);
  EXPECT_TRUE(rotate(R"({"rotator":"db"})").ok());
  ASSERT_TRUE(comes_to("run.state", "failed"));
  EXPECT_EQ(value("value"), "old");
  EXPECT_EQ(state().at("run.error"), "the rotator answered 500");
  EXPECT_EQ(state().at("run.step"), "test");
  EXPECT_EQ(rotate().error->message, "A previous rotation isn't complete. That rotation will be reattempted.");
  clock_.advance_ms(2'000);
  ASSERT_TRUE(comes_to("run.attempts", "2"));
  EXPECT_EQ(value("value"), "old");
  set_status("testSecret", 200);
  EXPECT_TRUE(rotate(R"({"action":"retry"})").ok());
  ASSERT_TRUE(ends());
  EXPECT_EQ(value("value"), "new " + last("version_id"));
  EXPECT_EQ(version(), "2");
}

TEST_F(Rotation, AFunctionThatFinishesNothingIsFoundOut) {
  put(R"({"value":"old"})");
  lazy_ = true;
  EXPECT_TRUE(rotate(R"({"rotator":"db"})").ok());
  ASSERT_TRUE(comes_to("run.state", "failed"));
  EXPECT_EQ(state().at("run.error"), "the rotator said that it was done, but AWSCURRENT is another version's");
  EXPECT_EQ(value("value"), "old");
}

TEST_F(Rotation, GoesOnWhereAKillStoppedIt) {
  for (const bool before : {true, false}) {
    for (const char* step : {"createSecret", "setSecret", "testSecret", "finishSecret"}) {
      put(R"({"value":"old"})");
      const int version_before = std::stoi(version());
      {
        MutexLock lock(mutex_);
        hang_at_ = step;
        calls_.clear();
      }
      hangs_before_ = before;
      hanging_ = false;
      EXPECT_TRUE(rotate(R"({"rotator":"db"})").ok());
      ASSERT_TRUE(await([&] { return hanging_.load(); })) << step;
      reopen();
      ASSERT_TRUE(ends()) << step;
      for (const char* other : {"createSecret", "setSecret", "testSecret", "finishSecret"}) {
        EXPECT_EQ(calls(other), std::string_view(other) == step ? 2 : 1) << other << " though killed at " << step;
      }
      EXPECT_EQ(value("value"), "new " + last("version_id"));
      EXPECT_EQ(std::stoi(version()), version_before + 1) << "once";
      EXPECT_EQ(last("state"), "done");
    }
  }
}

TEST_F(Rotation, ATestTriesACopyOfWhatIsCurrentAndLeavesNothing) {
  // The second one is in chunks.
  for (const std::size_t bytes : {10, 300 * 1024}) {
    const std::string content = R"({"value":")" + std::string(bytes, 'x') + "\"}";
    put(content);
    EXPECT_TRUE(rotate(R"({"rotator":"db","automatically_after_days":30,"rotate_immediately":false})").ok());
    const std::string before = node().read("secret/metadata/a").data;
    const std::size_t keys = stored();
    for (const int status : {200, 500}) {
      set_status("testSecret", status);
      EXPECT_TRUE(rotate(R"({"action":"test"})").ok());
      ASSERT_TRUE(ends());
      EXPECT_EQ(last("state"), status == 200 ? "done" : "failed");
      EXPECT_EQ(last("test_only"), "true");
      if (status == 200) {
        EXPECT_EQ(tried(), content);
      }
      EXPECT_EQ(stored(), keys);
      EXPECT_EQ(node().read("secret/metadata/a").data, before);
      EXPECT_FALSE(call("GetSecretValue", R"({"SecretId":"a","VersionStage":"AWSPENDING"})").ok());
    }
  }
}

TEST_F(Rotation, TheCopyOfATestGoesThoughItIsKilledOrAborted) {
  put(R"({"value":"old"})");
  EXPECT_TRUE(rotate(R"({"rotator":"db","automatically_after_days":30,"rotate_immediately":false})").ok());
  const std::size_t keys = stored();
  for (const bool before : {true, false}) {
    hangs_before_ = before;
    hang_at("testSecret");
    EXPECT_TRUE(rotate(R"({"action":"test"})").ok());
    ASSERT_TRUE(await([&] { return hanging_.load(); }));
    EXPECT_GT(stored(), keys);
    reopen();
    ASSERT_TRUE(ends());
    EXPECT_EQ(tried(), R"({"value":"old"})");
    EXPECT_EQ(last("state"), "done");
    EXPECT_EQ(stored(), keys);
  }
  hang_at("testSecret");
  EXPECT_TRUE(rotate(R"({"action":"test"})").ok());
  ASSERT_TRUE(await([&] { return hanging_.load(); }));
  EXPECT_TRUE(rotate(R"({"action":"abort"})").ok());
  EXPECT_EQ(stored(), keys);
  EXPECT_EQ(last("state"), "aborted");
  reopen();
  EXPECT_EQ(version(), "1");
}

TEST_F(Rotation, ACopyThatSomebodyLabelsIsHis) {
  put(R"({"value":"old"})");
  EXPECT_TRUE(rotate(R"({"rotator":"db","automatically_after_days":30,"rotate_immediately":false})").ok());
  hang_at("testSecret");
  EXPECT_TRUE(rotate(R"({"action":"test"})").ok());
  ASSERT_TRUE(await([&] { return hanging_.load(); }));
  const std::string token = state().at("run.version_id");
  EXPECT_TRUE(call("UpdateSecretVersionStage", R"({"SecretId":"a","VersionStage":"MINE","MoveToVersionId":")" + token + "\"}").ok());
  reopen();
  ASSERT_TRUE(ends());
  const Got got = call("GetSecretValue", R"({"SecretId":"a","VersionStage":"MINE"})");
  EXPECT_EQ(got.at("SecretString"), R"({"value":"old"})");
  EXPECT_EQ(got.at("VersionStages"), R"(["MINE"])");
}

TEST_F(Rotation, ItsTimeComesAlsoAfterARestart) {
  put(R"({"value":"old"})");
  EXPECT_TRUE(rotate(R"j({"rotator":"random","schedule_expression":"rate(1 day)","rotate_immediately":false})j").ok());
  EXPECT_EQ(state().at("run"), "null");
  EXPECT_EQ(version(), "1");
  const std::string next = state().at("next_rotation_time");
  EXPECT_NE(next, "null");
  clock_.advance_ms(48 * 3'600'000LL);
  EXPECT_EQ(state().at("overdue"), "true");
  reopen();
  ASSERT_TRUE(await([&] { return node().node().expiry().run().ok() && version() == "2"; }));
  ASSERT_TRUE(ends());
  EXPECT_GT(state().at("next_rotation_time"), next);
  EXPECT_EQ(state().at("overdue"), "false");
  EXPECT_EQ(last("started_by"), "");
}

TEST_F(Rotation, TheJournalTellsOfEachStep) {
  put(R"({"value":"old"})");
  const auto step = [&](const std::string& name) { return deeds(R"("fields":{"step":")" + name + "\""); };
  EXPECT_TRUE(rotate(R"j({"rotator":"db","schedule_expression":"rate(1 day)"})j").ok());
  ASSERT_TRUE(ends());
  for (const char* name : {"create", "set", "test", "finish"}) EXPECT_EQ(step(name), "ok ") << name;
  EXPECT_EQ(step("begin"), "") << "a client began it";
  EXPECT_EQ(deeds(R"("path":"secret/rotate/a","mount_point":"secret/")"), "ok ok ok ok ");

  set_status("testSecret", 500);
  clock_.advance_ms(2 * kDayMs);
  ASSERT_TRUE(await([&] { return node().node().expiry().run().ok() && state().at("run.state") == "failed"; }));
  EXPECT_EQ(step("begin"), "ok ");
  EXPECT_EQ(step("set"), "ok ok ");
  EXPECT_NE(step("test"), "ok ok ");
  EXPECT_EQ(step("test").find("(open)"), std::string::npos);
  EXPECT_EQ(step("finish"), "ok ");
}

TEST_F(Rotation, WhatTheJournalCannotTellIsNotDone) {
  put(R"({"value":"old"})");
  EXPECT_TRUE(rotate(R"j({"rotator":"random","schedule_expression":"rate(1 day)","rotate_immediately":false})j").ok());
  EXPECT_TRUE(call("CreateSecret", R"({"Name":"gone","SecretString":"x"})").ok());
  EXPECT_TRUE(call("DeleteSecret", R"({"SecretId":"gone","RecoveryWindowInDays":7})").ok());
  const auto kept = [&] { return core::test::count_keys(memory_, "n"); };
  const std::size_t before = kept();
  clock_.advance_ms(8 * kDayMs);
  journal_disk_.full = true;
  EXPECT_FALSE(node().node().expiry().run().ok());
  EXPECT_EQ(kept(), before);
  EXPECT_EQ(core::test::count_keys(memory_, core::keys::kRotationRunKind), 0u);
  journal_disk_.full = false;
  ASSERT_TRUE(await([&] { return node().node().expiry().run().ok() && version() == "2"; }));
  EXPECT_EQ(kept(), before - 1);
  EXPECT_EQ(deeds(R"("operation":"delete")"), "ok ");
}

TEST_F(Rotation, WhatIsWrittenMeanwhileIsNotUndone) {
  put(R"({"value":"old"})");
  EXPECT_EQ(node().write("sys/rotators/words", R"({"type":"random","field":"password"})").word(), "empty");
  put(R"({"password":"old","user":"first"})");
  // Every write may fall between two steps.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(rotate(R"({"rotator":"words"})").ok());
    put(R"({"password":"old","user":"u)" + std::to_string(i) + "\"}");
    await([&] {
      if (state().at("run.state") == "failed") rotate(R"({"action":"retry"})");
      return state().at("run") == "null";
    });
    EXPECT_EQ(value("user"), "u" + std::to_string(i));
  }
}

TEST_F(Rotation, CancellingEndsItAll) {
  put(R"({"value":"old"})");
  set_status("setSecret", 503);
  EXPECT_TRUE(rotate(R"({"rotator":"db","automatically_after_days":1})").ok());
  ASSERT_TRUE(comes_to("run.state", "failed"));
  EXPECT_EQ(node().erase("secret/rotate/a").word(), "empty");
  EXPECT_EQ(state().at("enabled"), "false");
  EXPECT_EQ(state().at("run"), "null");
  EXPECT_FALSE(call("GetSecretValue", R"({"SecretId":"a","VersionStage":"AWSPENDING"})").ok());
  clock_.advance_ms(72 * 3'600'000LL);
  EXPECT_TRUE(node().node().expiry().run().ok());
  EXPECT_EQ(state().at("run"), "null");
  EXPECT_EQ(value("value"), "old");
}

TEST_F(Rotation, ASecretThatGoesTakesItsRunAlong) {
  put(R"({"value":"old"})");
  set_status("setSecret", 503);
  EXPECT_TRUE(rotate(R"({"rotator":"db","automatically_after_days":1})").ok());
  ASSERT_TRUE(comes_to("run.state", "failed"));
  EXPECT_EQ(node().erase("secret/metadata/a").word(), "empty");
  EXPECT_TRUE(await([&] { return core::test::count_keys(memory_, "z") == 0 && core::test::count_keys(memory_, "A") == 0; }));
}

TEST_F(Rotation, NeedsASecretARotatorAndARight) {
  EXPECT_EQ(rotate(R"({"rotator":"random"})", "none").word(), "not-found");
  EXPECT_EQ(state("none").word(), "not-found");
  put(R"({"value":"old"})");
  EXPECT_EQ(rotate().word(), "invalid") << "no rotator is named";
  EXPECT_EQ(rotate(R"({"rotator":"unknown"})").word(), "invalid");
  EXPECT_EQ(rotate(R"({"rotator":"random","schedule_expression":"daily"})").word(), "invalid");
  EXPECT_EQ(state().word(), "not-found") << "nothing was set";
  node().put_policy("writer", R"(path "secret/data/*" { capabilities = ["read", "update", "create"] })");
  EXPECT_EQ(node().write("secret/rotate/a", R"({"rotator":"random"})", node().token({"writer"})).word(), "denied");
}

TEST_F(Rotation, RotatorsAreListedAndTheirKeyIsToldOnce) {
  const Got made = node().write("sys/rotators/hook", R"({"type":"http","url":"https://rotator.example/","timeout":"10s"})");
  EXPECT_EQ(made.at("key").size(), 43u);
  EXPECT_EQ(node().write("sys/rotators/hook", R"({"type":"http","url":"https://rotator.example/2"})").word(), "empty") << "the key stays";
  const Got read = node().read("sys/rotators/hook");
  EXPECT_EQ(read.at("url"), "https://rotator.example/2");
  EXPECT_EQ(read.at("key"), "(none)");
  EXPECT_EQ(node().list("sys/rotators").at("keys"), R"(["db","hook"])");
  EXPECT_EQ(node().write("sys/rotators/x", R"({"type":"http","url":"http://rotator.example/"})").word(), "invalid");
  EXPECT_EQ(node().write("sys/rotators/x", R"({"type":"random","key":"0123456789abcdef"})").word(), "invalid");
  EXPECT_EQ(node().erase("sys/rotators/hook").word(), "empty");
  EXPECT_EQ(node().read("sys/rotators/hook").word(), "not-found");
}

TEST_F(Rotation, TheReportNamesWhatNeedsLookingAt) {
  const auto report = [&](std::vector<std::pair<std::string, std::string>> query) {
    return node().ask({.path = "sys/rotation", .query = std::move(query)});
  };
  const auto paths = [&](const std::string& wanted) {
    const Got got = report({{"state", wanted}});
    std::string found;
    const auto document = json::Document::parse(got.data);
    const auto listed = document->root().find("secrets");
    for (std::size_t i = 0; i < listed->size(); ++i) found += *listed->at(i).find("path")->as_string() + " ";
    return found;
  };
  put(R"({"value":"old"})", "rotates");
  put(R"({"value":"old"})", "fails");
  put(R"({"value":"old"})", "waits");
  put(R"({"value":"old"})", "reminds");
  put(R"({"value":"old"})", "plain");
  EXPECT_TRUE(rotate(R"({"rotator":"random"})", "rotates").ok());
  set_status("setSecret", 500);
  EXPECT_TRUE(rotate(R"({"rotator":"db"})", "fails").ok());
  EXPECT_TRUE(rotate(R"j({"rotator":"random","schedule_expression":"cron(0 8 ? * SUN *)","rotate_immediately":false})j", "waits").ok());
  const Got set = node().write("secret/metadata/reminds", R"({"owner":"team@example.org","expires":"2023-11-20","rotate_by":"2023-11-16T10:00:00Z"})");
  EXPECT_EQ(set.word(), "empty");
  EXPECT_EQ(node().read("secret/metadata/reminds").at("owner"), "team@example.org");
  EXPECT_EQ(node().read("secret/metadata/reminds").at("expires"), "2023-11-20T00:00:00Z");
  EXPECT_EQ(node().write("secret/metadata/reminds", R"({"expires":"soon"})").word(), "invalid");
  ASSERT_TRUE(await([&] { return state("rotates").at("run") == "null" && state("fails").at("run.state") == "failed"; }));
  EXPECT_EQ(paths("failing"), "secret/fails ");
  EXPECT_EQ(paths("overdue"), "");
  EXPECT_EQ(paths("expired"), "");
  EXPECT_EQ(paths("never").find("secret/rotates"), std::string::npos);
  EXPECT_NE(paths("never").find("secret/waits"), std::string::npos);
  clock_.advance_ms(8 * 86'400'000LL);
  EXPECT_EQ(paths("overdue"), "secret/waits ");
  EXPECT_EQ(paths("expired"), "secret/reminds ");
  EXPECT_EQ(paths("rotate_by"), "secret/reminds ");
  EXPECT_EQ(report({{"state", "odd"}}).word(), "invalid");
  // Page by page, each once.
  std::string after;
  int pages = 0;
  for (; pages < 10; ++pages) {
    const Got page = report({{"limit", "1"}, {"after", after}});
    ASSERT_TRUE(page.ok());
    after = page.at("next");
    if (after == "(none)") break;
  }
  EXPECT_GE(pages, 2);
  EXPECT_EQ(report({{"after", "zz"}}).word(), "invalid");
}

}  // namespace
}  // namespace keyhold::engine
