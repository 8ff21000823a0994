#include "cli/private_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace keyhold::cli {
namespace {

class PrivateFile : public ::testing::Test {
 protected:
  PrivateFile() { EXPECT_NE(::mkdtemp(folder_.data()), nullptr); }
  ~PrivateFile() override { std::filesystem::remove_all(folder_); }

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

  std::string folder_ = "/tmp/keyhold-private-file-XXXXXX";
};

TEST_F(PrivateFile, IsForItsOwnerAlone) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(write_private_file(path, SecretBytes::copy_of("one"), 0600, Replace::kNothing).ok());
  EXPECT_EQ(text_of(path), "one");
  EXPECT_EQ(mode_of(path), 0600u);
  ASSERT_TRUE(write_private_file(path, SecretBytes::copy_of("two"), 0400, Replace::kWhatIsThere).ok());
  EXPECT_EQ(text_of(path), "two");
  EXPECT_EQ(mode_of(path), 0400u);
}

TEST_F(PrivateFile, LeavesWhatIsThere) {
  const std::string path = folder_ + "/a";
  std::ofstream(path) << "before";
  EXPECT_EQ(write_private_file(path, SecretBytes::copy_of("x"), 0600, Replace::kNothing).code(), Code::kInvalid);
  EXPECT_EQ(text_of(path), "before");
  EXPECT_EQ(files(), 1) << "nothing half-written stays";
}

TEST_F(PrivateFile, TellsWhereItCannotWrite) {
  EXPECT_EQ(write_private_file(folder_ + "/none/a", SecretBytes::copy_of("x"), 0600, Replace::kNothing).code(), Code::kInvalid);
}

}  // namespace
}  // namespace keyhold::cli
