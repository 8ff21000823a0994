#include "client/token_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keyhold::client {
namespace {

class TokenFileTest : public testing::Test {
 protected:
  TokenFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "keyhold-token-XXXXXX").string();
    home_ = ::mkdtemp(name.data());
  }
  ~TokenFileTest() override { std::filesystem::remove_all(home_); }

  void put(const std::string& name, std::string_view text) { std::ofstream(home_ / name) << text; }
  std::string read() {
    const auto token = TokenFile(home_).read();
    return token.ok() ? std::string(token->reveal()) : "error";
  }

  std::filesystem::path home_;
};

TEST_F(TokenFileTest, IsEmptyWithoutFiles) { EXPECT_EQ(read(), ""); }

TEST_F(TokenFileTest, ReadsVaultsWhereThereIsNoneOfOurs) {
  put(".vault-token", "theirs\n");
  EXPECT_EQ(read(), "theirs");
  put(".keyhold-token", "  ours\n");
  EXPECT_EQ(read(), "ours");
}

TEST_F(TokenFileTest, WritesOursAloneForItsOwnerAlone) {
  put(".vault-token", "theirs");
  ASSERT_TRUE(TokenFile(home_).write(SecretBytes::copy_of("new")).ok());
  struct stat status {};
  ASSERT_EQ(::stat((home_ / ".keyhold-token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(read(), "new");
  ASSERT_TRUE(TokenFile(home_).erase().ok());
  EXPECT_EQ(read(), "theirs");
  EXPECT_TRUE(TokenFile(home_).erase().ok());
}

TEST_F(TokenFileTest, ReplacesAFileThatOthersCouldRead) {
  put(".keyhold-token", "old");
  ::chmod((home_ / ".keyhold-token").c_str(), 0644);
  ASSERT_TRUE(TokenFile(home_).write(SecretBytes::copy_of("new")).ok());
  struct stat status {};
  ASSERT_EQ(::stat((home_ / ".keyhold-token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(home_), {}), 1) << "a temporary file stayed";
}

TEST_F(TokenFileTest, RefusesWhatIsTooLong) {
  put(".keyhold-token", std::string(10'000, 'x'));
  EXPECT_EQ(read(), "error");
}

TEST_F(TokenFileTest, SaysWhenItCannotWrite) {
  EXPECT_FALSE(TokenFile("").write(SecretBytes::copy_of("t")).ok());
  EXPECT_FALSE(TokenFile((home_ / "none").string()).write(SecretBytes::copy_of("t")).ok());
}

}  // namespace
}  // namespace keyhold::client
