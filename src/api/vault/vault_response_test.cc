#include "api/vault/vault_response.h"

#include <gtest/gtest.h>

#include <regex>

#include "base/json.h"

namespace keyhold::api {
namespace {

using core::Answer;
using core::NodeState;
using core::Payload;
using core::Reply;
using Query = std::vector<std::pair<std::string, std::string>>;

const core::RequestId kRequestId = [] {
  crypto::SeededRng rng(1);
  return core::RequestId::random(rng);
}();

Answer answer_of(Result<Reply> result, Payload payload) {
  Answer answer;
  answer.request_id = kRequestId;
  answer.result = std::move(result);
  answer.payload = payload;
  answer.mount_type = "kv";
  return answer;
}

Reply data_reply(std::string_view data) { return Reply::of(SecretBytes::copy_of(data)); }

http::Response render(Answer answer, const Query& query = {}) { return render_vault_answer(answer, query); }

/// The text of a member of the body; "(none)".
std::string at(const http::Response& response, std::string_view name) {
  const auto document = json::Document::parse(response.body.reveal());
  EXPECT_TRUE(document.ok()) << response.body.reveal();
  if (!document.ok()) return "(not JSON)";
  const auto value = document->root().find(name);
  return value ? std::string(value->raw()) : "(none)";
}

TEST(VaultResponse, EveryCodeHasItsStatus) {
  struct Case {
    Code code;
    int status;
  };
  for (const Case& c : {Case{Code::kInvalid, 400}, Case{Code::kDenied, 403}, Case{Code::kNotFound, 404},
                        Case{Code::kUnsupported, 405}, Case{Code::kTooLarge, 413}, Case{Code::kMediaType, 415},
                        Case{Code::kLimited, 429}, Case{Code::kSealed, 503}, Case{Code::kUnavailable, 503},
                        Case{Code::kConflict, 500}, Case{Code::kMiss, 500}, Case{Code::kUnknown, 500},
                        Case{Code::kCorrupt, 500}, Case{Code::kInternal, 500}}) {
    const http::Response response = render(answer_of(Error{c.code, "why \"so\""}, Payload::kSecret));
    EXPECT_EQ(response.status, c.status);
    EXPECT_EQ(response.body.reveal(), "{\"errors\":[\"why \\\"so\\\"\"]}\n");
    EXPECT_NE(response.headers.find("Cache-Control: no-store\r\n"), std::string::npos);
  }
}

TEST(VaultResponse, SaysWhenToTryAgain) {
  Answer answer = answer_of(Error{Code::kUnavailable, "busy"}, Payload::kSecret);
  answer.retry_after_s = 3;
  EXPECT_NE(render(std::move(answer)).headers.find("Retry-After: 3\r\n"), std::string::npos);
}

TEST(VaultResponse, ASecretStandsInTheEnvelope) {
  const http::Response response = render(answer_of(data_reply(R"({"n":1.10})"), Payload::kSecret));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(at(response, "request_id"), "\"" + std::string(kRequestId.text()) + "\"");
  EXPECT_TRUE(std::regex_match(std::string(kRequestId.text()),
                               std::regex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
  EXPECT_EQ(at(response, "data"), R"({"n":1.10})");
  EXPECT_EQ(at(response, "auth"), "null");
  EXPECT_EQ(at(response, "warnings"), "null");
  EXPECT_EQ(at(response, "wrap_info"), "null");
  EXPECT_EQ(at(response, "lease_id"), "\"\"");
  EXPECT_EQ(at(response, "mount_type"), "\"kv\"");
  EXPECT_EQ(at(response, "n"), "(none)");
}

TEST(VaultResponse, AuthStandsInAuth) {
  const http::Response response = render(answer_of(data_reply(R"({"client_token":"t"})"), Payload::kAuth));
  EXPECT_EQ(at(response, "auth"), R"({"client_token":"t"})");
  EXPECT_EQ(at(response, "data"), "null");
}

TEST(VaultResponse, SystemMembersAlsoStandAtTheTop) {
  const http::Response response = render(answer_of(data_reply(R"({"sealed":false,"t":3})"), Payload::kSystem));
  EXPECT_EQ(at(response, "data"), R"({"sealed":false,"t":3})");
  EXPECT_EQ(at(response, "sealed"), "false");
  EXPECT_EQ(at(response, "t"), "3");
  EXPECT_EQ(at(render(answer_of(data_reply("{}"), Payload::kSystem)), "data"), "{}");
}

TEST(VaultResponse, BareStandsAlone) {
  EXPECT_EQ(render(answer_of(data_reply(R"({"a":1})"), Payload::kBare)).body.reveal(), "{\"a\":1}\n");
}

TEST(VaultResponse, WhatIsWrappedShowsItsTokenOnly) {
  for (const Payload payload : {Payload::kSecret, Payload::kAuth, Payload::kSystem, Payload::kBare}) {
    Reply reply;
    reply.wrap_info = std::make_unique<core::WrapInfo>(
        core::WrapInfo{SecretBytes::copy_of("hvs.w"), "acc", 60, 1'700'000'000'123, "secret/data/a", "inner"});
    const http::Response response = render(answer_of(std::move(reply), payload));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(at(response, "data"), "null");
    EXPECT_EQ(at(response, "auth"), "null");
    EXPECT_EQ(at(response, "mount_type"), "(none)");
    EXPECT_EQ(at(response, "wrap_info"),
              R"({"token":"hvs.w","accessor":"acc","ttl":60,"creation_time":"2023-11-14T22:13:20.123Z",)"
              R"("creation_path":"secret/data/a","wrapped_accessor":"inner"})");
  }
}

TEST(VaultResponse, NothingToSayIs204) {
  const http::Response response = render(answer_of(Reply::none(), Payload::kNone));
  EXPECT_EQ(response.status, 204);
  EXPECT_TRUE(response.body.empty());
  EXPECT_TRUE(response.content_type.empty());
  Reply warned = Reply::none();
  warned.warnings = {"careful \"now\"", "two"};
  const http::Response warning = render(answer_of(std::move(warned), Payload::kNone));
  EXPECT_EQ(warning.status, 200);
  EXPECT_EQ(at(warning, "warnings"), R"(["careful \"now\"","two"])");
}

TEST(VaultResponse, NotFoundWithAndWithoutData) {
  const http::Response plain = render(answer_of(Reply::not_found(), Payload::kSecret));
  EXPECT_EQ(plain.status, 404);
  EXPECT_EQ(plain.body.reveal(), "{\"errors\":[]}\n");
  Reply deleted = Reply::not_found();
  deleted.data = SecretBytes::copy_of(R"({"data":null})");
  const http::Response response = render(answer_of(std::move(deleted), Payload::kSecret));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(at(response, "data"), R"({"data":null})");
}

TEST(VaultResponse, HealthHasACodeForEachStateWhichMayBeOverridden) {
  const auto status = [](NodeState state, const Query& query = {}) {
    Reply reply = data_reply("{}");
    reply.state = state;
    return render(answer_of(std::move(reply), Payload::kBare), query).status;
  };
  EXPECT_EQ(status(NodeState::kActive), 200);
  EXPECT_EQ(status(NodeState::kSealed), 503);
  EXPECT_EQ(status(NodeState::kUninitialized), 501);
  EXPECT_EQ(status(NodeState::kActive, {{"activecode", "204"}}), 204);
  EXPECT_EQ(status(NodeState::kSealed, {{"sealedcode", "299"}}), 299);
  EXPECT_EQ(status(NodeState::kUninitialized, {{"uninitcode", "200"}}), 200);
  EXPECT_EQ(status(NodeState::kActive, {{"sealedcode", "299"}}), 200);
  for (const char* odd : {"99", "199", "600", "x", "200x", "", "-200"}) EXPECT_EQ(status(NodeState::kActive, {{"activecode", odd}}), 400) << odd;
}

}  // namespace
}  // namespace keyhold::api
