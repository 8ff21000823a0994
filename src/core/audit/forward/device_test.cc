#include "core/audit/forward/device.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "core/audit/journal_test_util.h"

namespace keyhold::core::audit {
namespace {

using Options = std::map<std::string, std::string>;

Options with(Options more) {
  more.emplace("file_path", "/var/log/keyhold/audit.log");
  return more;
}
std::string reason(std::string name, Options options, std::string_view type = "file") {
  const auto device = Device::make(type, std::move(name), std::move(options));
  return device.ok() ? "" : device.error().message;
}

TEST(Device, OptionsAreVaults) {
  const auto device = Device::make("file", "siem/", with({{"mode", "0640"}, {"hmac_accessor", "false"}, {"log_raw", "false"},
                                                          {"format", "json"}, {"prefix", ""}, {"elide_list_responses", "true"}}));
  ASSERT_TRUE(device.ok()) << device.error().message;
  EXPECT_EQ(device->name, "siem");
  EXPECT_EQ(device->file_path, "/var/log/keyhold/audit.log");
  EXPECT_EQ(device->mode, 0640u);
  EXPECT_FALSE(device->hash_accessors);
  EXPECT_EQ(Device::make("file", "f", with({}))->mode, 0600u);
  EXPECT_TRUE(Device::make("file", "f", with({}))->hash_accessors);
}

TEST(Device, WhatCouldWriteWhereItShouldNotIsRefused) {
  for (const char* path : {"", "audit.log", "./a", "/", "/var/log/", "/var/../etc/passwd", "/var//log/a", "/var/./a", "stdout", "discard"}) {
    EXPECT_NE(reason("f", {{"file_path", path}}), "") << path;
  }
  EXPECT_NE(reason("f", {}), "");
  for (const char* mode : {"", "0700", "0755", "0601", "04600", "0400", "0000", "600x", "-600", "0o600", "8", "99999999999"}) {
    EXPECT_NE(reason("f", with({{"mode", mode}})), "") << mode;
  }
  for (const char* name : {"", "/", "a/b", "..", "a.b", "a b", "journal", "../x"}) EXPECT_NE(reason(name, with({})), "") << name;
  EXPECT_NE(reason(std::string(65, 'a'), with({})), "");
  EXPECT_NE(reason("f", with({{"log_raw", "true"}})), "");
  EXPECT_NE(reason("f", with({{"prefix", "#!/bin/sh\n"}})), "");
  EXPECT_NE(reason("f", with({{"format", "jsonx"}})), "");
  EXPECT_NE(reason("f", with({{"hunter2", "1"}})), "");
  EXPECT_NE(reason("f", with({}), "socket"), "");
}

TEST(Device, AReasonNeverHoldsTheValue) {
  EXPECT_EQ(reason("f", with({{"mode", "hunter2"}})).find("hunter2"), std::string::npos);
  EXPECT_EQ(reason("f", {{"file_path", "hunter2"}}).find("hunter2"), std::string::npos);
}

TEST(Device, LiesWithin) {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory / "plugins");
  std::filesystem::create_directory_symlink(directory / "plugins", directory / "link");
  const auto within = [&](const std::string& path) {
    const std::array closed{std::string(), directory / "plugins", directory / "store/"};
    return lies_within(*Device::make("file", "f", {{"file_path", path}}), closed);
  };
  EXPECT_TRUE(within(directory / "plugins/a"));
  EXPECT_TRUE(within(directory / "plugins/deep/a"));
  EXPECT_TRUE(within(directory / "store/a"));
  EXPECT_TRUE(within(directory / "link/a"));
  EXPECT_FALSE(within(directory / "plugins-2/a"));
  EXPECT_FALSE(within(directory / "a"));
}

}  // namespace
}  // namespace keyhold::core::audit
