#include "auth/access_key/sts.h"

#include <gtest/gtest.h>

#include "auth/access_key/access_key_auth.h"
#include "base/time_format.h"
#include "core/test_support/test_node.h"
#include "storage/memory_storage.h"

namespace keyhold::auth {
namespace {

using core::test::Ask;
using core::test::Got;

/// A pair, and the session token of temporary ones.
struct Keys {
  std::string id;
  std::string secret;
  std::string token{};
};

/// What a client's signature of some request claims, signed with its secret.
std::unique_ptr<core::SignedCredential> sign(const Keys& keys, std::string_view service, UnixMillis now_ms) {
  auto credential = std::make_unique<core::SignedCredential>();
  credential->protocol = core::AwsProtocol::kQuery;
  core::SignatureV4& signature = credential->signature;
  signature.access_key_id = keys.id;
  std::string stamp;
  for (const char c : std::string(format_rfc3339(now_ms / 1000 * 1000))) {
    if (c != '-' && c != ':') stamp.push_back(c);
  }
  signature.timestamp = stamp;
  signature.time_ms = now_ms / 1000 * 1000;
  signature.region = "eu-west-1";
  signature.service = service;
  signature.session_token = SecretBytes::copy_of(keys.token);
  signature.canonical_request_sha256 = crypto::sha256("a request");
  signature.signature = core::SigningKey::derive(SecretBytes::copy_of(keys.secret), signature).sign(signature);
  return credential;
}

class StsTest : public ::testing::Test {
 protected:
  StsTest() {
    node_.initialize();
    mount_ = node_.put_mount("auth/access-key/", "access-key");
    node_.put_policy("reader", R"(path "auth/access-key/key/*" { capabilities = ["read"] })");
    key_ = make_key(R"({"policies":"reader"})");
    EXPECT_EQ(node_.write("auth/access-key/role/deploy", R"({"policies":"reader","trust_policy":")" + trust(user(key_.id)) + "\"}").word(), "empty");
  }

  Keys make_key(std::string body) {
    const Got made = node_.write("auth/access-key/key", std::move(body));
    return {made.at("access_key_id"), made.at("secret_access_key")};
  }
  static std::string user(const std::string& id) { return "arn:aws:iam::000000000000:user/" + id; }
  static std::string trust(const std::string& principal, const std::string& condition = {}) {
    return R"({\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\")" + principal +
           R"(\"},\"Action\":\"sts:AssumeRole\")" + condition + "}]}";
  }
  Got call(const Keys& keys, std::string operation, std::string body = "{}", std::string_view service = "sts") {
    return node_.ask({.operation = core::Operation::kCall,
                      .path = "sts/" + operation,
                      .token = "",
                      .body = std::move(body),
                      .change = [&](core::Request& request) { request.credential.signed_by = sign(keys, service, clock_.now_ms()); }});
  }
  Got assume(const Keys& keys, const std::string& more = {}, const std::string& role = "deploy") {
    return call(keys, "AssumeRole",
                R"({"RoleArn":"arn:aws:iam::000000000000:role/)" + role + R"(","RoleSessionName":"build-7")" + more + "}");
  }
  static Keys of(const Got& got) {
    return {got.at("Credentials.AccessKeyId"), got.at("Credentials.SecretAccessKey"), got.at("Credentials.SessionToken")};
  }
  std::string who(const Keys& keys) {
    const Got got = call(keys, "GetCallerIdentity");
    return got.ok() ? got.at("Arn") : std::string(got.error->name);
  }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  AccessKeyAuth access_keys_;
  Sts sts_;
  core::test::TestNode node_{store_, clock_, [this](core::Router& router, core::Node&) {
                               router.add("access-key", access_keys_, core::MountKind::kAuth);
                               router.add_service("sts", sts_);
                             }};
  core::keys::MountId mount_ = 0;
  Keys key_;
};

TEST_F(StsTest, TellsWhoSigned) {
  EXPECT_EQ(who(key_), user(key_.id));
  EXPECT_EQ(call(key_, "GetCallerIdentity").at("Account"), "000000000000");
  EXPECT_EQ(call(key_, "GetAccessKeyInfo", R"({"AccessKeyId":"AKIAIOSFODNN7EXAMPLE"})").at("Account"), "000000000000");
  EXPECT_EQ(call(key_, "GetAccessKeyInfo", R"({"AccessKeyId":"?"})").error->name, "ValidationError");
}

TEST_F(StsTest, RefusesWhatIsNotSignedByWhomItSays) {
  EXPECT_EQ(who({key_.id, "wrong"}), "SignatureDoesNotMatch");
  EXPECT_EQ(who({"AKIANOBODYKNOWSTHIS0", key_.secret}), "InvalidClientTokenId");
  EXPECT_NE(call(key_, "GetCallerIdentity", "{}", "secretsmanager").word(), "found") << "signed for another service";
  const Keys session = of(call(key_, "GetSessionToken"));
  EXPECT_EQ(who(session), user(key_.id));
  EXPECT_EQ(who({session.id, session.secret}), "InvalidClientTokenId") << "without its session token";
  EXPECT_EQ(who({session.id, "wrong", session.token}), "SignatureDoesNotMatch");
  EXPECT_EQ(who({key_.id, key_.secret, session.token}), "InvalidClientTokenId") << "a session token beside another key";
  EXPECT_EQ(who({of(call(key_, "GetSessionToken")).id, session.secret, session.token}), "InvalidClientTokenId");
}

TEST_F(StsTest, ASessionTokenIsNoVaultToken) {
  const Keys session = of(assume(key_));
  EXPECT_EQ(node_.read("auth/access-key/key/" + key_.id, session.token).word(), "denied");
  EXPECT_EQ(node_.ask({.operation = core::Operation::kCall, .path = "sts/GetCallerIdentity", .token = session.token}).word(), "denied");
}

TEST_F(StsTest, ARoleIsAssumedByWhomItsTrustPolicyNames) {
  const Got got = assume(key_);
  EXPECT_EQ(got.at("AssumedRoleUser.Arn"), "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
  EXPECT_TRUE(got.at("AssumedRoleUser.AssumedRoleId").starts_with("AROA"));
  EXPECT_EQ(got.at("Credentials.Expiration"), std::string(format_rfc3339(clock_.now_ms() + 3'600'000)));
  EXPECT_EQ(who(of(got)), "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
  const Keys other = make_key("{}");
  EXPECT_EQ(assume(other).error->name, "AccessDenied");
  EXPECT_EQ(assume(key_, "", "none").error->name, "AccessDenied") << "as if it were another's";
  EXPECT_EQ(assume(key_, R"(,"DurationSeconds":899)").error->name, "ValidationError");
  EXPECT_EQ(assume(key_, R"(,"DurationSeconds":3601)").error->name, "ValidationError") << "over the role's longest";
  EXPECT_EQ(assume(key_, R"(,"Policy":"{}")").error->name, "ValidationError") << "not to be passed over";
  EXPECT_EQ(call(key_, "AssumeRole", R"({"RoleArn":"arn:aws:iam::000000000000:role/deploy","RoleSessionName":"a b"})").error->name, "ValidationError");
}

TEST_F(StsTest, TheAccountHandsTheDecisionToTheCallersOwnPolicies) {
  EXPECT_EQ(node_.write("auth/access-key/role/open", R"({"trust_policy":")" + trust("000000000000") + "\"}").word(), "empty");
  EXPECT_EQ(assume(key_, "", "open").error->name, "AccessDenied");
  node_.put_policy("assumes", R"(path "auth/access-key/role/open/assume" { capabilities = ["update"] })");
  EXPECT_EQ(assume(make_key(R"({"policies":"assumes"})"), "", "open").word(), "found");
}

TEST_F(StsTest, ExternalIdsAreAskedFor) {
  const std::string condition = R"(,\"Condition\":{\"StringEquals\":{\"sts:ExternalId\":\"seven\"}})";
  EXPECT_EQ(node_.write("auth/access-key/role/outer", R"({"trust_policy":")" + trust(user(key_.id), condition) + "\"}").word(), "empty");
  EXPECT_EQ(assume(key_, "", "outer").error->name, "AccessDenied");
  EXPECT_EQ(assume(key_, R"(,"ExternalId":"six")", "outer").error->name, "AccessDenied");
  EXPECT_EQ(assume(key_, R"(,"ExternalId":"seven")", "outer").word(), "found");
}

TEST_F(StsTest, TemporaryCredentialsEndWithTheirTimeAndWithTheKey) {
  const Keys session = of(assume(key_, R"(,"DurationSeconds":900)"));
  clock_.advance_ms(899'000);
  EXPECT_NE(who(session), "ExpiredToken");
  clock_.advance_ms(2'000);
  EXPECT_EQ(who(session), "ExpiredToken");

  const Keys below = of(assume(key_));
  EXPECT_EQ(node_.write("auth/access-key/key/" + key_.id, R"({"disabled":true})").word(), "found");
  EXPECT_EQ(who(below), "ExpiredToken");
  EXPECT_EQ(who(key_), "InvalidClientTokenId");
  EXPECT_EQ(node_.write("auth/access-key/key/" + key_.id, R"({"disabled":false})").word(), "found");
  EXPECT_EQ(who(below), "ExpiredToken") << "it does not come back";
  const Keys again = of(assume(key_));
  EXPECT_EQ(node_.erase("auth/access-key/key/" + key_.id).word(), "empty");
  EXPECT_EQ(who(again), "ExpiredToken");
}

TEST_F(StsTest, SessionsChainForAnHourAtMost) {
  const Keys first = of(assume(key_));
  EXPECT_EQ(call(first, "GetSessionToken").error->name, "AccessDenied");
  const std::string session_arn = "arn:aws:sts::000000000000:assumed-role/deploy/build-7";
  EXPECT_EQ(node_.write("auth/access-key/role/second", R"({"max_session_duration":"12h","trust_policy":")" + trust(session_arn) + "\"}").word(), "empty");
  EXPECT_EQ(assume(first, R"(,"DurationSeconds":3601)", "second").error->name, "ValidationError");
  const Keys second = of(assume(first, "", "second"));
  EXPECT_EQ(who(second), "arn:aws:sts::000000000000:assumed-role/second/build-7");
  EXPECT_EQ(node_.erase("auth/access-key/key/" + key_.id).word(), "empty");
  EXPECT_EQ(who(second), "ExpiredToken") << "all of the chain";
}

TEST_F(StsTest, TheyOutliveASealing) {
  const Keys session = of(assume(key_));
  node_.node().seal();
  node_.unseal();
  EXPECT_EQ(who(session), "arn:aws:sts::000000000000:assumed-role/deploy/build-7");
}

TEST_F(StsTest, RolesAreChecked) {
  for (const char* body : {"{}", R"({"trust_policy":"{}"})", R"({"trust_policy":"x"})"}) {
    EXPECT_EQ(node_.write("auth/access-key/role/bad", body).word(), "invalid") << body;
  }
  const std::string good = R"("trust_policy":")" + trust("000000000000") + "\"";
  for (const char* more : {R"("max_session_duration":"1m")", R"("max_session_duration":"13h")", R"("policies":"root")", R"("bound_cidrs":"x")"}) {
    EXPECT_EQ(node_.write("auth/access-key/role/bad", "{" + good + "," + more + "}").word(), "invalid") << more;
  }
  EXPECT_EQ(node_.write("auth/access-key/role/not a name", "{" + good + "}").word(), "invalid");
  EXPECT_EQ(node_.read("auth/access-key/role/bad").word(), "not-found");
  EXPECT_EQ(node_.list("auth/access-key/role").at("keys"), R"(["deploy"])");
  EXPECT_EQ(node_.read("auth/access-key/role/deploy").at("arn"), "arn:aws:iam::000000000000:role/deploy");
  node_.put_mount("auth/other/", "access-key");
  EXPECT_EQ(node_.write("auth/other/role/deploy", "{" + good + "}").word(), "invalid") << "an ARN names no method";
  EXPECT_EQ(node_.erase("auth/access-key/role/deploy").word(), "empty");
  EXPECT_EQ(node_.write("auth/other/role/deploy", "{" + good + "}").word(), "empty");
}

}  // namespace
}  // namespace keyhold::auth
