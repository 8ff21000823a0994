#pragma once

#include "engine/engine_fixture.h"

namespace keyhold::engine::test {

/// A node with an empty kv-v2 at "secret/", and short words for AWS's operations.
class SecretsManagerTest : public EngineTest {
 protected:
  SecretsManagerTest() { EXPECT_EQ(mount("secret").word(), "empty"); }

  Got call(std::string_view operation, std::string body, std::optional<std::string> token = {}) {
    return node_.ask({.operation = core::Operation::kCall,
                      .path = "secretsmanager/" + std::string(operation),
                      .token = std::move(token),
                      .body = std::move(body),
                      .change = [](core::Request& request) { request.api = core::Api::kAws; }});
  }
  /// "ok", or the error's code as AWS names it.
  static std::string code(const Got& got) {
    if (!got.error) return "ok";
    return got.error->name.empty() ? got.word() : std::string(got.error->name);
  }
  std::string outcome(std::string_view operation, std::string body, std::optional<std::string> token = {}) {
    return code(call(operation, std::move(body), std::move(token)));
  }
  static std::string said(const Got& got) { return got.error ? got.error->message : ""; }

  /// A version id that is long enough.
  static std::string id(std::string_view name) { return "version-" + std::string(40 - name.size(), '0') + std::string(name); }
  Got create(std::string_view name, std::string_view value) {
    return call("CreateSecret", R"({"Name":")" + std::string(name) + R"(","SecretString":")" + std::string(value) + R"("})");
  }
  Got put(std::string_view name, std::string_view version, std::string_view value, std::string_view stages = {}) {
    std::string body = R"({"SecretId":")" + std::string(name) + R"(","SecretString":")" + std::string(value) +
                       R"(","ClientRequestToken":")" + id(version) + "\"";
    if (!stages.empty()) body += R"(,"VersionStages":)" + std::string(stages);
    return call("PutSecretValue", body + "}");
  }
  Got get(std::string_view name, std::string_view more = {}) {
    return call("GetSecretValue", R"({"SecretId":")" + std::string(name) + "\"" + std::string(more) + "}");
  }
  Got on(std::string_view operation, std::string_view name, std::string_view more = {}) {
    return call(operation, R"({"SecretId":")" + std::string(name) + "\"" + std::string(more) + "}");
  }
  Got move(std::string_view name, std::string_view label, std::string_view to, std::string_view from = {}) {
    std::string more = R"(,"VersionStage":")" + std::string(label) + "\"";
    if (!to.empty()) more += R"(,"MoveToVersionId":")" + id(to) + "\"";
    if (!from.empty()) more += R"(,"RemoveFromVersionId":")" + id(from) + "\"";
    return on("UpdateSecretVersionStage", name, more);
  }
};

}  // namespace keyhold::engine::test
