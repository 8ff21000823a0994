#include "core/audit/recovery.h"

#include <csignal>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <random>

#include "core/audit/journal_test_util.h"

namespace keyhold::core::audit {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RecoveryTest : public ::testing::Test {
 protected:
  JournalOptions options() const { return {.directory = directory_.path(), .sync_ms = 5}; }

  void write_run(int first, int count) {
    auto journal = open_or_die(options(), clock_);
    journal->set_signer(make_signer());
    ASSERT_TRUE(write_records(journal->stream(0), first, count).ok());
  }
  std::string last_file() const { return directory_ / journal_files(directory_.path()).back(); }
  std::string last_genesis() const { return split_lines(read_file(last_file()))[0]; }

  TemporaryDirectory directory_;
  FakeClock clock_;
};

TEST_F(RecoveryTest, RestartGoesOnInANewFile) {
  for (int run = 0; run < 5; ++run) write_run(run * 10, 10);
  EXPECT_THAT(journal_files(directory_.path()), SizeIs(5));
  EXPECT_THAT(last_genesis(), HasSubstr("\"begin\":\"restart\",\"previous\":{\"file\":\"0-"));
  EXPECT_EQ(problems_of(directory_.path(), make_signer()->public_key()), "");
  EXPECT_EQ(records_in(directory_.path()), 50u);
}

TEST_F(RecoveryTest, TornLineIsCutOffAtEveryLength) {
  {
    auto journal = open_or_die(options(), clock_);
    ASSERT_TRUE(write_records(journal->stream(0), 0, 3).ok());
  }
  const std::string file = last_file();
  const std::string whole = read_file(file);
  const auto lines = split_lines(whole);
  const std::size_t kept = whole.size() - lines.back().size();
  for (std::size_t size = kept; size < whole.size(); ++size) {
    TemporaryDirectory copy;
    const std::string name = std::filesystem::path(file).filename().string();
    write_file(copy / name, whole.substr(0, size));
    auto journal = open_or_die({.directory = copy.path()}, clock_);
    ASSERT_TRUE(write_records(journal->stream(0), 3, 1).ok());
    journal.reset();
    ASSERT_EQ(read_file(copy / name), whole.substr(0, kept)) << size;
    ASSERT_EQ(problems_of(copy.path()), "") << size;
    ASSERT_EQ(records_in(copy.path()), 3u) << size;
    const auto genesis = split_lines(read_file(copy / journal_files(copy.path()).back()))[0];
    const std::string torn = "\"torn_bytes\":" + std::to_string(size - kept) + "}";
    ASSERT_EQ(genesis.find(torn) != std::string::npos, size > kept) << size;
  }
}

TEST_F(RecoveryTest, FileWithoutAGenesisIsRemoved) {
  write_run(0, 3);
  write_run(3, 3);
  const std::string torn = last_file();
  write_file(torn, read_file(torn).substr(0, 30));
  write_run(6, 3);
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 6u);
  EXPECT_THAT(journal_files(directory_.path()), SizeIs(2));
}

