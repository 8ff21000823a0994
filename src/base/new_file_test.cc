#include "base/new_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace keyhold {
namespace {

using Replace = NewFile::Replace;

class NewFileTest : public ::testing::Test {
 protected:
  NewFileTest() { EXPECT_NE(::mkdtemp(folder_.data()), nullptr); }
  ~NewFileTest() override { std::filesystem::remove_all(folder_); }

  static std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0);
    return status.st_mode & 07777;
  }
  std::ptrdiff_t files() const { return std::distance(std::filesystem::directory_iterator(folder_), {}); }

  std::string folder_ = "/tmp/keyhold-new-file-XXXXXX";
};

TEST_F(NewFileTest, IsForItsOwnerAlone) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(write_new_file(path, SecretBytes::copy_of("one"), Replace::kNothing).ok());
  EXPECT_EQ(text_of(path), "one");
  EXPECT_EQ(mode_of(path), 0600u);
  ASSERT_TRUE(write_new_file(path, SecretBytes::copy_of("two"), Replace::kWhatIsThere, 0400).ok());
  EXPECT_EQ(text_of(path), "two");
  EXPECT_EQ(mode_of(path), 0400u);
}

TEST_F(NewFileTest, LeavesWhatIsThere) {
  const std::string path = folder_ + "/a";
  std::ofstream(path) << "before";
  EXPECT_EQ(write_new_file(path, SecretBytes::copy_of("x"), Replace::kNothing).code(), Code::kConflict);
  EXPECT_EQ(text_of(path), "before");
  EXPECT_EQ(files(), 1) << "nothing half-written stays";
}

TEST_F(NewFileTest, TellsWhereItCannotWrite) {
  const auto written = write_new_file(folder_ + "/none/a", SecretBytes::copy_of("x"), Replace::kNothing);
  ASSERT_EQ(written.code(), Code::kUnavailable);
  EXPECT_EQ(written.error().message, "cannot write " + folder_ + "/none/a: No such file or directory");
}

TEST_F(NewFileTest, HasItsNameOnceItIsWhole) {
  const std::string path = folder_ + "/a";
  {
    auto file = NewFile::create(path);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("on").ok());
    ASSERT_TRUE(file->write("e").ok());
    EXPECT_EQ(file->bytes(), 3u);
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(file->finish(Replace::kNothing).ok());
  }
  EXPECT_EQ(text_of(path), "one");
  EXPECT_EQ(files(), 1);
}

TEST_F(NewFileTest, LeavesNothingWhenItIsGivenUp) {
  {
    auto file = NewFile::create(folder_ + "/a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->write("x").ok());
    const NewFile moved = std::move(*file);
    EXPECT_EQ(files(), 1);
  }
  EXPECT_EQ(files(), 0);
}

}  // namespace
}  // namespace keyhold
