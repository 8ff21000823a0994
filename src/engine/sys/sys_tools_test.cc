#include "engine/sys/sys_tools.h"

#include <set>

#include "base/encoding.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using SysToolsTest = test::EngineTest;

TEST_F(SysToolsTest, RandomBytesComeInTheFormAndNumberAskedFor) {
  EXPECT_EQ(base64_decode(node_.write("sys/tools/random", "{}").at("random_bytes"))->size(), 32u);
  EXPECT_EQ(hex_decode(node_.write("sys/tools/random", R"({"bytes":"5","format":"hex"})").at("random_bytes"))->size(), 5u);
  EXPECT_EQ(base64_decode(node_.write("sys/tools/random/131072", "{}").at("random_bytes"))->size(), 131072u);
  EXPECT_EQ(base64_decode(node_.write("sys/tools/random/platform/7", "{}").at("random_bytes"))->size(), 7u);
  std::set<std::string> seen;
  for (int i = 0; i < 20; ++i) seen.insert(node_.write("sys/tools/random", "{}").at("random_bytes"));
  EXPECT_EQ(seen.size(), 20u);
}

TEST_F(SysToolsTest, OddRequestsForRandomBytesAreRefused) {
  for (const char* path : {"sys/tools/random/0", "sys/tools/random/-1", "sys/tools/random/131073", "sys/tools/random/many",
                           "sys/tools/random/elsewhere/7"}) {
    EXPECT_EQ(node_.write(path, "{}").word(), "invalid") << path;
  }
  EXPECT_EQ(node_.write("sys/tools/random", R"({"format":"HEX"})").word(), "invalid");
  EXPECT_EQ(node_.write("sys/tools/random", R"({"bytes":1e9})").word(), "invalid");
}

TEST_F(SysToolsTest, HashesWhatIsInTheBase64) {
  EXPECT_EQ(node_.write("sys/tools/hash", R"({"input":"YWJj"})").at("sum"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(node_.write("sys/tools/hash/sha2-224", R"({"input":"YWJj"})").at("sum"),
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7");
  EXPECT_EQ(node_.write("sys/tools/hash", R"({"input":"YWJj","algorithm":"sha2-224","format":"base64"})").at("sum"),
            "Iwl9IjQF2CKGQqR3vaJVsyqtvOS9oLP342ydpw==");
}

TEST_F(SysToolsTest, WhatCannotBeHashedIsNotRepeated) {
  for (const char* body : {R"({"input":"hunter2!"})", R"({"input":"YWJj","algorithm":"hunter2!"})"}) {
    const auto got = node_.write("sys/tools/hash", body);
    EXPECT_EQ(got.word(), "invalid");
    EXPECT_EQ(got.error->message.find("hunter2"), std::string::npos);
  }
  for (const std::string& record : node_.records()) EXPECT_EQ(record.find("YWJj"), std::string::npos) << record;
}

}  // namespace
}  // namespace keyhold::engine
