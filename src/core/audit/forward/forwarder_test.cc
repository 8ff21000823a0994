#include "core/audit/forward/forwarder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

#include "core/audit/journal_test_util.h"
#include "core/audit/recovery.h"

namespace keyhold::core::audit {
namespace {

/// Waits for what another thread brings about.
bool await(const std::function<bool()>& condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

class ForwarderTest : public testing::Test {
 protected:
  ForwarderTest() { journal_options_.sync_ms = 5; }
  ~ForwarderTest() override { forwarder_.reset(); }

  void open_journal(int streams = 1) {
    journal_options_.streams = streams;
    journal_ = open_or_die(journal_options_, clock_);
  }
  void start() {
    forwarder_ = std::make_unique<Forwarder>(Forwarder::Parts{
        .device = device_,
        .journal_directory = journal_options_.directory,
        .journal = *journal_,
        .clock = clock_,
        .calls = calls_,
        .hash = [](std::string_view value) { return "hmac-sha256:" + std::string(value); },
        .log = [this](std::string_view line) { log(line); },
        .save_ms = save_ms_});
  }
  void restart() {
    forwarder_.reset();
    start();
  }
  void log(std::string_view line) {
    MutexLock lock(mutex_);
    log_.append(line).push_back('\n');
  }
  std::string logged() {
    MutexLock lock(mutex_);
    return log_;
  }

  void access(int number, int stream = 0) {
    journal_->stream(stream).append(R"("type":"access","id":")" + std::to_string(number) + R"(","operation":"read","outcome":"ok")");
    ASSERT_TRUE(journal_->stream(stream).write().ok());
  }
  void intent(int number) {
    journal_->stream(0).append(R"("type":"intent","id":")" + std::to_string(number) + R"(","operation":"update")");
    ASSERT_TRUE(journal_->stream(0).write().ok());
  }
  void outcome(int number) {
    journal_->stream(0).append(R"("type":"outcome","id":")" + std::to_string(number) + R"(","outcome":"ok")");
    ASSERT_TRUE(journal_->stream(0).write().ok());
  }

  std::vector<std::string> lines() const { return split_lines(read_file(device_.file_path)); }
  /// "request 1" and the like, in order.
  static std::string word(const std::string& line) {
    const auto document = json::Document::parse(line);
    if (!document.ok()) return "torn";
    const auto request = document->root().find("request");
    return document->root().find("type")->as_string().value() + " " +
           (request && request->find("id") ? request->find("id")->as_string().value() : "");
  }
  std::multiset<std::string> words() const {
    std::multiset<std::string> found;
    for (const std::string& line : lines()) found.insert(word(line));
    return found;
  }
  bool has(int number) const {
    const auto found = words();
    return found.contains("request " + std::to_string(number)) && found.contains("response " + std::to_string(number));
  }
  bool await_all(int first, int last) {
    return await([&] {
      const auto found = words();
      for (int i = first; i <= last; ++i) {
        if (!found.contains("response " + std::to_string(i))) return false;
      }
      return true;
    });
  }

  const TemporaryDirectory directory_;
  SystemClock clock_;
  FaultyCalls calls_;
  JournalOptions journal_options_{.directory = directory_ / "audit"};
  Device device_ = *Device::make("file", "siem", {{"file_path", directory_ / "siem.log"}});
  std::int64_t save_ms_ = 5;
  Mutex mutex_;
  std::string log_ GUARDED_BY(mutex_);
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Forwarder> forwarder_;
};

TEST_F(ForwarderTest, EveryRecordOnceInOrder) {
  open_journal(2);
  start();
  for (int i = 0; i < 100; ++i) access(i, i % 2);
  ASSERT_TRUE(await_all(0, 99));
  EXPECT_EQ(lines().size(), 200u);
  EXPECT_EQ(forwarder_->counters().lines, 200u);
  int last = -2;
  for (const std::string& line : lines()) {
    const std::string told = word(line);
    if (!told.starts_with("response ")) continue;
    const int number = std::stoi(told.substr(9));
    if (number % 2 != 0) continue;
    EXPECT_EQ(number, last + 2) << "the order of a stream";
    last = number;
  }
  EXPECT_EQ(logged(), "");
}

TEST_F(ForwarderTest, GoesOnWhereItWas) {
  open_journal();
  start();
  access(1);
  intent(2);
  ASSERT_TRUE(await([&] { return words().contains("request 2"); }));
  restart();
  access(3);
  outcome(2);
  ASSERT_TRUE(await_all(1, 3));
  EXPECT_EQ(lines().size(), 6u) << "nothing twice, and the write's request was not asked for again";
  EXPECT_TRUE(has(2));
  EXPECT_EQ(forwarder_->counters().cursors_lost, 0u);
}

TEST_F(ForwarderTest, WhatIsThereBeforeADeviceIsDeclaredIsWritten) {
  open_journal();
  access(1);
  journal_.reset();
  open_journal();
  access(2);
  start();
  EXPECT_TRUE(await_all(1, 2));
}

TEST_F(ForwarderTest, GoesOnAcrossFilesAndStarts) {
  journal_options_.rotate_bytes = 2000;
  open_journal(2);
  start();
  for (int i = 0; i < 50; ++i) access(i, i % 2);
  ASSERT_TRUE(await_all(0, 49));
  forwarder_.reset();
  for (int i = 50; i < 100; ++i) access(i, i % 2);
  journal_.reset();
  open_journal(1);  // Stream 1 has no writer any more, and is read to its end.
  start();
  for (int i = 100; i < 150; ++i) access(i);
  ASSERT_TRUE(await_all(0, 149));
  EXPECT_EQ(lines().size(), 300u);
  EXPECT_GT(journal_files(journal_options_.directory).size(), 6u);
}

TEST_F(ForwarderTest, ADamagedCursorBeginsAnewAndSaysSo) {
  open_journal();
  start();
  access(1);
  ASSERT_TRUE(await_all(1, 1));
  forwarder_.reset();
  write_file(directory_ / "audit/siem.cursor", "garbage");
  start();
  access(2);
  ASSERT_TRUE(await_all(2, 2));
  EXPECT_EQ(words().count("request 1"), 2u);
  EXPECT_EQ(forwarder_->counters().cursors_lost, 1u);
  EXPECT_NE(logged().find("damaged"), std::string::npos) << logged();
}

TEST_F(ForwarderTest, ACursorOfAnotherJournalSkipsNothing) {
  open_journal();
  start();
  for (int i = 0; i < 10; ++i) access(i);
  ASSERT_TRUE(await_all(0, 9));
  forwarder_.reset();
  journal_.reset();
  const std::string cursor = read_file(directory_ / "audit/siem.cursor");
  std::filesystem::remove_all(directory_ / "audit");
  open_journal();
  write_file(directory_ / "audit/siem.cursor", cursor);
  for (int i = 10; i < 13; ++i) access(i);
  start();
  EXPECT_TRUE(await_all(10, 12));
  EXPECT_EQ(forwarder_->counters().cursors_lost, 1u);
}

TEST_F(ForwarderTest, FilesRemovedBeforeTheyWereReadAreTold) {
  journal_options_.rotate_bytes = 1000;
  open_journal();
  start();
  access(0);
  ASSERT_TRUE(await_all(0, 0));
  forwarder_.reset();
  for (int i = 1; i < 40; ++i) access(i);
  journal_.reset();
  const auto files = journal_files(journal_options_.directory);
  ASSERT_GT(files.size(), 4u);
  std::filesystem::remove(directory_ / "audit/" + files[0]);
  std::filesystem::remove(directory_ / "audit/" + files[1]);
  open_journal();
  start();
  ASSERT_TRUE(await_all(39, 39));
  EXPECT_GT(forwarder_->counters().records_missed, 0u);
  EXPECT_EQ(forwarder_->counters().cursors_lost, 0u);
  EXPECT_NE(logged().find("were removed from the journal before they were forwarded"), std::string::npos);
}

TEST_F(ForwarderTest, SoAreThoseOfAStreamItNeverRead) {
  journal_options_.rotate_bytes = 1000;
  open_journal(2);
  std::filesystem::create_directory(device_.file_path);  // Cannot be written.
  start();
  access(0, 0);
  ASSERT_TRUE(await([&] { return forwarder_->counters().failing; }));
  for (int i = 1; i < 40; ++i) access(i, 1);
  const auto remove_oldest = [&] {
    for (const std::string& name : journal_files(journal_options_.directory)) {
      if (FileName::parse(name)->stream != 1) continue;
      std::filesystem::remove(directory_ / "audit/" + name);
      return;
    }
  };
  remove_oldest();
  forwarder_.reset();
  journal_.reset();
  open_journal(2);
  remove_oldest();
  std::filesystem::remove(device_.file_path);
  start();
  ASSERT_TRUE(await_all(39, 39));
  EXPECT_GT(forwarder_->counters().records_missed, 0u);
  EXPECT_EQ(forwarder_->counters().cursors_lost, 0u);
  EXPECT_NE(logged().find("were removed from the journal before they were forwarded"), std::string::npos);
}

TEST_F(ForwarderTest, WhatWasGoneBeforeADeviceWasDeclaredIsNotMissed) {
  journal_options_.rotate_bytes = 1000;
  open_journal();
  for (int i = 0; i < 40; ++i) access(i);
  std::filesystem::remove(directory_ / "audit/" + journal_files(journal_options_.directory)[0]);
  start();
  ASSERT_TRUE(await_all(39, 39));
  EXPECT_EQ(forwarder_->counters().records_missed, 0u);
  restart();
  access(40);
  ASSERT_TRUE(await_all(40, 40));
  EXPECT_EQ(forwarder_->counters().records_missed, 0u);
  EXPECT_EQ(forwarder_->counters().cursors_lost, 0u);
}

TEST_F(ForwarderTest, APlaceInAnotherJournalThatNothingWasReadOfIsNoPlace) {
  open_journal();
  access(0);
  write_file(directory_ / "audit/siem.cursor", Cursor{.streams = {{0, {.from = {.sequence = 50}, .through = {}}}}}.text());
  start();
  EXPECT_EQ(forwarder_->forwarded_below(0), 1u) << "not what was never read";
  EXPECT_TRUE(await_all(0, 0));
  EXPECT_EQ(forwarder_->counters().cursors_lost, 1u);
}

TEST_F(ForwarderTest, AFullDiskLosesNothingAndTearsNothing) {
  open_journal();
  start();
  access(0);
  ASSERT_TRUE(await_all(0, 0));
  FaultyCalls& calls = calls_;
  calls.write_bytes_max = 7;  // A part of a line gets there, then no more.
  calls.write_error = ENOSPC;
  access(1);
  ASSERT_TRUE(await([&] { return forwarder_->counters().failing; }));
  access(2);
  calls.write_error = 0;
  calls.write_bytes_max = -1;
  ASSERT_TRUE(await_all(0, 2));
  EXPECT_EQ(lines().size(), 6u);
  EXPECT_FALSE(words().contains("torn"));
  EXPECT_NE(logged().find("No space left on device"), std::string::npos) << logged();
  EXPECT_NE(logged().find("writing again"), std::string::npos);
}

TEST_F(ForwarderTest, AnUnusableFileIsTriedAgain) {
  std::filesystem::create_directory(device_.file_path);
  open_journal();
  start();
  access(1);
  ASSERT_TRUE(await([&] { return forwarder_->counters().failing; }));
  std::filesystem::remove(device_.file_path);
  EXPECT_TRUE(await_all(1, 1));
  EXPECT_FALSE(forwarder_->counters().failing);
}

TEST_F(ForwarderTest, AFailedSyncOrAnotherErrorGoesBackToTheCursor) {
  open_journal();
  start();
  access(0);
  ASSERT_TRUE(await_all(0, 0));
  calls_.sync_error = EIO;
  access(1);
  ASSERT_TRUE(await([&] { return has(1); }));
  const auto failures = forwarder_->counters().failures;  // One may have been of what was there before.
  ASSERT_TRUE(await([&] { return forwarder_->counters().failures > failures; }));
  calls_.sync_error = 0;
  access(2);
  ASSERT_TRUE(await_all(0, 2));
  ASSERT_TRUE(await([&] { return words().count("request 1") >= 2; })) << "it may not be on disk the first time";
  calls_.write_error = EIO;
  access(3);
  ASSERT_TRUE(await([&] { return forwarder_->counters().failing; }));
  calls_.write_error = 0;
  EXPECT_TRUE(await_all(0, 3));
}

TEST_F(ForwarderTest, ARemovedFileIsMadeAgain) {
  save_ms_ = 200;
  open_journal();
  start();
  access(1);
  ASSERT_TRUE(await_all(1, 1));
  std::filesystem::remove(device_.file_path);
  access(2);
  EXPECT_TRUE(await_all(1, 2)) << "what was written since the cursor was kept, too";
}

TEST_F(ForwarderTest, AReopenedFileBeginsWithAWholeLine) {
  open_journal();
  start();
  access(0);
  ASSERT_TRUE(await([&] { return !lines().empty(); }));
  const auto told_everywhere = [this] {
    std::string all = read_file(device_.file_path);
    for (int round = 0; round < 20; ++round) {
      const std::string aside = directory_ / ("siem.log." + std::to_string(round));
      if (std::filesystem::exists(aside)) all += read_file(aside);
    }
    std::multiset<std::string> told;
    for (const std::string& line : split_lines(all)) told.insert(word(line));
    return told;
  };
  int number = 1;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20; ++i) access(number++);
    if (round % 3 == 0) calls_.write_bytes_max = 5;
    std::filesystem::rename(device_.file_path, directory_ / ("siem.log." + std::to_string(round)));
    auto sink = forwarder_->open_again();
    ASSERT_TRUE(sink.ok());
    forwarder_->adopt(std::move(*sink));
    calls_.write_bytes_max = -1;
  }
  access(number);
  // A batch that was collected before the last file was taken goes to the one before.
  ASSERT_TRUE(await([&] { return told_everywhere().contains("response " + std::to_string(number)); }));
  const auto told = told_everywhere();
  for (int i = 0; i <= number; ++i) {
    EXPECT_EQ(told.count("request " + std::to_string(i)), 1u);
    EXPECT_EQ(told.count("response " + std::to_string(i)), 1u);
  }
}

TEST_F(ForwarderTest, TellsHowFarItIs) {
  open_journal();
  start();
  EXPECT_EQ(forwarder_->forwarded_below(0), 1u);
  access(1);  // Line 2: the first is the genesis.
  ASSERT_TRUE(await([&] { return forwarder_->forwarded_below(0) == 3; }));
  intent(2);
  access(3);
  ASSERT_TRUE(await_all(3, 3));
  EXPECT_EQ(forwarder_->forwarded_below(0), 3u) << "the write has no response yet";
  outcome(2);
  EXPECT_TRUE(await([&] { return forwarder_->forwarded_below(0) == 6; }));
}

// The process is killed again and again, somewhere; afterwards every record is there at least once, and no line is broken but
// by a kill.
TEST_F(ForwarderTest, AKillLosesNothing) {
  constexpr int kRounds = 12;
  constexpr int kRecords = 200;
  for (int round = 0; round < kRounds; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      open_journal();
      start();
      for (int i = 0; i < kRecords; ++i) access(round * kRecords + i);
      std::this_thread::sleep_for(std::chrono::milliseconds(3 * round));
      ::_exit(0);  // As a kill: nothing is closed, drained or kept.
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  open_journal();
  start();
  access(kRounds * kRecords);
  ASSERT_TRUE(await_all(0, kRounds * kRecords));
  const auto found = words();
  for (int i = 0; i <= kRounds * kRecords; ++i) ASSERT_TRUE(found.contains("request " + std::to_string(i))) << i;
  EXPECT_LE(found.count("torn"), static_cast<std::size_t>(kRounds));
}

}  // namespace
}  // namespace keyhold::core::audit
