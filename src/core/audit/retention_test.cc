#include "core/audit/retention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "core/audit/dropped.h"
#include "core/audit/journal_test_util.h"
#include "core/audit/verify_command.h"

namespace keyhold::core::audit {
namespace {

using testing::HasSubstr;
using WhenFull = JournalOptions::WhenFull;

constexpr std::uint64_t kRetain = 200'000;

class RetentionTest : public testing::Test {
 protected:
  void open(WhenFull when_full, int streams = 1, std::shared_ptr<const crypto::Ed25519Signer> signer = make_signer()) {
    journal_.reset();
    journal_ = open_or_die({.directory = path(),
                            .streams = streams,
                            .sync_ms = 5,
                            .retain_bytes = kRetain,
                            .when_full = when_full,
                            .warn = [this](std::string_view line) {
                              MutexLock lock(mutex_);
                              log_.append(line).push_back('\n');
                            }},
                           clock_);
    journal_->set_signer(std::move(signer));
  }
  std::string path() const { return directory_ / "audit"; }
  std::string logged() {
    MutexLock lock(mutex_);
    return log_;
  }

  bool write(int stream = 0) {
    journal_->stream(stream).append("\"type\":\"access\",\"pad\":\"" + std::string(1000, 'p') + "\"");
    return journal_->stream(stream).write().ok();
  }
  /// So many records, each tried until it is taken.
  bool write_all(int count, int stream = 0) {
    for (int i = 0; i < count; ++i) {
      if (!await([&] { return write(stream); })) return false;
    }
    return true;
  }
  int write_until_refused() {
    int taken = 0;
    while (taken < 10'000 && write()) ++taken;
    return taken;
  }
  static bool await(const std::function<bool()>& condition) {
    for (int i = 0; i < 4000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  std::uint64_t bytes_on_disk() const {
    std::uint64_t bytes = 0;
    for (const std::string& name : journal_files(path())) {
      std::error_code removed_meanwhile;
      const std::uintmax_t size = std::filesystem::file_size(path() + "/" + name, removed_meanwhile);
      if (!removed_meanwhile) bytes += size;
    }
    return bytes;
  }
  std::string problems() const { return problems_of(path(), make_signer()->public_key()); }
  void remove(std::size_t index) { std::filesystem::remove(path() + "/" + journal_files(path())[index]); }

  const TemporaryDirectory directory_;
  SystemClock clock_;
  Mutex mutex_;
  std::string log_ GUARDED_BY(mutex_);
  std::unique_ptr<Journal> journal_;
};

TEST_F(RetentionTest, RefusesUntilFilesAreTakenAway) {
  open(WhenFull::kRefuse);
  const int taken = write_until_refused();
  EXPECT_GT(taken, 100);
  EXPECT_LT(taken, 200);
  EXPECT_LE(bytes_on_disk(), kRetain + 2000) << "checkpoints may go over";
  EXPECT_FALSE(write());
  EXPECT_TRUE(await([&] { return !logged().empty(); }));
  EXPECT_THAT(logged(), HasSubstr("reached retain_bytes"));
  EXPECT_EQ(journal_->counters().files_dropped, 0u);
  ASSERT_GE(journal_files(path()).size(), 3u);
  remove(0);
  EXPECT_TRUE(await([&] { return write(); }));
}

TEST_F(RetentionTest, TheBoundHoldsAcrossStarts) {
  open(WhenFull::kRefuse);
  write_until_refused();
  open(WhenFull::kRefuse);
  EXPECT_FALSE(write());
}

TEST_F(RetentionTest, DropsTheOldestAndSaysSo) {
  open(WhenFull::kDrop);
  ASSERT_TRUE(write_all(1000));
  EXPECT_LE(bytes_on_disk(), kRetain + 2000);
  EXPECT_GT(journal_->counters().files_dropped, 10u);
  EXPECT_EQ(journal_->counters().files_dropped_unforwarded, journal_->counters().files_dropped);
  EXPECT_EQ(problems(), "") << "also while it is written";
  journal_.reset();
  EXPECT_EQ(problems(), "");
  const auto report = verify_directory(path(), make_signer()->public_key());
  EXPECT_TRUE(report->streams[0].begins_late);
  EXPECT_TRUE(report->streams[0].dropped_by_policy);
  EXPECT_TRUE(report->streams[0].total.whole);

  std::ostringstream out, err;
  const std::string directory = path();
  EXPECT_EQ(audit_verify_command(*Arguments::parse(kVerifyFlags, std::array<std::string_view, 1>{directory}), out, err), 0);
  EXPECT_THAT(out.str(), HasSubstr("older files were dropped by policy (retain_bytes): a signed line says so"));
}

TEST_F(RetentionTest, ACutThatWasNotByPolicyIsNoticed) {
  open(WhenFull::kDrop);
  ASSERT_TRUE(write_all(600));
  journal_.reset();
  ASSERT_EQ(problems(), "");
  remove(0);
  EXPECT_THAT(problems(), HasSubstr("no signed line says that policy dropped them"));
  const auto archived = verify_directory(path(), make_signer()->public_key(), OldFiles::kArchived);
  EXPECT_TRUE(archived->problems.empty());
  EXPECT_FALSE(archived->streams[0].dropped_by_policy);
  const std::string directory = path();
  std::ostringstream out, err;
  EXPECT_EQ(audit_verify_command(*Arguments::parse(kVerifyFlags, std::array<std::string_view, 1>{directory}), out, err), 1);
  EXPECT_EQ(audit_verify_command(*Arguments::parse(kVerifyFlags, std::array<std::string_view, 2>{directory, "--archived"}), out, err), 0);
}

TEST_F(RetentionTest, AnUnsignedLineIsNoEvidence) {
  journal_ = open_or_die({.directory = path(), .sync_ms = 5, .rotate_bytes = 20'000}, clock_);
  journal_->set_signer(make_signer());
  ASSERT_TRUE(write_all(50));
  const auto live = TemporaryDirectory();
  std::filesystem::copy(path(), live.path() + "/audit");
  journal_.reset();
  // Whoever can write the files, but not sign, takes the oldest away and appends what would explain it.
  std::filesystem::remove_all(path());
  std::filesystem::copy(live.path() + "/audit", path());
  const auto files = journal_files(path());
  const auto oldest = split_lines(read_file(path() + "/" + files[0]));
  const std::string last = oldest.back().substr(0, oldest.back().size() - 1);
  const auto end = parse_line(last);
  ASSERT_TRUE(end);
  const Dropped forged{.file = {.file = files[0], .sequence = end->sequence, .chain = end->chain}, .bytes = 1};
  std::string newest = read_file(path() + "/" + files.back());
  const auto lines = split_lines(newest);
  const std::string tail_text = lines.back().substr(0, lines.back().size() - 1);
  const auto tail = parse_line(tail_text);
  ASSERT_TRUE(tail);
  append_line(newest, tail->sequence + 1, "2026-01-02T03:04:05.678Z", forged.members(), tail->chain);
  write_file(path() + "/" + files.back(), newest);
  EXPECT_EQ(problems(), "") << "nothing is missing yet";
  remove(0);
  EXPECT_THAT(problems(), HasSubstr("no signed line says that policy dropped them"));
}

TEST_F(RetentionTest, DropsOnlyWhatWasForwardedIfToldSo) {
  std::atomic<std::uint64_t> forwarded{0};
  open(WhenFull::kDropForwarded);
  write_until_refused();
  EXPECT_FALSE(write()) << "no device has anything";
  journal_->set_forwarded([&](int) { return forwarded.load(); });
  EXPECT_FALSE(write());
  forwarded = 1'000'000;
  EXPECT_TRUE(await([&] { return write(); }));
  EXPECT_GT(journal_->counters().files_dropped, 0u);
  EXPECT_EQ(journal_->counters().files_dropped_unforwarded, 0u);
  journal_->set_forwarded(nullptr);
  journal_.reset();
  EXPECT_EQ(problems(), "");
}

TEST_F(RetentionTest, ASealedNodeGoesOverTheBoundAndComesBack) {
  open(WhenFull::kDrop, 1, nullptr);
  for (int i = 0; i < 400; ++i) ASSERT_TRUE(write()) << "nothing can be signed, so nothing dropped, and it must be possible to unseal";
  EXPECT_GT(bytes_on_disk(), kRetain);
  journal_->set_signer(make_signer());
  EXPECT_TRUE(await([&] { return bytes_on_disk() < kRetain; }));
  journal_.reset();
  EXPECT_EQ(problems(), "");
}

TEST_F(RetentionTest, StreamsOfEarlierStartsAreDroppedToo) {
  open(WhenFull::kDrop, 3);
  for (int stream = 0; stream < 3; ++stream) ASSERT_TRUE(write_all(50, stream));
  open(WhenFull::kDrop, 1);
  ASSERT_TRUE(write_all(1000));
  EXPECT_LE(bytes_on_disk(), kRetain + 4000);
  journal_.reset();
  EXPECT_EQ(problems(), "");
  const auto report = verify_directory(path(), make_signer()->public_key());
  ASSERT_EQ(report->streams.size(), 3u);
  EXPECT_TRUE(report->streams[2].begins_late);
}

TEST_F(RetentionTest, EvidenceIsReadAsItWasWritten) {
  const Dropped dropped{.file = {.file = "0-00000000000000000001.jsonl", .sequence = 7, .chain = crypto::sha256("x")},
                        .bytes = 1234,
                        .forwarded = true};
  const auto parsed = Dropped::parse(dropped.members());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->members(), dropped.members());
  EXPECT_EQ(kind_of(dropped.members()), LineKind::kDropped);
  for (std::size_t size = 0; size < dropped.members().size(); ++size) {
    EXPECT_FALSE(Dropped::parse(dropped.members().substr(0, size)));
  }
}

}  // namespace
}  // namespace keyhold::core::audit
