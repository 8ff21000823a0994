#include "core/audit/journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <latch>
#include <regex>
#include <thread>

#include "core/audit/journal_test_util.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {
namespace {

using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kFirstFile = "0-00000000000000000001.jsonl";

class JournalTest : public ::testing::Test {
 protected:
  JournalOptions options(std::uint64_t rotate_bytes = 1 << 20) const {
    return {.directory = directory_.path(), .streams = 1, .sync_ms = 5, .rotate_bytes = rotate_bytes};
  }
  std::vector<std::string> lines_of(const std::string& name) const { return split_lines(read_file(directory_ / name)); }

  TemporaryDirectory directory_;
  FakeClock clock_;
  FaultyCalls calls_;
};

TEST_F(JournalTest, LineIsTheDocumentedJson) {
  auto journal = open_or_die(options(), clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 2).ok());
  const auto lines = lines_of(kFirstFile);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_TRUE(std::regex_match(
      lines[0], std::regex("\\{\"seq\":1,\"time\":\"2023-11-14T22:13:20.000Z\",\"genesis\":\\{\"version\":1,"
                           "\"journal\":\"[0-9a-f]{32}\",\"stream\":0,\"begin\":\"first\"\\},\"chain\":\"[0-9a-f]{64}\"\\}\n")))
      << lines[0];
  EXPECT_TRUE(std::regex_match(lines[2], std::regex("\\{\"seq\":3,\"time\":\"2023-11-14T22:13:20.000Z\",\"type\":\"request\","
                                                    "\"n\":2,\"chain\":\"[0-9a-f]{64}\"\\}\n")))
      << lines[2];
}

TEST_F(JournalTest, DirectoryAndFilesAreTheOwnersOnly) {
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  auto journal = open_or_die(options(), clock_);
  journal->set_signer(make_signer());
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  struct stat status{};
  ASSERT_EQ(::stat(directory_.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
  for (const std::string& name : {std::string(kFirstFile), std::string("journal.pub")}) {
    ASSERT_EQ(::stat((directory_ / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0600u) << name;
  }
}

TEST_F(JournalTest, NothingIsWrittenBeforeWrite) {
  auto journal = open_or_die(options(), clock_);
  journal->stream(0).append(record(1));
  EXPECT_THAT(journal_files(directory_.path()), IsEmpty());
  ASSERT_TRUE(journal->stream(0).write().ok());
  EXPECT_THAT(journal_files(directory_.path()), SizeIs(1));
}

TEST_F(JournalTest, BatchIsOneWrite) {
  auto journal = open_or_die(options(), clock_, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  const int before = calls_.writes;
  ASSERT_TRUE(write_records(journal->stream(0), 2, 100).ok());
  EXPECT_EQ(calls_.writes, before + 1);
  EXPECT_EQ(journal->counters().records, 101u);
}

TEST_F(JournalTest, EmptyWriteSucceedsAndMakesNoFile) {
  auto journal = open_or_die(options(), clock_);
  EXPECT_TRUE(journal->stream(0).write().ok());
  EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
  EXPECT_THAT(journal_files(directory_.path()), IsEmpty());
}

TEST_F(JournalTest, SecondProcessIsRefused) {
  auto journal = open_or_die(options(), clock_);
  EXPECT_EQ(Journal::open(options(), clock_).code(), Code::kUnavailable);
  journal.reset();
  EXPECT_TRUE(Journal::open(options(), clock_).ok());
}

TEST_F(JournalTest, UnusableDirectoryIsRefused) {
  write_file(directory_ / "file", "");
  ASSERT_EQ(::symlink("/tmp", (directory_ / "link").c_str()), 0);
  for (const std::string name : {"file", "link", "absent/below"}) {
    EXPECT_EQ(Journal::open({.directory = directory_ / name}, clock_).code(), Code::kUnavailable) << name;
  }
  EXPECT_EQ(Journal::open({.directory = directory_ / "new", .streams = 0}, clock_).code(), Code::kInvalid);
}

TEST_F(JournalTest, FileInTheWayIsNotFollowed) {
  ASSERT_EQ(::symlink("elsewhere", (directory_ / "elsewhere-link").c_str()), 0);
  auto journal = open_or_die(options(), clock_);
  ASSERT_EQ(::symlink((directory_ / "elsewhere").c_str(), (directory_ / kFirstFile).c_str()), 0);
  EXPECT_EQ(write_records(journal->stream(0), 1, 1).code(), Code::kUnavailable);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "elsewhere"));
}

TEST_F(JournalTest, CloseMarksTheEndWhenSigned) {
  auto signer = make_signer();
  auto journal = open_or_die(options(), clock_);
  journal->set_signer(signer);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 10).ok());
  auto report = verify_file(directory_ / kFirstFile, signer->public_key());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->unsigned_records, 10u);
  EXPECT_FALSE(report->whole);

  journal.reset();
  report = verify_file(directory_ / kFirstFile, signer->public_key());
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->records, 10u);
  EXPECT_EQ(report->checkpoints, 1u);
  EXPECT_EQ(report->unsigned_records, 0u);
  EXPECT_TRUE(report->whole);
  EXPECT_EQ(problems_of(directory_.path(), signer->public_key()), "");
}

