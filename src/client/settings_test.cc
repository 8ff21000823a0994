#include "client/settings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keyhold::client {
namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST(Settings, HaveDefaults) {
  const auto settings = settings_from(environment_of({}));
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->address, "https://127.0.0.1:8200");
  EXPECT_EQ(settings->retries_max, 2);
  EXPECT_EQ(settings->http.timeout_ms, 60'000);
  EXPECT_EQ(settings->http.verify, Verify::kCertificate);
  EXPECT_TRUE(settings->token.empty());
}

TEST(Settings, TakeKeyholdsVariablesBeforeVaults) {
  const auto settings = settings_from(environment_of({{"VAULT_ADDR", "http://theirs:1"},
                                                      {"KEYHOLD_ADDR", "http://ours:2"},
                                                      {"VAULT_TOKEN", "theirs"},
                                                      {"KEYHOLD_TOKEN", ""},
                                                      {"VAULT_SKIP_VERIFY", "1"},
                                                      {"VAULT_CLIENT_TIMEOUT", "1m30s"},
                                                      {"VAULT_MAX_RETRIES", "0"},
                                                      {"VAULT_NAMESPACE", "team"},
                                                      {"VAULT_TLS_SERVER_NAME", "name"}}));
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(settings->address, "http://ours:2");
  EXPECT_EQ(settings->token.reveal(), "theirs") << "a variable that is set to nothing is not set";
  EXPECT_EQ(settings->http.verify, Verify::kNothing);
  EXPECT_EQ(settings->http.timeout_ms, 90'000);
  EXPECT_EQ(settings->retries_max, 0);
  EXPECT_EQ(settings->namespace_path, "team");
  EXPECT_EQ(settings->http.tls_server_name, "name");
}

TEST(Settings, NameTheVariableThatIsWrong) {
  for (const std::string name : {"SKIP_VERIFY", "MAX_RETRIES", "CLIENT_TIMEOUT"}) {
    const auto settings = settings_from(environment_of({{"VAULT_" + name, "perhaps"}}));
    ASSERT_FALSE(settings.ok()) << name;
    EXPECT_NE(settings.error().message.find(name), std::string::npos);
    EXPECT_EQ(settings.error().message.find("perhaps"), std::string::npos);
  }
}

TEST(Settings, LoadAuthoritiesOfAFileOrAFolder) {
  std::string name = (std::filesystem::temp_directory_path() / "keyhold-ca-XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(name.data());
  std::ofstream(folder / "a.pem") << "-----BEGIN CERTIFICATE-----\nA\n";
  std::ofstream(folder / "notes.txt") << "nothing";
  Settings settings;
  settings.ca_directory = folder;
  EXPECT_TRUE(load_authorities(settings).ok());
  EXPECT_NE(settings.http.ca_pem.find("\nA\n"), std::string::npos);
  settings.ca_file = folder / "notes.txt";
  EXPECT_FALSE(load_authorities(settings).ok());
  settings.ca_file = folder / "none";
  EXPECT_FALSE(load_authorities(settings).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace keyhold::client
