#include "engine/sys/mounts_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class MountTuning : public test::MountsTest {};

TEST_F(MountTuning, TellsWhatHoldsAndWhatWasSet) {
  EXPECT_EQ(tuning("kv").data, R"({"default_lease_ttl":2764800,"description":"","force_no_cache":false,"max_lease_ttl":2764800,)"
                               R"("options":{"version":"2"}})");
  EXPECT_EQ(tuning("auth/token").at("token_type"), "default-service");
  EXPECT_EQ(tuning("sys").at("max_lease_ttl"), "2764800");
  EXPECT_EQ(said(tuning("none")), R"(cannot fetch sysview for path "none/")");
  EXPECT_EQ(tuning("kv/below").word(), "invalid");
}

TEST_F(MountTuning, WhatWasWrittenIsReadBackAndTheRestStays) {
  ASSERT_EQ(tune("kv", R"({"default_lease_ttl":"1h","max_lease_ttl":"24h","description":"d","audit_non_hmac_request_keys":"a,b",
      "audit_non_hmac_response_keys":["c"],"listing_visibility":"unauth","passthrough_request_headers":["X-A"],
      "allowed_response_headers":["X-B"],"allowed_managed_keys":["k"],"options":{"note":"x"}})").word(), "empty");
  const std::string all = R"({"default_lease_ttl":3600,"description":"d","force_no_cache":false,"max_lease_ttl":86400,)";
  const Got got = tuning("kv");
  EXPECT_TRUE(got.data.starts_with(all)) << got.data;
  EXPECT_EQ(got.at("options.note"), "x");
  EXPECT_EQ(got.at("options.version"), "2");
  EXPECT_EQ(got.at("audit_non_hmac_request_keys"), R"(["a","b"])");
  EXPECT_EQ(got.at("audit_non_hmac_response_keys"), R"(["c"])");
  EXPECT_EQ(got.at("listing_visibility"), "unauth");
  EXPECT_EQ(got.at("passthrough_request_headers"), R"(["X-A"])");
  EXPECT_EQ(got.at("allowed_response_headers"), R"(["X-B"])");
  EXPECT_EQ(got.at("allowed_managed_keys"), R"(["k"])");
  EXPECT_EQ(other_.node.read("sys/mounts/kv").at("config.max_lease_ttl"), "86400");
  // As Go's client sends it: what is not given is empty.
  ASSERT_EQ(tune("kv", R"({"options":null,"default_lease_ttl":"","max_lease_ttl":"","force_no_cache":false,"description":""})").word(), "empty");
  EXPECT_EQ(tuning("kv").at("description"), "");
  EXPECT_EQ(tuning("kv").at("default_lease_ttl"), "3600");
  EXPECT_EQ(tuning("kv").at("listing_visibility"), "unauth");
  ASSERT_EQ(tune("kv", R"({"default_lease_ttl":"system","max_lease_ttl":0,"audit_non_hmac_request_keys":[],"listing_visibility":""})").word(), "empty");
  EXPECT_EQ(tuning("kv").at("default_lease_ttl"), "2764800");
  EXPECT_EQ(node_.read("sys/mounts/kv").at("config.max_lease_ttl"), "0");
  EXPECT_EQ(tuning("kv").at("audit_non_hmac_request_keys"), "(none)");
  EXPECT_EQ(tuning("kv").at("listing_visibility"), "(none)");
}

TEST_F(MountTuning, ADefaultIsWithinItsMaximum) {
  EXPECT_EQ(said(tune("kv", R"({"default_lease_ttl":"2h","max_lease_ttl":"1h"})")),
            "backend max lease TTL of 3600 would be less than backend default lease TTL of 7200");
  ASSERT_EQ(tune("kv", R"({"max_lease_ttl":"1h"})").word(), "empty");
  EXPECT_EQ(tuning("kv").at("default_lease_ttl"), "3600");
  EXPECT_EQ(tune("kv", R"({"default_lease_ttl":"2h"})").word(), "invalid");
  ASSERT_EQ(tune("kv", R"({"max_lease_ttl":"system"})").word(), "empty");
  EXPECT_EQ(tune("kv", R"({"default_lease_ttl":"2764801"})").word(), "invalid");
  EXPECT_EQ(tune("kv", R"({"default_lease_ttl":"2764800"})").word(), "empty");
}