TEST_F(JournalTest, CheckpointFollowsAThousandRecordsOrTenSeconds) {
  auto journal = open_or_die(options(), clock_);
  journal->set_signer(make_signer());
  const auto checkpoints = [&] {
    // The second sync is answered after the pass that the first began, with its checkpoint, has ended.
    EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
    EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
    return verify_file(directory_ / kFirstFile, {}).value().checkpoints;
  };
  ASSERT_TRUE(write_records(journal->stream(0), 1, 999).ok());
  EXPECT_EQ(checkpoints(), 0u);
  ASSERT_TRUE(write_records(journal->stream(0), 1000, 1).ok());
  EXPECT_EQ(checkpoints(), 1u);
  ASSERT_TRUE(write_records(journal->stream(0), 1001, 1).ok());
  EXPECT_EQ(checkpoints(), 1u);
  clock_.advance_ms(10'000);
  EXPECT_EQ(checkpoints(), 2u);
  clock_.advance_ms(100'000);
  EXPECT_EQ(checkpoints(), 2u) << "an idle stream signs nothing";
}

TEST_F(JournalTest, SignsWhenTheSignerIsTakenAway) {
  auto journal = open_or_die(options(), clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 3).ok());
  auto signer = make_signer();
  std::weak_ptr<const crypto::Ed25519Signer> watched = signer;
  journal->set_signer(std::move(signer));
  journal->set_signer(nullptr);
  EXPECT_TRUE(watched.expired());
  ASSERT_TRUE(write_records(journal->stream(0), 4, 2).ok());
  journal.reset();
  const auto report = verify_file(directory_ / kFirstFile, {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->checkpoints, 1u);
  EXPECT_EQ(report->unsigned_records, 2u);
  EXPECT_FALSE(report->whole);
}

TEST_F(JournalTest, AnotherKeyBeginsAnotherFile) {
  auto journal = open_or_die(options(), clock_);
  journal->set_signer(make_signer('a'));
  ASSERT_TRUE(write_records(journal->stream(0), 1, 3).ok());
  journal->set_signer(make_signer('b'));
  ASSERT_TRUE(write_records(journal->stream(0), 4, 3).ok());
  journal.reset();
  const auto files = journal_files(directory_.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_TRUE(verify_file(directory_ / files[0], make_signer('a')->public_key()).ok());
  EXPECT_TRUE(verify_file(directory_ / files[1], make_signer('b')->public_key()).ok());
  EXPECT_THAT(lines_of(files[1])[0], HasSubstr("\"begin\":\"new-key\""));
  EXPECT_EQ(problems_of(directory_.path()), "");
}

TEST_F(JournalTest, PublicKeyIsKeptAndNamedByLaterFiles) {
  const auto signer = make_signer();
  {
    auto journal = open_or_die(options(), clock_);
    ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
    journal->set_signer(signer);
  }
  EXPECT_THAT(read_file(directory_ / "journal.pub"), ContainsRegex("^[0-9a-f]+\nkeyhold/[0-9a-f]+\\+[0-9a-f]+\\+A"));
  auto journal = open_or_die(options(), clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 2, 1).ok());  // Still sealed: no signer.
  const auto files = journal_files(directory_.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_THAT(lines_of(files[0])[0], ::testing::Not(HasSubstr("public_key")));
  EXPECT_THAT(lines_of(files[1])[0], HasSubstr("\"public_key\":"));
}

TEST_F(JournalTest, RotatesAndLinksTheFiles) {
  for (const bool with_signer : {false, true}) {
    TemporaryDirectory directory;
    JournalOptions rotating = options(2000);
    rotating.directory = directory.path();
    auto journal = open_or_die(rotating, clock_);
    if (with_signer) journal->set_signer(make_signer());
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(write_records(journal->stream(0), i, 1).ok());
    journal.reset();
    const auto files = journal_files(directory.path());
    EXPECT_GT(files.size(), 5u);
    EXPECT_EQ(problems_of(directory.path()), "");
    const auto report = verify_directory(directory.path(), {});
    ASSERT_THAT(report->streams, SizeIs(1));
    EXPECT_EQ(report->streams[0].total.records, 100u);
    EXPECT_EQ(report->streams[0].total.whole, with_signer);
    EXPECT_EQ(report->streams[0].total.unsigned_records, with_signer ? 0u : 100u);
  }
}

TEST_F(JournalTest, OversizedRecordIsRefused) {
  auto journal = open_or_die(options(), clock_);
  journal->stream(0).append("\"a\":\"" + std::string(kMembersBytesMax, 'x') + "\"");
  EXPECT_EQ(journal->stream(0).write().code(), Code::kTooLarge);
  journal->stream(0).append("\"a\":\"" + std::string(kMembersBytesMax - 6, 'x') + "\"");
  EXPECT_TRUE(journal->stream(0).write().ok());
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 1u);
}

// ---- Faults while writing

TEST_F(JournalTest, FailedWriteIsDroppedAndLaterOnesSucceed) {
  auto journal = open_or_die(options(), clock_, calls_);
  journal->set_signer(make_signer());
  ASSERT_TRUE(write_records(journal->stream(0), 1, 2).ok());
  for (const int error : {ENOSPC, EIO, EDQUOT}) {
    calls_.write_error = error;
    EXPECT_EQ(write_records(journal->stream(0), 100, 2).code(), Code::kUnavailable);
    calls_.write_error = 0;
    EXPECT_TRUE(write_records(journal->stream(0), 3, 1).ok());
  }
  EXPECT_EQ(journal->counters().write_failures, 3u);
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 5u);
  EXPECT_THAT(read_file(directory_ / kFirstFile), ::testing::Not(HasSubstr("\"n\":100")));
}

TEST_F(JournalTest, TroubleIsTheOperatorsToKnow) {
  std::vector<std::string> told;
  JournalOptions warning = options();
  warning.warn = [&told](std::string_view line) { told.emplace_back(line); };
  auto journal = open_or_die(warning, clock_, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  for (int time = 0; time < 3; ++time) {
    calls_.write_error = EACCES;
    for (int i = 0; i < 5; ++i) {
      const auto refused = write_records(journal->stream(0), 100, 1);
      EXPECT_EQ(refused.code(), Code::kUnavailable);
      EXPECT_EQ(refused.error().message, "the audit journal cannot be written: the operator's log says why");
    }
    calls_.write_error = 0;
    EXPECT_TRUE(write_records(journal->stream(0), 2, 1).ok());
    if (time == 1) clock_.advance_ms(10'000);
  }
  const std::string begin =
      "audit journal: the audit journal cannot be written (Permission denied); requests are refused until it can be written";
  EXPECT_EQ(told, (std::vector<std::string>{begin, "audit journal: it is written again", begin, "audit journal: it is written again"}))
      << "once in ten seconds";
}

TEST_F(JournalTest, ShortWriteIsCutOffAtEveryLength) {
  auto journal = open_or_die(options(), clock_, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  const std::string before = read_file(directory_ / kFirstFile);
  for (long bytes = 0; bytes < 300; ++bytes) {
    calls_.write_bytes_max = bytes;
    ASSERT_FALSE(write_records(journal->stream(0), 100, 3).ok()) << bytes;
    ASSERT_EQ(read_file(directory_ / kFirstFile), before) << bytes;
  }
  calls_.write_bytes_max = -1;
  EXPECT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
}

TEST_F(JournalTest, TornTailIsCutOffLaterWhenItCannotBeAtOnce) {
  auto journal = open_or_die(options(), clock_, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  calls_.write_bytes_max = 50;
  calls_.truncate_error = EIO;
  EXPECT_FALSE(write_records(journal->stream(0), 100, 1).ok());
  calls_.write_bytes_max = -1;
  EXPECT_FALSE(write_records(journal->stream(0), 101, 1).ok()) << "no line may follow half a line";
  calls_.truncate_error = 0;
  EXPECT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 2u);
}

TEST_F(JournalTest, FileWithoutGenesisIsNotLeftBehind) {
  auto journal = open_or_die(options(), clock_, calls_);
  calls_.write_bytes_max = 20;
  EXPECT_FALSE(write_records(journal->stream(0), 1, 1).ok());
  EXPECT_THAT(journal_files(directory_.path()), IsEmpty());
  calls_.write_bytes_max = -1;
  EXPECT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
}

TEST_F(JournalTest, FailureAtRotationKeepsTheStreamWhole) {
  auto journal = open_or_die(options(600), clock_, calls_);
  journal->set_signer(make_signer());
  int written = 0;
  for (int i = 0; i < 60; ++i) {
    calls_.write_error = i % 3 == 0 ? ENOSPC : 0;
    if (write_records(journal->stream(0), i, 1).ok()) ++written;
  }
  calls_.write_error = 0;
  journal.reset();
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(written, 40);
  EXPECT_EQ(records_in(directory_.path()), 40u);
}

TEST_F(JournalTest, FailedCheckpointIsTriedAgain) {
  auto journal = open_or_die(options(), clock_, calls_);
  journal->set_signer(make_signer());
  ASSERT_TRUE(write_records(journal->stream(0), 1, 10).ok());
  calls_.write_error = ENOSPC;
  clock_.advance_ms(10'000);
  (void)sync_and_wait(journal->stream(0)).ok();
  (void)sync_and_wait(journal->stream(0)).ok();
  EXPECT_EQ(journal->counters().signing_failures, 1u);
  calls_.write_error = 0;
  clock_.advance_ms(10'000);
  (void)sync_and_wait(journal->stream(0)).ok();
  (void)sync_and_wait(journal->stream(0)).ok();
  EXPECT_EQ(verify_file(directory_ / kFirstFile, {}).value().unsigned_records, 0u);
}

// ---- Sync

TEST_F(JournalTest, WaitersShareASync) {
  auto journal = open_or_die(options(), clock_, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  ASSERT_TRUE(sync_and_wait(journal->stream(0)).ok());
  const int before = calls_.syncs;
  std::atomic<int> answered{0};
  ASSERT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  for (int i = 0; i < 1000; ++i) {
    journal->stream(0).sync([&](Result<void> result) { answered += result.ok() ? 1 : 1'000'000; });
  }
  ASSERT_TRUE(sync_and_wait(journal->stream(0)).ok());
  EXPECT_EQ(answered, 1000);
  EXPECT_EQ(calls_.syncs, before + 1);
}

TEST_F(JournalTest, BackgroundSyncFollowsAWrite) {
  SystemClock clock;
  auto journal = open_or_die(options(), clock, calls_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  while (calls_.syncs == 0) std::this_thread::yield();
}

TEST_F(JournalTest, WaitersAreAnsweredBeforeTheJournalEnds) {
  auto journal = open_or_die(options(), clock_, calls_);
  std::atomic<int> answered{0};
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(write_records(journal->stream(0), i, 1).ok());
    journal->stream(0).sync([&](Result<void> result) { answered += result.ok() ? 1 : 100; });
  }
  journal.reset();
  EXPECT_EQ(answered, 10);
}

TEST_F(JournalTest, SyncErrorGivesTheFileUpForAnother) {
  auto journal = open_or_die(options(), clock_, calls_);
  journal->set_signer(make_signer());
  ASSERT_TRUE(write_records(journal->stream(0), 1, 2).ok());
  calls_.sync_error = EIO;
  EXPECT_EQ(sync_and_wait(journal->stream(0)).code(), Code::kUnavailable);
  calls_.sync_error = 0;
  EXPECT_EQ(sync_and_wait(journal->stream(0)).code(), Code::kUnavailable) << "a second fdatasync proves nothing";
  const std::string first = read_file(directory_ / kFirstFile);

  ASSERT_TRUE(write_records(journal->stream(0), 3, 2).ok());
  EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
  EXPECT_EQ(journal->counters().sync_failures, 1u);
  journal.reset();
  EXPECT_EQ(read_file(directory_ / kFirstFile), first);
  const auto files = journal_files(directory_.path());
  ASSERT_THAT(files, SizeIs(2));
  EXPECT_THAT(lines_of(files[1])[0], HasSubstr("\"begin\":\"sync-error\""));
  EXPECT_EQ(problems_of(directory_.path()), "") << "the data were there after all";
}

/// Fails to sync, the first time not before it is told to go on.
class SlowFailingCalls final : public FileCalls {
 public:
  int sync_data(int) override {
    if (!std::exchange(called_, true)) entered.count_down();
    go_on.wait();
    errno = EIO;
    return -1;
  }
  std::latch entered{1};
  std::latch go_on{1};

 private:
  bool called_ = false;
};

TEST_F(JournalTest, AWaiterOfAFailedSyncIsToldThoughAnotherFailsMeanwhile) {
  SlowFailingCalls calls;
  auto journal = open_or_die(options(), clock_, calls);
  JournalStream& stream = journal->stream(0);
  std::promise<void> wrote_more;
  std::promise<Result<void>> outcome;
  ASSERT_TRUE(write_records(stream, 1, 1).ok());
  stream.sync([&](const Result<void>&) { wrote_more.get_future().wait(); });  // Keeps the sync thread from the next round.
  calls.entered.wait();
  ASSERT_TRUE(write_records(stream, 2, 1).ok());
  stream.sync([&](Result<void> result) { outcome.set_value(std::move(result)); });
  calls.go_on.count_down();
  // The first file has been given up once a record begins another.
  int number = 3;
  while (journal_files(directory_.path()).size() < 2) ASSERT_TRUE(write_records(stream, number++, 1).ok());
  wrote_more.set_value();
  EXPECT_FALSE(outcome.get_future().get().ok());
}

TEST_F(JournalTest, UnlinkedFileIsNoticedAndReplaced) {
  auto journal = open_or_die(options(), clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  ASSERT_TRUE(sync_and_wait(journal->stream(0)).ok());
  ASSERT_EQ(::unlink((directory_ / kFirstFile).c_str()), 0);
  ASSERT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  EXPECT_EQ(sync_and_wait(journal->stream(0)).code(), Code::kUnavailable);
  EXPECT_EQ(journal->counters().files_lost, 1u);
  ASSERT_TRUE(write_records(journal->stream(0), 3, 1).ok());
  EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
  journal.reset();
  const auto files = journal_files(directory_.path());
  ASSERT_THAT(files, SizeIs(1));
  EXPECT_THAT(lines_of(files[0])[0], HasSubstr("\"begin\":\"lost\""));
  EXPECT_THAT(problems_of(directory_.path()), HasSubstr("unlinked or replaced while in use"));
}

TEST_F(JournalTest, ReplacedFileIsNoticed) {
  auto journal = open_or_die(options(), clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  ASSERT_TRUE(sync_and_wait(journal->stream(0)).ok());
  std::filesystem::copy(directory_ / kFirstFile, directory_ / "copy");
  std::filesystem::rename(directory_ / "copy", directory_ / kFirstFile);
  ASSERT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  EXPECT_FALSE(sync_and_wait(journal->stream(0)).ok());
  ASSERT_TRUE(write_records(journal->stream(0), 3, 1).ok());
  journal.reset();
  EXPECT_THAT(problems_of(directory_.path()), HasSubstr("line 3: missing"));
}

TEST_F(JournalTest, DirectoryMovedAwayIsMadeAgain) {
  JournalOptions below = options();
  below.directory = directory_ / "journal";
  auto journal = open_or_die(below, clock_);
  ASSERT_TRUE(write_records(journal->stream(0), 1, 1).ok());
  std::filesystem::rename(directory_ / "journal", directory_ / "moved");
  EXPECT_FALSE(sync_and_wait(journal->stream(0)).ok());
  ASSERT_TRUE(write_records(journal->stream(0), 2, 1).ok());
  EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
  EXPECT_THAT(journal_files(directory_ / "journal"), SizeIs(1));
}

// ---- Streams side by side

TEST_F(JournalTest, StreamsAreIndependentAndConcurrent) {
  constexpr int kStreams = 4;
  constexpr int kBatches = 200;
  SystemClock clock;
  JournalOptions many = options(20'000);
  many.streams = kStreams;
  auto journal = open_or_die(many, clock);
  std::atomic<int> answered{0};
  std::vector<std::thread> owners;
  for (int index = 0; index < kStreams; ++index) {
    owners.emplace_back([&, index] {
      JournalStream& stream = journal->stream(index);
      for (int batch = 0; batch < kBatches; ++batch) {
        EXPECT_TRUE(write_records(stream, batch * 10, 10).ok());
        stream.sync([&](Result<void> result) { answered += result.ok() ? 1 : 1'000'000; });
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    journal->set_signer(i % 2 == 0 ? make_signer() : nullptr);
    (void)journal->counters();
  }
  journal->set_signer(make_signer());
  for (std::thread& owner : owners) owner.join();
  journal.reset();
  EXPECT_EQ(answered, kStreams * kBatches);
  EXPECT_EQ(problems_of(directory_.path(), make_signer()->public_key()), "");
  EXPECT_EQ(records_in(directory_.path()), static_cast<std::uint64_t>(kStreams * kBatches * 10));
}

}  // namespace
}  // namespace keyhold::core::audit
