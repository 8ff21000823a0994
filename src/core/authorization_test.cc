#include "core/authorization.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>

#include "core/test_support/gate_fixture.h"

namespace keyhold::core {
namespace {

using enum Operation;

constexpr std::array kWriteFields{
    Field{.name = "text"},
    Field{.name = "count", .type = FieldType::kInteger},
    Field{.name = "force", .type = FieldType::kBoolean},
    Field{.name = "ttl", .type = FieldType::kDuration},
    Field{.name = "names", .type = FieldType::kStringList},
    Field{.name = "policies", .type = FieldType::kPolicyNames},
    Field{.name = "numbers", .type = FieldType::kIntegerList},
    Field{.name = "options", .type = FieldType::kStringMap},
    Field{.name = "mode", .source = FieldSource::kQuery},
};
constexpr std::array kListFields{Field{.name = "limit", .type = FieldType::kInteger, .source = FieldSource::kQuery}};

using Query = std::vector<std::pair<std::string, std::string>>;

class AuthorizationTest : public ::testing::Test {
 protected:
  /// One policy, for the path "a".
  void give(std::string_view attributes) {
    auto policy = parse_policy("path \"a\" {\n" + std::string(attributes) + "\n}");
    ASSERT_TRUE(policy.ok()) << policy.error().message;
    policies_ = CompiledPolicies::compile(std::array{std::make_shared<const Policy>(std::move(*policy))});
  }

  bool allowed(const RouteInfo& route, std::string_view body, Query query = {}) {
    Request request;
    request.operation = route.operation;
    request.query = std::move(query);
    request.body = SecretBytes::copy_of(body);
    request.wrap_ttl_s = wrap_ttl_s_;
    auto fields = FieldValues::parse(route.fields, {}, request.query, request.body.reveal());
    if (!fields.ok()) {
      ADD_FAILURE() << fields.error().message;
      return false;
    }
    const auto result = authorize(policies_, iam::Decision::kNeither, route, route.access.capability(), "a", request, *fields);
    EXPECT_TRUE(result.ok() || result.code() == Code::kDenied);
    if (route.operation == kList) limit_ = fields->integer("limit");
    return result.ok();
  }
  bool may_write(std::string_view body, Query query = {}) { return allowed(kWrite, body, std::move(query)); }
  bool may_list(Query query = {}) { return allowed(kListing, "", std::move(query)); }

  static constexpr RouteInfo kWrite{.operation = kUpdate, .path = "", .access = Capability::kUpdate, .fields = kWriteFields,
                                    .cost = Cost::kDisk, .reply = Payload::kNone};
  static constexpr RouteInfo kReading{.operation = kRead, .path = "", .access = Capability::kRead, .cost = Cost::kDisk,
                                      .reply = Payload::kSecret};
  static constexpr RouteInfo kListing{.operation = kList, .path = "", .access = Capability::kList, .fields = kListFields,
                                      .cost = Cost::kDisk, .reply = Payload::kSecret};
  static constexpr RouteInfo kErasing{.operation = kDelete, .path = "", .access = Capability::kDelete, .cost = Cost::kDisk,
                                      .reply = Payload::kNone};

