#include "auth/access_key/access_key_auth.h"

#include <gtest/gtest.h>

#include "core/access_key.h"
#include "core/test_support/test_node.h"

namespace keyhold::auth {
namespace {

namespace access_keys = core::access_keys;
using core::test::Got;
using core::test::TestNode;

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzzzzzzzzz";

/// Two nodes on one store, with "auth/keys/" and "auth/other/".
class AccessKeyAuthTest : public ::testing::Test {
 protected:
  AccessKeyAuthTest() {
    node_.initialize();
    other_.join(node_);
    node_.put_mount("auth/keys/", "access-key");
    node_.put_mount("auth/other/", "access-key");
  }

  Got create(std::string body, std::optional<std::string> token = {}) {
    return node_.write("auth/keys/key", std::move(body), std::move(token));
  }
  std::string made(std::string body = R"({"policies":"reader"})") { return create(std::move(body)).at("access_key_id"); }
  Got write(const std::string& id, std::string body, std::optional<std::string> token = {}) {
    return node_.write("auth/keys/key/" + id, std::move(body), std::move(token));
  }
  Got import_pair(const std::string& id, std::string_view secret = kSecret) {
    return write(id, R"({"policies":"reader","secret_access_key":")" + std::string(secret) + "\"}");
  }
  Got read(const std::string& id) { return node_.read("auth/keys/key/" + id); }
  std::string token_with(std::string_view capabilities) {
    node_.put_policy("given", R"(path "auth/keys/*" { capabilities = [)" + std::string(capabilities) + "] }");
    return node_.token({"given"});
  }
  /// The secret, as whoever checks a signature finds it; "(denied)" where the key does not live.
  std::string secret_for_signature(const std::string& id) {
    core::Transaction tx = other_.transaction();
    const auto key = access_keys::find(tx, core::keys::kRootNamespace, id);
    if (!key.ok() || *key == nullptr) return "(none)";
    const auto session = other_.node().session().load();
    return access_keys::check_live(tx, session->tokens, **key).ok() ? std::string((*key)->secret.reveal()) : "(denied)";
  }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  AccessKeyAuth auth_;
  const TestNode::AddEngines engines_ = [this](core::Router& router, core::Node&) {
    router.add("access-key", auth_, core::MountKind::kAuth);
  };
  TestNode node_{store_, clock_, engines_};
  TestNode other_{store_, clock_, engines_};
};

TEST_F(AccessKeyAuthTest, APairIsToldOnceAndReadWithoutItsSecret) {
  const Got pair = create(R"({"policies":"Reader, writer","bound_cidrs":"10.0.0.0/8","ttl":"1h","description":"billing"})");
  ASSERT_EQ(pair.word(), "found");
  const std::string id = pair.at("access_key_id");
  EXPECT_EQ(id.size(), 20u);
  EXPECT_EQ(pair.at("secret_access_key").size(), 40u);
  EXPECT_EQ(secret_for_signature(id), pair.at("secret_access_key"));
  const Got seen = read(id);
  for (const Got& got : {pair, seen}) {
    EXPECT_EQ(got.at("access_key_id"), id);
    EXPECT_EQ(got.at("accessor").size(), 24u);
    EXPECT_EQ(got.at("policies"), R"(["reader","writer"])");
    EXPECT_EQ(got.at("bound_cidrs"), R"(["10.0.0.0/8"])");
    EXPECT_EQ(got.at("description"), "billing");
    EXPECT_EQ(got.at("created"), "2023-11-14T22:13:20Z");
    EXPECT_EQ(got.at("expires"), "2023-11-14T23:13:20Z");
    EXPECT_EQ(got.at("status"), "active");
    EXPECT_EQ(got.at("disabled"), "false");
  }
  EXPECT_EQ(seen.at("secret_access_key"), "(none)");
  EXPECT_EQ(seen.at("last_used"), "null");
  EXPECT_EQ(node_.list("auth/keys/key").at("keys"), "[\"" + id + "\"]");
}

TEST_F(AccessKeyAuthTest, WithoutATimeItDoesNotExpire) {
  EXPECT_EQ(read(made()).at("expires"), "null");
  EXPECT_EQ(read(made(R"({"ttl":0})")).at("expires"), "null");
  EXPECT_EQ(read(made("{}")).at("policies"), "[]");
}

TEST_F(AccessKeyAuthTest, APairMadeElsewhereIsImportedOnce) {
  const Got got = import_pair("AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(got.word(), "found");
  EXPECT_EQ(got.at("secret_access_key"), "(none)") << "whoever sent it knows it";
  EXPECT_EQ(secret_for_signature("AKIAIOSFODNN7EXAMPLE"), kSecret);
  EXPECT_EQ(import_pair("AKIAIOSFODNN7EXAMPLE", "another_secret_of_many_characters").word(), "invalid");
  EXPECT_EQ(node_.write("auth/other/key/AKIAIOSFODNN7EXAMPLE", R"({"secret_access_key":"another_secret_of_many"})").word(), "invalid");
  EXPECT_EQ(secret_for_signature("AKIAIOSFODNN7EXAMPLE"), kSecret);
}

TEST_F(AccessKeyAuthTest, WhatIsNoPairIsRefused) {
  for (const char* id : {"AKIA", "ASIAIOSFODNN7EXAMPLE", "AKIA-OSFODNN7EXAMPLE", "AKIA.OSFODNN7EXAMPLE"}) {
    EXPECT_EQ(import_pair(id).word(), "invalid") << id;
  }
  EXPECT_EQ(import_pair(std::string(129, 'A')).word(), "invalid");
  for (const char* secret : {"", "short", "with a space in the middle"}) {
    EXPECT_EQ(import_pair("AKIAIOSFODNN7EXAMPLE", secret).word(), "invalid") << secret;
  }
  const Got unknown = write("AKIAIOSFODNN7EXAMPLE", R"({"policies":"reader"})");
  EXPECT_EQ(unknown.word(), "invalid");
  EXPECT_NE(unknown.error->message.find("secret_access_key"), std::string::npos);
  EXPECT_EQ(write("AKIAIOSFODNN7EXAMPLE", R"({"secret_access_key":null})").word(), "invalid");
  EXPECT_EQ(write("AKIAIOSFODNN7EXAMPLE", R"({"secret_access_key":"0123456789abcdef","disabled":true})").word(), "invalid");
  EXPECT_EQ(node_.list("auth/keys/key").word(), "not-found");
}

TEST_F(AccessKeyAuthTest, NobodyMakesRootOfAKey) {
  const std::string id = made();
  for (const char* policies : {"root", "reader, ROOT ", "response-wrapping", "control-group"}) {
    const std::string body = R"({"policies":")" + std::string(policies) + "\"}";
    EXPECT_EQ(create(body).word(), "invalid") << policies;
    EXPECT_EQ(write(id, body).word(), "invalid") << policies;
  }
  EXPECT_EQ(read(id).at("policies"), R"(["reader"])");
}

TEST_F(AccessKeyAuthTest, BadFieldsAreRefusedAndChangeNothing) {
  const std::string id = made();
  for (const char* body : {R"({"ttl":-1})", R"({"ttl":"soon"})", R"({"bound_cidrs":"10.0.0.0/40"})", R"({"policies":["a b"]})"}) {
    EXPECT_EQ(create(body).word(), "invalid") << body;
    EXPECT_EQ(write(id, body).word(), "invalid") << body;
  }
  EXPECT_EQ(write(id, R"({"disabled":"perhaps"})").word(), "invalid");
  EXPECT_EQ(create(R"({"description":")" + std::string(513, 'a') + "\"}").word(), "invalid");
  EXPECT_EQ(node_.list("auth/keys/key").at("keys"), "[\"" + id + "\"]");
  EXPECT_EQ(read(id).at("expires"), "null");
}

TEST_F(AccessKeyAuthTest, WhatIsNotGivenStaysAsItIs) {
  const std::string id = made(R"({"policies":"reader","bound_cidrs":"::1","ttl":"1h","description":"billing"})");
  const std::string secret = secret_for_signature(id);
  const Got changed = write(id, R"({"policies":["writer"],"description":null,"ttl":null})");
  EXPECT_EQ(changed.at("policies"), R"(["writer"])");
  const Got seen = read(id);
  EXPECT_EQ(seen.at("policies"), R"(["writer"])");
  EXPECT_EQ(seen.at("bound_cidrs"), R"(["::1"])");
  EXPECT_EQ(seen.at("description"), "billing");
  EXPECT_EQ(seen.at("expires"), "2023-11-14T23:13:20Z");
  EXPECT_EQ(write(id, R"({"ttl":0,"bound_cidrs":[],"policies":""})").word(), "found");
  EXPECT_EQ(read(id).at("expires"), "null");
  EXPECT_EQ(read(id).at("bound_cidrs"), "[]");
  EXPECT_EQ(read(id).at("policies"), "[]");
  EXPECT_EQ(secret_for_signature(id), secret);
}

TEST_F(AccessKeyAuthTest, DisabledItIsOfNoUseUntilItIsEnabled) {
  const std::string id = made();
  EXPECT_EQ(write(id, R"({"disabled":true})").at("status"), "disabled");
  EXPECT_EQ(secret_for_signature(id), "(denied)");
  EXPECT_EQ(read(id).at("disabled"), "true");
  EXPECT_EQ(write(id, R"({"description":"still out of use"})").at("status"), "disabled");
  EXPECT_EQ(secret_for_signature(id), "(denied)");
  EXPECT_EQ(write(id, R"({"disabled":"false"})").at("status"), "active");
  EXPECT_NE(secret_for_signature(id), "(denied)");
}

TEST_F(AccessKeyAuthTest, ExpiredItIsStillListedAndCanBeGivenTime) {
  const std::string id = made(R"({"ttl":60})");
  clock_.advance_ms(60'000);
  EXPECT_EQ(secret_for_signature(id), "(denied)");
  EXPECT_EQ(read(id).at("status"), "expired");
  EXPECT_EQ(node_.list("auth/keys/key").at("keys"), "[\"" + id + "\"]");
  EXPECT_EQ(write(id, R"({"ttl":60})").at("status"), "active");
  EXPECT_NE(secret_for_signature(id), "(denied)");
}

TEST_F(AccessKeyAuthTest, DeletedItIsGone) {
  const std::string id = made();
  EXPECT_EQ(node_.erase("auth/keys/key/" + id).word(), "empty");
  EXPECT_EQ(read(id).word(), "not-found");
  EXPECT_EQ(secret_for_signature(id), "(none)");
  EXPECT_EQ(node_.list("auth/keys/key").word(), "not-found");
  EXPECT_EQ(node_.erase("auth/keys/key/" + id).word(), "empty") << "what is not there is deleted";
}

TEST_F(AccessKeyAuthTest, AnotherMountNeitherSeesNorChangesIt) {
  const std::string id = made();
  const std::string there = "auth/other/key/" + id;
  EXPECT_EQ(node_.read(there).word(), "not-found");
  EXPECT_EQ(node_.list("auth/other/key").word(), "not-found");
  EXPECT_EQ(node_.write(there, R"({"disabled":true})").word(), "invalid");
  EXPECT_EQ(node_.erase(there).word(), "empty");
  EXPECT_NE(secret_for_signature(id), "(denied)");
  EXPECT_NE(secret_for_signature(id), "(none)");
}

TEST_F(AccessKeyAuthTest, ImportingIsCreatingAndChangingIsUpdating) {
  const std::string creator = token_with(R"("create")");
  const std::string body = R"({"secret_access_key":"0123456789abcdef"})";
  EXPECT_EQ(write("AKIAIOSFODNN7EXAMPLE", body, creator).word(), "found");
  EXPECT_EQ(write("AKIAIOSFODNN7EXAMPLE", R"({"disabled":true})", creator).word(), "denied");
  EXPECT_EQ(create("{}", creator).word(), "denied");
  const std::string updater = token_with(R"("update")");
  EXPECT_EQ(write("AKIAIOSFODNN7EXAMPLE", R"({"disabled":true})", updater).word(), "found");
  EXPECT_EQ(write("AKIAOSFODNN7ANOTHER", body, updater).word(), "denied");
  EXPECT_EQ(create("{}", updater).word(), "found");
}

TEST_F(AccessKeyAuthTest, WhoMayWriteKeysGivesThemAnyPolicy) {
  const Got got = create(R"({"policies":"more-than-the-caller-has"})", token_with(R"("update")"));
  EXPECT_EQ(got.at("policies"), R"(["more-than-the-caller-has"])");
}

TEST_F(AccessKeyAuthTest, TheJournalTellsWhichKeyAndNoSecret) {
  const Got pair = create(R"({"policies":"reader"})");
  const Got imported = import_pair("AKIAIOSFODNN7EXAMPLE");
  std::string all;
  for (const std::string& record : node_.records()) all += record + "\n";
  EXPECT_EQ(all.find(pair.at("secret_access_key")), std::string::npos);
  EXPECT_EQ(all.find(kSecret), std::string::npos);
  for (const Got& got : {pair, imported}) {
    const std::vector<std::string> records = node_.records_of(got.request_id);
    ASSERT_FALSE(records.empty());
    EXPECT_NE(records.back().find("\"access_key_id\":\"" + got.at("access_key_id") + "\""), std::string::npos);
    EXPECT_NE(records.back().find("\"accessor\":\"" + got.at("accessor") + "\""), std::string::npos);
  }
  const std::string record = node_.records_of(imported.request_id).front();
  EXPECT_NE(record.find(R"("secret_access_key":"hmac-sha256:)"), std::string::npos) << record;
}

}  // namespace
}  // namespace keyhold::auth
