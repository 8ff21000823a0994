#include "engine/sys/sys_info.h"

#include "base/version.h"
#include "core/version_history.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using SysInfoTest = test::EngineTest;

TEST_F(SysInfoTest, AnybodyMayAskWhoLeads) {
  const auto got = node_.read("sys/leader", "");
  EXPECT_EQ(got.word(), "found");
  EXPECT_EQ(got.at("ha_enabled"), "false");
  node_.node().seal();
  EXPECT_EQ(node_.read("sys/leader", "").word(), "found");
}

TEST_F(SysInfoTest, SaysWhatMachineThisIs) {
  const auto got = node_.read("sys/host-info");
  EXPECT_NE(got.at("host.kernelVersion"), "");
  EXPECT_NE(got.at("memory.total"), "0");
  EXPECT_EQ(node_.read("sys/host-info", with_policy(R"(path "secret/*" { capabilities = ["read"] })")).word(), "denied");
}

TEST_F(SysInfoTest, RemembersEachVersionThatOpenedTheStore) {
  const std::string first(kVaultApiVersion);
  EXPECT_EQ(node_.list("sys/version-history").at("keys"), "[\"" + first + "\"]");
  clock_.advance_ms(60'000);
  auto tx = node_.transaction();
  ASSERT_TRUE(core::version_history::note(tx, "9.9.9", clock_.now_ms()).ok());
  ASSERT_TRUE(core::version_history::note(tx, first, clock_.now_ms()).ok());
  ASSERT_TRUE(node_.commit(tx).ok());
  node_.node().seal();
  node_.unseal();
  const auto got = node_.list("sys/version-history");
  EXPECT_EQ(got.at("keys"), "[\"" + first + "\",\"9.9.9\"]") << "opening it again changes nothing";
  EXPECT_NE(got.data.find("\"previous_version\":\"" + first + "\""), std::string::npos) << got.data;
}

}  // namespace
}  // namespace keyhold::engine
