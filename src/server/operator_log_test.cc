#include "server/operator_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdlib>

#include "base/json.h"

namespace keyhold::server {
namespace {

constexpr std::array kFlags{Flag{.name = "log-level"}, Flag{.name = "log-format"}};

Result<LogSettings> settings_with(std::vector<std::string_view> arguments, const Config& config = {}) {
  return log_settings(*Arguments::parse(kFlags, arguments), config);
}

class OperatorLogTest : public ::testing::Test {
 protected:
  ~OperatorLogTest() override {
    for (const char* name : {"KEYHOLD_LOG_LEVEL", "VAULT_LOG_LEVEL", "VAULT_LOG_FORMAT"}) ::unsetenv(name);
    set_up_log({"info", LogFormat::kStandard});
  }
};

TEST_F(OperatorLogTest, AFlagGoesBeforeTheEnvironmentAndThatBeforeTheConfiguration) {
  EXPECT_EQ(settings_with({})->level, "info");
  Config config;
  config.log_level = "error";
  config.log_format = LogFormat::kJson;
  EXPECT_EQ(settings_with({}, config)->level, "error");
  EXPECT_EQ(settings_with({}, config)->format, LogFormat::kJson);
  ::setenv("VAULT_LOG_LEVEL", "debug", 1);
  ::setenv("VAULT_LOG_FORMAT", "standard", 1);
  EXPECT_EQ(settings_with({}, config)->level, "debug");
  EXPECT_EQ(settings_with({}, config)->format, LogFormat::kStandard);
  ::setenv("KEYHOLD_LOG_LEVEL", "warning", 1);
  EXPECT_EQ(settings_with({}, config)->level, "warn");
  EXPECT_EQ(settings_with({"-log-level=trace", "-log-format=json"}, config)->level, "trace");
  EXPECT_EQ(settings_with({"-log-level=trace", "-log-format=json"}, config)->format, LogFormat::kJson);
}

TEST_F(OperatorLogTest, AnUnknownWordIsRefusedWithItsPlace) {
  EXPECT_EQ(settings_with({"-log-format=xml"}).error().message, "-log-format is standard or json");
  ::setenv("VAULT_LOG_LEVEL", "loud", 1);
  EXPECT_EQ(settings_with({}).error().message, "VAULT_LOG_LEVEL is trace, debug, info, warn or error");
}

TEST_F(OperatorLogTest, JsonIsOneObjectALineWithVaultsMembers) {
  ::testing::internal::CaptureStderr();
  set_up_log({"warn", LogFormat::kJson});
  spdlog::info("not at this level");
  spdlog::warn("{}", "a \"quoted\"\nline \x1b[31m \xff");
  const std::string line = ::testing::internal::GetCapturedStderr();
  ASSERT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  const auto document = json::Document::parse(line);
  ASSERT_TRUE(document.ok()) << line;
  EXPECT_EQ(*document->root().find("@level")->as_string(), "warn");
  EXPECT_THAT(*document->root().find("@message")->as_string(), ::testing::StartsWith("a \"quoted\"\nline \x1b[31m "));
  EXPECT_THAT(*document->root().find("@timestamp")->as_string(), ::testing::MatchesRegex("....-..-..T..:..:.*Z"));
}

TEST_F(OperatorLogTest, StandardIsALineForPeople) {
  ::testing::internal::CaptureStderr();
  set_up_log({"info", LogFormat::kStandard});
  spdlog::info("hello");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), ::testing::HasSubstr("Z [info] hello\n"));
}

}  // namespace
}  // namespace keyhold::server