TEST_F(MountTuning, BadAndUnsafeSettingsAreRefusedAndChangeNothing) {
  const std::string before = tuning("kv").data;
  for (const char* body :
       {R"({"default_lease_ttl":"x"})", R"({"max_lease_ttl":"-1h"})", R"({"max_lease_ttl":-1})", R"({"default_lease_ttl":["1h"]})",
        R"({"listing_visibility":"all"})", R"({"token_type":"service"})", R"({"plugin_version":"v1"})", R"({"identity_token_key":"k"})",
        R"({"delegated_auth_accessors":["a"]})", R"({"user_lockout_config":{"lockout_threshold":"5"}})", R"({"options":{"version":"3"}})",
        R"({"options":{"version":""}})", R"({"options":"x"})", R"({"description":{}})", R"({"audit_non_hmac_request_keys":{"a":1}})"}) {
    EXPECT_EQ(tune("kv", body).word(), "invalid") << body;
    EXPECT_EQ(node_.write("sys/mounts/new", R"({"type":"kv","config":)" + std::string(body) + "}").word(),
              std::string_view(body).find("options") == std::string_view::npos &&
                      std::string_view(body).find("description") == std::string_view::npos ? "invalid" : "empty") << body;
    node_.erase("sys/mounts/new");
  }
  EXPECT_EQ(said(tune("kv", R"({"plugin_version":"v1"})")), "plugin_version is not supported");
  for (const char* name : {"seal_wrap", "external_entropy_access"}) {
    EXPECT_EQ(said(node_.write("sys/mounts/new", R"({"type":"kv",")" + std::string(name) + "\":true}")), std::string(name) + " is not supported");
    EXPECT_EQ(node_.write("sys/mounts/new" + std::string(name), R"({"type":"kv",")" + std::string(name) + "\":false}").word(), "empty");
  }
  EXPECT_EQ(tune("kv", R"({"description":")" + std::string(40'000, 'x') + "\"}").word(), "invalid");
  EXPECT_EQ(node_.write("sys/mounts/new", R"({"type":"kv","description":")" + std::string(40'000, 'x') + "\"}").word(), "invalid");
  EXPECT_EQ(tuning("kv").data, before);
}

TEST_F(MountTuning, OfThoseBuiltInTheTokenStoreOnly) {
  for (const char* path : {"sys", "cubbyhole"}) EXPECT_EQ(tune(path, R"({"description":"x"})").word(), "invalid") << path;
  EXPECT_EQ(said(tune("none", "{}")), R"(tune of path "none/" failed: no mount entry found)");
  EXPECT_EQ(said(tune("auth/token", R"({"token_type":"batch"})")), "'token_type' cannot be set for 'token' or 'ns_token' auth mounts");
  ASSERT_EQ(tune("auth/token", R"({"description":"ours","max_lease_ttl":"1h"})").word(), "empty");
  ASSERT_EQ(node_.write("sys/auth/token/tune", R"({"default_lease_ttl":"30m"})").word(), "empty");
  EXPECT_EQ(other_.node.read("sys/auth/token").at("description"), "ours");
  EXPECT_EQ(other_.node.read("sys/auth/token/tune").at("max_lease_ttl"), "3600");
  EXPECT_EQ(other_.node.read("sys/auth/token/tune").at("default_lease_ttl"), "1800");
  EXPECT_EQ(node_.erase("sys/auth/token").word(), "invalid") << "still built in";
  EXPECT_EQ(node_.read("sys/auth").at("token/.type"), "token");
  node_.node().seal();
  node_.unseal();
  EXPECT_EQ(node_.read("sys/auth/token").at("description"), "ours");
}

