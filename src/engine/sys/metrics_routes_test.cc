#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class MetricsRead : public test::SecretsManagerTest {
 protected:
  std::string text() {
    Got got = node_.ask({.path = "sys/metrics", .query = {{"format", "prometheus"}}});
    EXPECT_TRUE(got.ok());
    EXPECT_EQ(got.payload, core::Payload::kBytes);
    return got.data;
  }
  /// What stands behind a name and its labels; "(none)" when no line begins so.
  static std::string value(const std::string& text, const std::string& name) {
    std::size_t at = text.find("\n" + name + " ");
    if (at == std::string::npos) return "(none)";
    at += name.size() + 2;
    return text.substr(at, text.find('\n', at) - at);
  }
};

TEST_F(MetricsRead, CountsRequestsByApiAndOutcome) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  const std::string before = text();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(get("a").ok());
  EXPECT_EQ(code(get("none")), "ResourceNotFoundException");
  EXPECT_EQ(node_.read("secret/data/a").at("data.value"), "x");
  EXPECT_EQ(node_.read("secret/data/a", "no-token").word(), "denied");
  const std::string after = text();
  const auto grown = [&](const std::string& name) {
    const auto number = [&](const std::string& from) {
      const std::string found = value(from, name);
      return found == "(none)" ? 0 : std::stoll(found);
    };
    return number(after) - number(before);
  };
  EXPECT_EQ(grown(R"(keyhold_requests_total{api="aws",outcome="ok"})"), 3);
  EXPECT_EQ(grown(R"(keyhold_requests_total{api="aws",outcome="not-found"})"), 1);
  EXPECT_EQ(grown(R"(keyhold_requests_total{api="vault",outcome="denied"})"), 1);
  EXPECT_EQ(grown(R"(keyhold_request_duration_seconds_count{api="aws"})"), 4);
  EXPECT_EQ(grown(R"(keyhold_request_duration_seconds_bucket{api="aws",le="+Inf"})"), 4);
  EXPECT_EQ(grown("vault_core_handle_request_count"), 7) << "with the first asking for figures";
  EXPECT_EQ(grown("vault_route_read_secret__count"), 5);
  EXPECT_EQ(value(after, "vault_core_in_flight_requests"), "1");
}

TEST_F(MetricsRead, CountsWhatTheStoreHolds) {
  for (const char* name : {"a", "b"}) EXPECT_EQ(code(create(name, "x")), "ok");
  node_.token({"default"});
  EXPECT_EQ(node_.write("secret/rotate/a", R"j({"rotator":"random","schedule_expression":"cron(0 8 ? * SUN *)","rotate_immediately":false})j").word(), "found");
  EXPECT_EQ(node_.write("secret/metadata/b", R"({"expires":"2023-11-20"})").word(), "empty");
  const std::string first = text();
  EXPECT_EQ(value(first, R"(vault_secret_kv_count{mount_point="secret/",namespace="root"})"), "2");
  EXPECT_EQ(value(first, R"(vault_secret_kv_count{mount_point="kv/",namespace="root"})"), "0");
  EXPECT_EQ(value(first, R"(vault_token_count{namespace="root"})"), "2");
  EXPECT_EQ(value(first, "vault_core_unsealed"), "1");
  EXPECT_EQ(value(first, R"(keyhold_rotation_secrets{state="never"})"), "1");
  EXPECT_EQ(value(first, R"(keyhold_rotation_secrets{state="overdue"})"), "0");

  clock_.advance_ms(8 * kDayMs);
  EXPECT_EQ(code(create("c", "x")), "ok");
  const std::string later = text();
  EXPECT_EQ(value(later, R"(keyhold_rotation_secrets{state="overdue"})"), "1");
  EXPECT_EQ(value(later, R"(keyhold_rotation_secrets{state="expired"})"), "1");
  EXPECT_EQ(value(later, R"(vault_secret_kv_count{mount_point="secret/",namespace="root"})"), "3");
}

TEST_F(MetricsRead, IsForThoseWhoMay) {
  const auto may = with_policy(R"(path "sys/metrics" { capabilities = ["read"] })");
  EXPECT_TRUE(node_.read("sys/metrics", may).ok());
  EXPECT_EQ(node_.read("sys/metrics", node_.token({"default"})).word(), "denied");
  EXPECT_EQ(node_.read("sys/metrics", "").word(), "denied");
  EXPECT_EQ(node_.ask({.path = "sys/metrics", .query = {{"format", "csv"}}}).word(), "invalid");
  EXPECT_EQ(node_.ask({.path = "sys/metrics", .query = {{"format", "prometheus"}}, .wrap_ttl_s = 60}).word(), "invalid");
}

TEST_F(MetricsRead, AlsoInVaultsJson) {
  const Got got = node_.read("sys/metrics");
  EXPECT_EQ(got.payload, core::Payload::kBare);
  const auto document = json::Document::parse(got.data);
  ASSERT_TRUE(document.ok());
  for (const char* part : {"Counters", "Gauges", "Points", "Samples", "Timestamp"}) EXPECT_TRUE(document->root().find(part)) << part;
  EXPECT_NE(got.data.find(R"("Name":"vault.core.unsealed","Value":1)"), std::string::npos);
}

TEST_F(MetricsRead, SaysNothingThatSecretsOrStrangersSay) {
  constexpr std::string_view kMarker = "kHmArKeR";
  EXPECT_EQ(code(create(std::string(kMarker), kMarker)), "ok");
  EXPECT_TRUE(node_.read("secret/data/" + std::string(kMarker)).ok());
  EXPECT_FALSE(node_.read("nowhere/" + std::string(kMarker)).ok());
  EXPECT_EQ(code(call(kMarker, "{}")), "unsupported");
  EXPECT_EQ(text().find(kMarker), std::string::npos);
}

}  // namespace
}  // namespace keyhold::engine
