#include "api/vault/vault_request.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace keyhold::api {
namespace {

using core::Operation;
using http::HeaderField;

Result<core::Request> parse(std::string_view method, std::string_view target, std::vector<HeaderField> headers = {},
                            std::string_view body = {}) {
  http::Request request = http::Request::make(method, target, headers, body);
  request.peer_address = "192.0.2.1";
  request.peer_port = 4711;
  return parse_vault_request(request);
}

core::Request parsed(std::string_view method, std::string_view target, std::vector<HeaderField> headers = {},
                     std::string_view body = {}) {
  auto request = parse(method, target, std::move(headers), body);
  EXPECT_TRUE(request.ok()) << method << " " << target;
  return request.ok() ? std::move(request).value() : core::Request();
}

Code refused(std::string_view method, std::string_view target, std::vector<HeaderField> headers = {}, std::string_view body = {}) {
  const auto request = parse(method, target, std::move(headers), body);
  EXPECT_FALSE(request.ok()) << method << " " << target;
  return request.ok() ? Code::kInternal : request.code();
}

TEST(VaultRequest, MethodsAreOperations) {
  struct Case {
    std::string_view method;
    std::string_view target;
    Operation operation;
    std::string_view path;
  };
  for (const Case& c : {Case{"GET", "/v1/kv/data/a", Operation::kRead, "kv/data/a"},
                        Case{"HEAD", "/v1/kv/data/a", Operation::kRead, "kv/data/a"},
                        Case{"POST", "/v1/kv/data/a", Operation::kUpdate, "kv/data/a"},
                        Case{"PUT", "/v1/kv/data/a", Operation::kUpdate, "kv/data/a"},
                        Case{"DELETE", "/v1/kv/data/a", Operation::kDelete, "kv/data/a"},
                        Case{"LIST", "/v1/kv/metadata", Operation::kList, "kv/metadata/"},
                        Case{"LIST", "/v1/kv/metadata/", Operation::kList, "kv/metadata/"},
                        Case{"GET", "/v1/kv/metadata/a?list=true", Operation::kList, "kv/metadata/a/"},
                        Case{"GET", "/v1/kv/data/a/", Operation::kRead, "kv/data/a/"},
                        Case{"GET", "/v1/kv/data/a%20b", Operation::kRead, "kv/data/a b"}}) {
    const core::Request request = parsed(c.method, c.target);
    EXPECT_EQ(request.operation, c.operation) << c.method << " " << c.target;
    EXPECT_EQ(request.path, c.path);
    EXPECT_EQ(request.api, core::Api::kVault);
    EXPECT_EQ(request.peer_address, "192.0.2.1");
    EXPECT_EQ(request.peer_port, 4711);
  }
  for (const char* method : {"OPTIONS", "TRACE", "get", "SEARCH"}) EXPECT_EQ(refused(method, "/v1/kv/data/a"), Code::kUnsupported) << method;
}

TEST(VaultRequest, ListTakesTheWordsOfGo) {
  for (const char* word : {"1", "t", "T", "true", "TRUE", "True"}) {
    EXPECT_EQ(parsed("GET", std::string("/v1/a?list=") + word).operation, Operation::kList) << word;
  }
  for (const char* word : {"0", "f", "F", "false", "FALSE", "False", ""}) {
    EXPECT_EQ(parsed("GET", std::string("/v1/a?list=") + word).operation, Operation::kRead) << word;
  }
  for (const char* word : {"yes", "tRUE", "2", "on"}) EXPECT_EQ(refused("GET", std::string("/v1/a?list=") + word), Code::kInvalid) << word;
  EXPECT_EQ(parsed("GET", "/v1/a?list").operation, Operation::kRead);
}

TEST(VaultRequest, PatchNeedsItsMediaType) {
  const auto patch = [](std::string_view type) { return parse("PATCH", "/v1/a", {{"content-type", type}}, "{}"); };
  EXPECT_TRUE(patch("application/merge-patch+json").ok());
  EXPECT_TRUE(patch("application/merge-patch+json;charset=utf-8").ok());
  EXPECT_EQ(parsed("PATCH", "/v1/a", {{"content-type", "application/merge-patch+json"}}, "{}").operation, Operation::kPatch);
  for (const char* type : {"application/json", "", "text/plain", "application/merge-patch+jsonx"}) {
    ASSERT_FALSE(patch(type).ok()) << type;
    EXPECT_EQ(patch(type).code(), Code::kMediaType);
  }
  EXPECT_EQ(refused("PATCH", "/v1/a", {}, "{}"), Code::kMediaType);
}

TEST(VaultRequest, OnlyPathsOfThisApi) {
  for (const char* target : {"/", "/v1", "/v2/a", "/ui", "/v1projects", "/v1/projects/p/secrets/s", "/v1/projects/"}) {
    EXPECT_EQ(refused("GET", target), Code::kNotFound) << target;
  }
  for (const char* target : {"/v1/", "/v1//a", "/v1/a/../b", "/v1/a%2fb", "/v1/%2e%2e/a", "/v1/a%00", "/v1/a\\b"}) {
    EXPECT_EQ(refused("GET", target), Code::kInvalid) << target;
  }
  EXPECT_EQ(refused("GET", "/v1/pro%6aects/p"), Code::kNotFound) << "an escape does not get around it";
}

TEST(VaultRequest, TheQueryIsAForm) {
  const core::Request request = parsed("GET", "/v1/a?version=2&name=a+b%2Fc&&empty=&bare");
  ASSERT_EQ(request.query.size(), 4u);
  EXPECT_EQ(request.query[0], (std::pair<std::string, std::string>("version", "2")));
  EXPECT_EQ(request.query[1].second, "a b/c");
  EXPECT_EQ(request.query[2].second, "");
  EXPECT_EQ(request.query[3].first, "bare");
  EXPECT_EQ(refused("GET", "/v1/a?version=1&version=2"), Code::kInvalid);
  EXPECT_EQ(refused("GET", "/v1/a?version=1&%76ersion=2"), Code::kInvalid);
  EXPECT_EQ(refused("GET", "/v1/a?x=%zz"), Code::kInvalid);
  std::string many = "/v1/a?";
  for (std::size_t i = 0; i <= limits::kQueryParametersMax; ++i) many += std::to_string(i) + "=1&";
  EXPECT_EQ(refused("GET", many), Code::kInvalid);
}

TEST(VaultRequest, TokensComeByHeader) {
  EXPECT_EQ(parsed("GET", "/v1/a", {{"x-vault-token", "hvs.x"}}).credential.token.reveal(), "hvs.x");
  EXPECT_EQ(parsed("GET", "/v1/a", {{"authorization", "Bearer hvs.x"}}).credential.token.reveal(), "hvs.x");
  EXPECT_EQ(parsed("GET", "/v1/a", {{"authorization", "Bearer b"}, {"x-vault-token", "t"}}).credential.token.reveal(), "t");
  EXPECT_TRUE(parsed("GET", "/v1/a", {{"authorization", "Basic eDp5"}}).credential.token.empty());
  EXPECT_TRUE(parsed("GET", "/v1/a").credential.token.empty());
  EXPECT_TRUE(parsed("GET", "/v1/a?token=hvs.x").credential.token.empty());
}

TEST(VaultRequest, WhatIsNotOfferedIsNotIgnored) {
  for (const char* space : {"team", "root", "ROOT", "/root", "root/", ".", "team/.."}) {
    EXPECT_EQ(refused("GET", "/v1/a", {{"x-vault-namespace", space}}), Code::kNotFound) << space;
  }
  EXPECT_TRUE(parse("GET", "/v1/a", {{"x-vault-namespace", ""}}).ok());
  EXPECT_TRUE(parse("GET", "/v1/a", {{"x-vault-namespace", "/"}}).ok());
  EXPECT_EQ(refused("GET", "/v1/a", {{"x-vault-wrap-ttl", "60"}, {"x-vault-wrap-format", "jwt"}}), Code::kInvalid);
}

TEST(VaultRequest, WrappingIsAskedForInSecondsOrADuration) {
  const auto ttl_s = [](std::string text) { return parsed("GET", "/v1/a", {{"x-vault-wrap-ttl", std::move(text)}}).wrap_ttl_s; };
  EXPECT_EQ(ttl_s("60"), 60);
  EXPECT_EQ(ttl_s("5m"), 300);
  EXPECT_EQ(ttl_s("1h30m"), 5400);
  for (const char* none : {"0", "0s", ""}) EXPECT_EQ(ttl_s(none), std::nullopt);
  // What would be no wrapping by rounding must not be given away unwrapped.
  for (const char* odd : {"-1", "-1s", "500ms", "soon", "1x", "99999999999999999999"}) {
    EXPECT_EQ(refused("GET", "/v1/a", {{"x-vault-wrap-ttl", odd}}), Code::kInvalid) << odd;
  }
}

TEST(VaultRequest, BodiesGoWithWrites) {
  EXPECT_EQ(parsed("POST", "/v1/a", {}, R"({"a":1})").body.reveal(), R"({"a":1})");
  EXPECT_EQ(parsed("DELETE", "/v1/a", {}, "{}").body.reveal(), "{}");
  for (const char* method : {"GET", "LIST", "HEAD"}) EXPECT_TRUE(parsed(method, "/v1/a", {}, R"({"a":1})").body.empty()) << method;
}

TEST(VaultRequest, ErrorsRepeatNothing) {
  for (const auto& request :
       {parse("GET", "/v1/hunter2/../x"), parse("GET", "/v1/a?x=hunter2%00"), parse("GET", "/v1/a?list=hunter2"),
        parse("HUNTER2", "/v1/a"), parse("GET", "/v1/a", {{"x-vault-namespace", "hunter2"}}),
        parse("GET", "/v1/a", {{"x-vault-wrap-ttl", "hunter2"}}), parse("PATCH", "/v1/a", {{"content-type", "hunter2"}})}) {
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().message.find("hunter2"), std::string::npos);
  }
}

}  // namespace
}  // namespace keyhold::api
