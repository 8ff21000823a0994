#include "server/file_modes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace keyhold::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FileModesTest : public ::testing::Test {
 protected:
  FileModesTest() {
    for (const std::string& path : {config_path_, key_path_}) std::ofstream(path) << "x";
    config_.listeners.emplace_back().tls_private_key_path = key_path_;
    set(0640, 0600);
  }
  ~FileModesTest() override {
    std::remove(config_path_.c_str());
    std::remove(key_path_.c_str());
  }
  void set(mode_t config, mode_t key) {
    ::chmod(config_path_.c_str(), config);
    ::chmod(key_path_.c_str(), key);
  }
  Result<std::vector<std::string>> check() const { return check_file_modes(config_, config_path_); }

  const std::string config_path_ = ::testing::TempDir() + "modes.hcl";
  const std::string key_path_ = ::testing::TempDir() + "modes-key.pem";
  Config config_;
};

TEST_F(FileModesTest, TheUsualOnesAreFine) {
  EXPECT_TRUE(check()->empty());
  set(0644, 0640);
  EXPECT_TRUE(check()->empty());
}

TEST_F(FileModesTest, APrivateKeyForAllIsSaidLoudly) {
  set(0644, 0644);
  EXPECT_THAT(*check(), ElementsAre(HasSubstr("EVERY USER CAN READ THIS PRIVATE KEY")));
}

TEST_F(FileModesTest, WhatAllCanWriteIsRefused) {
  set(0646, 0600);
  EXPECT_EQ(check().code(), Code::kInvalid);
  set(0640, 0602);
  EXPECT_EQ(check().code(), Code::kInvalid);
}

TEST_F(FileModesTest, AGroupOrAnotherOwnerIsWarnedOf) {
  set(0660, 0600);
  EXPECT_THAT(*check(), ElementsAre(HasSubstr("its group can write it")));
  set(0640, 0600);
  if (::chown(key_path_.c_str(), 12345, 12345) != 0) GTEST_SKIP() << "not root";
  EXPECT_THAT(*check(), ElementsAre(HasSubstr("another user")));
}

}  // namespace
}  // namespace keyhold::server