TEST_F(MountTuning, TheTypeOfTokensIsAnAuthMethodsOnly) {
  ASSERT_EQ(enable("badge").word(), "empty");
  for (const char* type : {"batch", "service", "default-batch", "default-service"}) {
    ASSERT_EQ(tune("auth/badge", R"({"token_type":")" + std::string(type) + "\"}").word(), "empty");
    EXPECT_EQ(tuning("auth/badge").at("token_type"), type);
  }
  EXPECT_EQ(said(tune("auth/badge", R"({"token_type":"other"})")), "invalid value for 'token_type'");
  EXPECT_EQ(said(tune("kv", R"({"token_type":"batch"})")), "'token_type' can only be modified on auth mounts");
}

TEST_F(MountTuning, AnAuthMethodsBoundsHoldForItsTokens) {
  ASSERT_EQ(enable("badge", R"({"type":"badge","config":{"default_lease_ttl":"10m"}})").word(), "empty");
  const auto lease_s = [&] { return node_.write("auth/badge/login", R"({"policies":"p"})", "").at("lease_duration"); };
  EXPECT_EQ(lease_s(), "600");
  ASSERT_EQ(tune("auth/badge", R"({"default_lease_ttl":"5m","max_lease_ttl":"5m"})").word(), "empty");
  EXPECT_EQ(lease_s(), "300");
}

TEST_F(MountTuning, SecretsWithoutVersionsBecomeVersionOneOfThemselves) {
  ASSERT_EQ(node_.write("sys/mounts/old", R"({"type":"kv"})").word(), "empty");
  for (const char* body : {R"({"a":"1"})", R"({"a":"2"})", R"({"a":"3"})"}) ASSERT_EQ(node_.write("old/x/y", body).word(), "empty");
  ASSERT_EQ(node_.write("old/big", R"({"a":")" + std::string(600'000, 'x') + "\"}").word(), "empty");
  ASSERT_EQ(tune("old", R"({"options":{"version":"1"}})").word(), "empty") << "what it is already";
  ASSERT_EQ(tune("old", R"({"options":{"version":"2"}})").word(), "empty");
  EXPECT_EQ(node_.read("old/x/y").word(), "not-found");
  const Got got = other_.node.read("old/data/x/y");
  EXPECT_EQ(got.at("data"), R"({"a":"3"})");
  EXPECT_EQ(got.at("metadata.version"), "1");
  EXPECT_EQ(node_.read("old/data/big").at("metadata.version"), "1");
  EXPECT_EQ(node_.list("old/metadata").at("keys"), R"(["big","x/"])");
  EXPECT_EQ(node_.read("old/metadata/x/y").at("versions.1.destroyed"), "false");
  EXPECT_EQ(node_.read("old/metadata/x/y").at("current_version"), "1");
  EXPECT_EQ(node_.write("old/data/x/y", R"({"data":{"a":"4"},"options":{"cas":1}})").at("version"), "2");
  EXPECT_EQ(said(tune("old", R"({"options":{"version":"1"}})")), "cannot downgrade mount from version 2");
  EXPECT_EQ(node_.read("sys/mounts/old").at("options.version"), "2");
  // A secret has nothing of what was before.
  EXPECT_EQ(core::test::count_keys(memory_, core::keys::kPendingChunksKind), 0u);
  ASSERT_EQ(node_.write("sys/mounts/oldest", R"({"type":"generic"})").word(), "empty");
  EXPECT_EQ(tune("oldest", R"({"options":{"version":"2"}})").word(), "invalid");
}

TEST_F(MountTuning, BesideATuningOnTheOtherNodeNothingIsLost) {
  for (int i = 0; i < 20; ++i) {
    auto a = node_.ask_later({.operation = core::Operation::kUpdate, .path = "sys/mounts/kv/tune", .body = R"({"description":")" + std::to_string(i) + "\"}"});
    auto b = other_.node.ask_later({.operation = core::Operation::kUpdate, .path = "sys/mounts/kv/tune", .body = R"({"max_lease_ttl":)" + std::to_string(i + 1) + "}"});
    EXPECT_EQ(a.get().word() + b.get().word(), "emptyempty");
    EXPECT_EQ(tuning("kv").at("description"), std::to_string(i));
    EXPECT_EQ(tuning("kv").at("max_lease_ttl"), std::to_string(i + 1));
  }
}

}  // namespace
}  // namespace keyhold::engine