TEST_F(RecoveryTest, ZeroFilledTailIsCutOff) {
  write_run(0, 3);
  const std::string file = last_file();
  const std::string whole = read_file(file);
  write_file(file, whole + std::string(10'000, '\0'));
  write_run(3, 1);
  EXPECT_EQ(read_file(file), whole);
  EXPECT_EQ(problems_of(directory_.path()), "");
}

TEST_F(RecoveryTest, DamagedMiddleIsKeptAndSaid) {
  write_run(0, 30);
  const std::string file = last_file();
  std::string content = read_file(file);
  content.replace(content.find("\"n\":7,"), 6, "\"n\":8,");
  write_file(file, content);
  write_run(30, 5);
  EXPECT_EQ(read_file(file), content);
  EXPECT_THAT(last_genesis(), HasSubstr("\"begin\":\"damage\""));
  EXPECT_THAT(problems_of(directory_.path()), HasSubstr("line 9: the chain does not match"));
}

TEST_F(RecoveryTest, UnreadableLastFileIsSetAside) {
  write_run(0, 3);
  write_run(3, 3);
  const std::string file = last_file();
  write_file(file, "garbage\nmore garbage\n");
  write_run(6, 3);
  EXPECT_TRUE(std::filesystem::exists(file + ".damaged"));
  EXPECT_THAT(last_genesis(), HasSubstr("\"begin\":\"damage\""));
  EXPECT_THAT(problems_of(directory_.path()), HasSubstr(".damaged: set aside"));
}

TEST_F(RecoveryTest, BigFileIsNotReadWhole) {
  JournalOptions big = options();
  big.rotate_bytes = 1ull << 40;
  {
    auto journal = open_or_die(big, clock_);
    for (int i = 0; i < 12; ++i) {
      journal->stream(0).append("\"a\":\"" + std::string(900'000, 'x') + "\"");
      ASSERT_TRUE(journal->stream(0).write().ok());
    }
  }
  write_run(100, 1);
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(records_in(directory_.path()), 13u);
}

TEST_F(RecoveryTest, OtherFilesAreLeftAlone) {
  for (const char* name : {"0-1.jsonl", "x-00000000000000000001.jsonl", "0-00000000000000000001.jsonl.bak", "README"}) {
    write_file(directory_ / name, "mine");
  }
  write_run(0, 1);
  EXPECT_EQ(problems_of(directory_.path()), "");
  EXPECT_EQ(read_file(directory_ / "0-1.jsonl"), "mine");
}

// ---- A real full disk

class FullDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=256k") != 0) GTEST_SKIP() << "may not mount here";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  std::string journal_directory() const { return directory_ / "journal"; }

  TemporaryDirectory directory_;
  FakeClock clock_;
  bool mounted_ = false;
};

TEST_F(FullDiskTest, RefusesThenGoesOnWithoutARestart) {
  write_file(directory_ / "ballast", std::string(100'000, 'b'));
  auto journal = open_or_die({.directory = journal_directory(), .rotate_bytes = 30'000}, clock_);
  journal->set_signer(make_signer());
  std::uint64_t written = 0;
  int number = 0;
  while (write_records(journal->stream(0), number, 20).ok()) {
    number += 20;
    written += 20;
  }
  EXPECT_GT(written, 100u);
  for (int i = 0; i < 20; ++i) {
    if (write_records(journal->stream(0), 9000, 20).ok()) written += 20;
  }
  (void)sync_and_wait(journal->stream(0)).ok();
  EXPECT_EQ(records_in(journal_directory()), written) << "what was refused is not there, what was accepted is";
  EXPECT_GE(journal->counters().write_failures, 1u);

  ASSERT_TRUE(std::filesystem::remove(directory_ / "ballast"));
  ASSERT_TRUE(write_records(journal->stream(0), number, 20).ok());
  EXPECT_TRUE(sync_and_wait(journal->stream(0)).ok());
  written += 20;
  journal.reset();
  EXPECT_EQ(problems_of(journal_directory(), make_signer()->public_key()), "");
  EXPECT_EQ(records_in(journal_directory()), written);
}

// ---- kill -9

/// Writes batches until killed, and tells of each over `acks`, once written. Never returns.
[[noreturn]] void write_until_killed(const std::string& directory, int acks, unsigned seed) {
  SystemClock clock;
  std::mt19937 random(seed);
  auto journal = Journal::open({.directory = directory, .sync_ms = 1, .rotate_bytes = 20'000}, clock);
  if (!journal.ok()) ::_exit(1);
  for (int number = 0;;) {
    if (random() % 50 == 0) (*journal)->set_signer(random() % 2 == 0 ? make_signer() : nullptr);
    const int count = static_cast<int>(random() % 20) + 1;
    if (!write_records((*journal)->stream(0), number, count).ok()) ::_exit(2);
    number += count;
    const std::uint32_t ack = static_cast<std::uint32_t>(count);
    if (::write(acks, &ack, sizeof ack) != sizeof ack) ::_exit(3);
  }
}

TEST_F(RecoveryTest, EveryWrittenRecordSurvivesKill) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::uint64_t acknowledged = 0;
  std::optional<TemporaryDirectory> directory;
  for (int round = 0; round < 50; ++round) {
    if (round % 5 == 0) {
      directory.emplace();
      acknowledged = 0;
    }
    int acks[2];
    ASSERT_EQ(::pipe(acks), 0);
    const unsigned child_seed = static_cast<unsigned>(random());
    const pid_t child = ::fork();
    if (child == 0) write_until_killed(directory->path(), acks[1], child_seed);
    ASSERT_GT(child, 0);
    ::close(acks[1]);
    const auto read_ack = [&] {
      std::uint32_t ack = 0;
      const bool whole = ::read(acks[0], &ack, sizeof ack) == sizeof ack;
      acknowledged += ack;
      return whole;
    };
    for (int wanted = static_cast<int>(random() % 40) + 1; wanted > 0; --wanted) ASSERT_TRUE(read_ack());
    for (volatile unsigned spin = static_cast<unsigned>(random() % 100'000); spin > 0;) spin = spin - 1;
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    while (read_ack()) {
    }
    ::close(acks[0]);

    auto journal = open_or_die({.directory = directory->path()}, clock_);
    ASSERT_TRUE(write_records(journal->stream(0), 0, 1).ok());
    journal.reset();
    ++acknowledged;
    ASSERT_EQ(problems_of(directory->path()), "") << round;
    const std::uint64_t found = records_in(directory->path());
    ASSERT_GE(found, acknowledged) << round;
    ASSERT_LE(found, acknowledged + 20) << round;  // One batch may have been written and not told.
    acknowledged = found;
  }
}

}  // namespace
}  // namespace keyhold::core::audit