  CompiledPolicies policies_;
  std::optional<std::int64_t> wrap_ttl_s_;
  std::int64_t limit_ = 0;
};

TEST_F(AuthorizationTest, SudoIsNeededBesideTheCapability) {
  constexpr RouteInfo kProtected{.operation = kUpdate, .path = "", .access = Access::with_sudo(Capability::kUpdate),
                                 .cost = Cost::kDisk, .reply = Payload::kNone};
  give("capabilities = [\"update\"]");
  EXPECT_FALSE(allowed(kProtected, ""));
  give("capabilities = [\"sudo\"]");
  EXPECT_FALSE(allowed(kProtected, ""));
  give("capabilities = [\"update\", \"sudo\"]");
  EXPECT_TRUE(allowed(kProtected, ""));
  give("capabilities = [\"update\", \"sudo\", \"deny\"]");
  EXPECT_FALSE(allowed(kProtected, ""));
  policies_ = CompiledPolicies::root_policy();
  EXPECT_TRUE(allowed(kProtected, ""));
}

TEST_F(AuthorizationTest, DeniedValuesAreDeniedHoweverTheyAreWritten) {
  give(R"(capabilities = ["update"]
          denied_parameters = { count = ["5"] force = ["true"] ttl = ["1h"] names = ["x"] policies = ["root"] numbers = [7]
                                text = ["secret*", 1] free = ["x", 1] mode = ["raw"] })");
  for (const std::string_view body :
       {R"({"count":5})", R"({"count":"5"})", R"({"count":5.0})", R"({"count":"05"})", R"({"force":"T"})", R"({"force":true})",
        R"({"force":1})", R"({"ttl":3600})", R"({"ttl":"60m"})", R"({"names":"y, x"})", R"({"names":["y","x"]})",
        R"({"policies":["dev"," ROOT "]})", R"({"policies":"Root"})", R"({"numbers":"1,07"})", R"({"text":"secret-1"})",
        R"({"text":"\u0073ecret"})", R"({"text":1})", R"({"free":"x"})", R"({"FREE":"x"})", R"({"Free":["y","x"]})",
        R"({"free":[{},"x"]})", R"({"free":1})", R"({"ok":1,"free":"1"})"}) {
    EXPECT_FALSE(may_write(body)) << body;
  }
  for (const std::string_view body :
       {R"({"count":6})", R"({"force":"0"})", R"({"ttl":"61m"})", R"({"names":["xx"]})", R"({"policies":"dev"})",
        R"({"numbers":[]})", R"({"text":"public"})", R"({"free":["y"]})", R"({"free":{"x":"x"}})", R"({"other":"x"})", "{}", "",
        R"({"text":null})"}) {
    EXPECT_TRUE(may_write(body)) << body;
  }
  EXPECT_FALSE(may_write("{}", {{"mode", "raw"}})) << "a query that the route reads is a parameter as well";
  EXPECT_TRUE(may_write("{}", {{"mode", "soft"}, {"free", "x"}}));
}

TEST_F(AuthorizationTest, OnlyAllowedParametersMayBeGiven) {
  give(R"(capabilities = ["update", "read"] allowed_parameters = { count = [5] names = ["a*"] text = [] free = ["x"] })");
  for (const std::string_view body : {R"({"count":"5"})", R"({"names":"a1,a2"})", R"({"names":[]})", R"({"text":"any"})", "",
                                      R"({"Free":"x"})", R"({"free":["x"]})", R"({"text":null})"}) {
    EXPECT_TRUE(may_write(body)) << body;
  }
  for (const std::string_view body : {R"({"count":6})", R"({"names":["a1","b"]})", R"({"force":true})", R"({"text":"x","more":1})",
                                      R"({"free":"y"})", R"({"free":{"a":"x"}})", R"({"free":["x",null]})", R"({"count":null})"}) {
    EXPECT_FALSE(may_write(body)) << body;
  }
  EXPECT_TRUE(allowed(kReading, "", {{"text", "1"}})) << "of a read, the query is what it has";
  EXPECT_FALSE(allowed(kReading, "", {{"version", "1"}}));
  EXPECT_TRUE(allowed(kReading, ""));
}

TEST_F(AuthorizationTest, RequiredParametersMustBeGiven) {
  give(R"(capabilities = ["update", "read", "delete", "list"] required_parameters = ["Text"])");
  EXPECT_FALSE(may_write(""));
  EXPECT_FALSE(may_write("{}"));
  EXPECT_FALSE(may_write(R"({"count":1})"));
  EXPECT_TRUE(may_write(R"({"text":""})"));
  EXPECT_FALSE(allowed(kReading, ""));
  EXPECT_TRUE(allowed(kErasing, "")) << "deletes and lists have no parameters";
  EXPECT_TRUE(may_list());
}

TEST_F(AuthorizationTest, BoundsOnWrappingDemandIt) {
  give(R"(capabilities = ["update", "delete"] min_wrapping_ttl = "10s" max_wrapping_ttl = "1m")");
  for (const RouteInfo* route : {&kWrite, &kErasing}) {
    for (const auto& [ttl_s, ok] : {std::pair(std::optional<std::int64_t>(), false), std::pair(std::optional<std::int64_t>(9), false),
                                    std::pair(std::optional<std::int64_t>(10), true), std::pair(std::optional<std::int64_t>(60), true),
                                    std::pair(std::optional<std::int64_t>(61), false)}) {
      wrap_ttl_s_ = ttl_s;
      EXPECT_EQ(allowed(*route, ""), ok) << ttl_s.value_or(-1);
    }
  }
  give(R"(capabilities = ["update"])");
  wrap_ttl_s_ = 5;
  EXPECT_TRUE(may_write(""));
}

TEST_F(AuthorizationTest, APageIsNoLongerThanTheRuleSays) {
  give(R"(capabilities = ["list"] pagination_limit = 10)");
  EXPECT_TRUE(may_list());
  EXPECT_EQ(limit_, 10);
  for (const char* all : {"0", "-1"}) {
    EXPECT_TRUE(may_list({{"limit", all}}));
    EXPECT_EQ(limit_, 10) << "no way to ask for all";
  }
  EXPECT_TRUE(may_list({{"limit", "3"}}));
  EXPECT_EQ(limit_, 3);
  EXPECT_TRUE(may_list({{"limit", "10"}}));
  EXPECT_FALSE(may_list({{"limit", "11"}}));
  give(R"(capabilities = ["list"] pagination_limit = 10 required_parameters = ["limit"])");
  EXPECT_FALSE(may_list());
  EXPECT_TRUE(may_list({{"limit", "1"}}));
  give(R"(capabilities = ["list"])");
  EXPECT_TRUE(may_list({{"limit", "1000"}}));
  EXPECT_EQ(limit_, 1000);
}

TEST_F(AuthorizationTest, RootIsBoundByNothing) {
  policies_ = CompiledPolicies::root_policy();
  EXPECT_TRUE(may_write(R"({"anything":1})"));
  EXPECT_TRUE(may_list({{"limit", "1000"}}));
}

using AuthorizationAtTheGate = test::GateTest;

TEST_F(AuthorizationAtTheGate, ParametersAreCheckedBeforeTheHandlerRuns) {
  const std::string token = policy("bounded", R"(path "box/item/*" {
    capabilities = ["create", "update", "read"]
    denied_parameters = { "text" = ["forbidden*"] }
  })");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"forbidden fruit"})", token).word(), "denied");
  EXPECT_EQ(node_.read("box/item/a").word(), "not-found");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"fine"})", token).word(), "found");
  EXPECT_EQ(node_.write("box/item/a", R"({"text":"forbidden"})", token).word(), "denied");
  EXPECT_EQ(node_.read("box/item/a", token).at("text"), "fine");
}

}  // namespace
}  // namespace keyhold::core
