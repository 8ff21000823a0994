#include "core/audit/forward/file_sink.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/audit/journal_test_util.h"

namespace keyhold::core::audit {
namespace {

class FileSinkTest : public testing::Test {
 protected:
  std::string path() const { return directory_ / "audit.log"; }
  Result<FileSink> open(std::uint32_t mode = 0600) { return FileSink::open(path(), mode, calls_); }
  bool append(FileSink& sink, std::string_view text) { return sink.append(text).ok(); }
  unsigned mode() const {
    struct stat status{};
    return ::stat(path().c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

  const TemporaryDirectory directory_;
  FaultyCalls calls_;
};

TEST_F(FileSinkTest, AppendsAndSetsTheMode) {
  const auto old_mask = ::umask(077);
  write_file(path(), "old\n");
  std::filesystem::permissions(path(), std::filesystem::perms(0755));
  auto sink = open(0640);
  ::umask(old_mask);
  ASSERT_TRUE(sink.ok()) << sink.error().message;
  EXPECT_EQ(mode(), 0640u) << "no execute bit, no write for others";
  EXPECT_TRUE(append(*sink, "new\n"));
  EXPECT_EQ(read_file(path()), "old\nnew\n");
}

TEST_F(FileSinkTest, OnlyARegularFileOfOnesOwn) {
  std::filesystem::create_directory(path());
  EXPECT_FALSE(open().ok());
  std::filesystem::remove(path());

  write_file(directory_ / "target", "");
  std::filesystem::create_symlink(directory_ / "target", path());
  EXPECT_EQ(open().error().message, "the audit device's file is refused: it is a symbolic link");
  std::filesystem::remove(path());

  std::filesystem::create_hard_link(directory_ / "target", path());
  EXPECT_EQ(open().error().message, "the audit device's file is refused: it has a second name");
  std::filesystem::remove(path());

  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(open().error().message, "the audit device's file is refused: it is not a regular file");
  std::filesystem::remove(path());

  EXPECT_EQ(FileSink::open("/dev/full", 0600, calls_).error().message,
            "the audit device's file is refused: it is not a regular file");
  EXPECT_FALSE(FileSink::open(directory_ / "missing/audit.log", 0600, calls_).ok());
}

TEST_F(FileSinkTest, AFullDiskGetsTheRestLater) {
  auto sink = open();
  ASSERT_TRUE(sink.ok());
  calls_.write_bytes_max = 3;
  std::string_view text = "a long line\n";
  ASSERT_TRUE(sink->append(text).ok()) << "short writes go on";
  calls_.write_bytes_max = -1;
  calls_.write_error = ENOSPC;
  text = "another\n";
  EXPECT_FALSE(sink->append(text).ok());
  EXPECT_TRUE(sink->out_of_space());
  calls_.write_error = EIO;
  EXPECT_FALSE(sink->append(text).ok());
  EXPECT_FALSE(sink->out_of_space());
  calls_.write_error = 0;
  EXPECT_TRUE(sink->append(text).ok());
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(read_file(path()), "a long line\nanother\n");
}

TEST_F(FileSinkTest, ATornLineIsEndedFirst) {
  write_file(path(), "{\"whole\":1}\n{\"torn");
  auto sink = open();
  ASSERT_TRUE(sink.ok());
  EXPECT_TRUE(append(*sink, "{\"next\":1}\n"));
  EXPECT_EQ(read_file(path()), "{\"whole\":1}\n{\"torn\n{\"next\":1}\n");
}

TEST_F(FileSinkTest, NoticesItsRemoval) {
  auto sink = open();
  ASSERT_TRUE(sink.ok());
  std::filesystem::rename(path(), directory_ / "moved");
  EXPECT_TRUE(sink->linked()) << "as logrotate does";
  std::filesystem::remove(directory_ / "moved");
  EXPECT_FALSE(sink->linked());
}

}  // namespace
}  // namespace keyhold::core::audit
