#include <gtest/gtest.h>

#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using core::audit::Device;
using test::EngineTest;
using test::Got;

class SysAuditTest : public EngineTest {
 protected:
  static std::string hash_in(const std::string& record, std::string_view field) {
    const std::string name = "\"" + std::string(field) + "\":\"";
    const std::size_t begin = record.find(name);
    if (begin == std::string::npos) return "(none)";
    return record.substr(begin + name.size(), record.find('"', begin + name.size()) - begin - name.size());
  }
  static constexpr std::string_view kHashOnly = R"(path "sys/audit-hash/*" { capabilities = ["update"] }
path "sys/audit" { capabilities = ["read"] }
path "sys/audit/*" { capabilities = ["create", "update", "delete"] })";
};

TEST_F(SysAuditTest, TheHashOfAValueIsWhatStandsInTheRecords) {
  const Got written = node_.write("kv/data/a", R"({"data":{"password":"hunter2"}})");
  ASSERT_EQ(written.word(), "found");
  const Got hashed = node_.write("sys/audit-hash/siem", R"({"input":"hunter2"})");
  ASSERT_EQ(hashed.word(), "found");
  EXPECT_EQ(hashed.at("hash"), hash_in(node_.records_of(written.request_id)[0], "password"));
  EXPECT_EQ(hashed.at("hash").substr(0, 12), "hmac-sha256:");
  EXPECT_EQ(node_.write("sys/audit-hash/journal", R"({"input":"hunter2"})").at("hash"), hashed.at("hash"));
  EXPECT_EQ(node_.records_of(hashed.request_id)[0].find("hunter2"), std::string::npos);
}

TEST_F(SysAuditTest, AHashNeedsADeviceAndAValue) {
  EXPECT_EQ(node_.write("sys/audit-hash/other", R"({"input":"x"})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/audit-hash/siem", "{}").word(), "invalid");
  EXPECT_EQ(node_.write("sys/audit-hash/siem", R"({"input":""})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/audit-hash/siem", R"({"input":"x"})", node_.token({"default"})).word(), "denied");
}

TEST_F(SysAuditTest, DevicesAreListedAsDeclared) {
  const Got listed = node_.read("sys/audit");
  EXPECT_EQ(listed.data, R"({"siem/":{"type":"file","path":"siem/","description":"","local":false,)"
                         R"("options":{"file_path":"/var/log/siem.log","mode":"0640"}}})");
}

TEST_F(SysAuditTest, NoApiChangesThem) {
  for (const char* path : {"sys/audit/siem", "sys/audit/new", "sys/audit/siem/"}) {
    const Got made = node_.write(path, R"({"type":"file","options":{"file_path":"/tmp/x"}})");
    EXPECT_EQ(made.word(), "invalid") << path;
    EXPECT_NE(made.error->message.find("configuration file"), std::string::npos);
    EXPECT_EQ(node_.erase(path).word(), "invalid") << path;
  }
  EXPECT_NE(node_.read("sys/audit").at("siem/"), "(none)");
}

TEST_F(SysAuditTest, DevicesAreForSudoOnly) {
  const std::string token = with_policy(kHashOnly);
  EXPECT_EQ(node_.read("sys/audit", token).word(), "denied");
  EXPECT_EQ(node_.write("sys/audit/siem", "{}", token).word(), "denied");
  EXPECT_EQ(node_.erase("sys/audit/siem", token).word(), "denied");
  EXPECT_EQ(node_.write("sys/audit-hash/siem", R"({"input":"x"})", token).word(), "found");
}

}  // namespace
}  // namespace keyhold::engine
