#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;
using SecretsManagerValues = test::SecretsManagerTest;

TEST_F(SecretsManagerValues, WhatOneApiWritesTheOtherReadsByteForByte) {
  const std::string json = R"({ "host" : "db", "port":5432.10, "password":"\u00e9\/" })";
  EXPECT_EQ(node_.write("secret/data/prod/db", R"({"data":)" + json + "}").word(), "found");
  const Got by_aws = get("prod/db");
  EXPECT_EQ(by_aws.at("SecretString"), json);
  EXPECT_EQ(by_aws.at("Name"), "prod/db");
  EXPECT_EQ(by_aws.at("VersionStages"), R"(["AWSCURRENT"])");
  EXPECT_EQ(by_aws.at("VersionId").size(), 36u);

  EXPECT_EQ(code(call("PutSecretValue", R"({"SecretId":"prod/db","SecretString":"{\"a\": 1.0}"})")), "ok");
  const Got by_vault = node_.read("secret/data/prod/db");
  EXPECT_EQ(by_vault.at("data"), R"({"a": 1.0})");
  EXPECT_EQ(by_vault.at("metadata.version"), "2");
}

TEST_F(SecretsManagerValues, TextAndBytesReadAsAValueInVault) {
  EXPECT_EQ(code(create("text", "plain \\\"text\\\"")), "ok");
  EXPECT_EQ(node_.read("secret/data/text").at("data"), R"({"value":"plain \"text\""})");
  EXPECT_EQ(node_.read("secret/data/text").at("metadata.content_kind"), "text");
  EXPECT_EQ(code(call("CreateSecret", R"({"Name":"bytes","SecretBinary":"AAECAw=="})")), "ok");
  EXPECT_EQ(node_.read("secret/data/bytes").at("data"), R"({"value":"AAECAw=="})");
  EXPECT_EQ(get("bytes").at("SecretBinary"), "AAECAw==");
  EXPECT_EQ(get("bytes").at("SecretString"), "(none)");

  EXPECT_EQ(node_.write("secret/data/text", R"({"data":{"value":"new"}})").word(), "found") << "written as shown: a text still";
  EXPECT_EQ(get("text").at("SecretString"), "new");
  EXPECT_EQ(node_.write("secret/data/text", R"({"data":{"value":"new","more":1}})").word(), "found");
  EXPECT_EQ(get("text").at("SecretString"), R"({"value":"new","more":1})");
}

TEST_F(SecretsManagerValues, TheSameRequestOnceMoreIsTheSameRequest) {
  const std::string body = R"({"Name":"a","SecretString":"x","ClientRequestToken":")" + id("1") + "\"}";
  const Got first = call("CreateSecret", body);
  EXPECT_EQ(first.at("VersionId"), id("1"));
  EXPECT_EQ(call("CreateSecret", body).data, first.data);
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":"y","ClientRequestToken":")" + id("1") + "\"}"), "ResourceExistsException");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":"x"})"), "ResourceExistsException");

  EXPECT_EQ(put("a", "2", "z").at("VersionStages"), R"(["AWSCURRENT"])");
  EXPECT_EQ(put("a", "3", "zz").at("VersionId"), id("3"));
  EXPECT_EQ(put("a", "2", "z").at("VersionStages"), R"(["AWSPREVIOUS"])") << "nothing moves";
  EXPECT_EQ(code(put("a", "2", "other")), "ResourceExistsException");
  EXPECT_EQ(get("a").at("SecretString"), "zz");
}

TEST_F(SecretsManagerValues, APendingVersionIsNeverWhatAnOrdinaryReadReturns) {
  EXPECT_EQ(code(create("a", "current")), "ok");
  EXPECT_EQ(put("a", "p", "pending", R"(["AWSPENDING"])").at("VersionStages"), R"(["AWSPENDING"])");
  EXPECT_EQ(get("a").at("SecretString"), "current");
  EXPECT_EQ(node_.read("secret/data/a").at("data.value"), "current");
  EXPECT_EQ(node_.read("secret/metadata/a").at("current_version"), "1");
  EXPECT_EQ(get("a", R"(,"VersionStage":"AWSPENDING")").at("SecretString"), "pending");
  EXPECT_EQ(get("a", R"(,"VersionId":")" + id("p") + "\"").at("SecretString"), "pending");
  const std::string old = get("a").at("VersionId");
  EXPECT_EQ(code(on("UpdateSecretVersionStage", "a", R"(,"VersionStage":"AWSCURRENT","MoveToVersionId":")" + id("p") +
                                                         R"(","RemoveFromVersionId":")" + old + "\"")), "ok");
  EXPECT_EQ(node_.read("secret/data/a").at("metadata.version"), "2") << "numbered when it becomes current";
  EXPECT_EQ(get("a", R"(,"VersionStage":"AWSPREVIOUS")").at("SecretString"), "current");
}

TEST_F(SecretsManagerValues, SaysWhatIsMissing) {
  EXPECT_EQ(said(get("none")), "Secrets Manager can't find the specified secret.");
  EXPECT_EQ(code(get("none")), "ResourceNotFoundException");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"empty"})"), "ok");
  EXPECT_EQ(said(get("empty")), "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT");
  EXPECT_EQ(node_.read("secret/data/empty").word(), "not-found");
  EXPECT_EQ(code(get("empty", R"(,"VersionStage":"mine")")), "ResourceNotFoundException");
  EXPECT_EQ(said(get("empty", R"(,"VersionStage":"s3cret")")).find("s3cret"), std::string::npos) << "errors hold no input";
  EXPECT_EQ(put("empty", "1", "v", R"(["mine"])").at("VersionStages"), R"(["AWSCURRENT","mine"])") << "the first is current";
}

TEST_F(SecretsManagerValues, RefusesWhatAwsRefuses) {
  for (const std::string_view body :
       {R"({})", R"({"Name":""})", R"({"Name":"a b"})", R"({"Name":"é"})", R"({"Name":"a","SecretString":"x","SecretBinary":"AA=="})",
        R"({"Name":"a","SecretBinary":"*"})", R"({"Name":"a","SecretString":""})", R"({"Name":"a","ClientRequestToken":"short","SecretString":"x"})",
        R"({"Name":"a","Tags":[{"Value":"x"}]})", R"({"Name":"a","Tags":[{"Key":"aws:x","Value":"x"}]})",
        R"({"Name":"a","AddReplicaRegions":[{"Region":"nowhere"}]})", R"({"Name":"a","AddReplicaRegions":[{"Region":"us-east-1"}]})"}) {
    EXPECT_EQ(outcome("CreateSecret", std::string(body)), "InvalidParameterException") << body;
  }
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":")" + std::string(513, 'a') + "\"}"), "InvalidParameterException");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":")" + std::string(65537, 'a') + "\"}"), "InvalidParameterException");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":")" + std::string(65536, 'a') + "\"}"), "ok");
  std::string umlauts;
  for (int i = 0; i < 2048; ++i) umlauts += "ä";
  EXPECT_EQ(outcome("UpdateSecret", R"({"SecretId":"a","Description":")" + umlauts + "\"}"), "ok") << "characters are counted, not bytes";
  EXPECT_EQ(outcome("UpdateSecret", R"({"SecretId":"a","Description":")" + umlauts + "ä\"}"), "InvalidParameterException");
  EXPECT_EQ(outcome("PutSecretValue", R"({"SecretId":"a"})"), "InvalidParameterException");
  EXPECT_EQ(outcome("NoSuchOperation", "{}"), "unsupported");
  EXPECT_EQ(outcome("GetSecretValue", "{"), "invalid");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"a"})", ""), "denied");
}

TEST_F(SecretsManagerValues, NamesAreEscapedWhereAPathHasNoSuchSegment) {
  for (const char* name : {"/a", "a/", "a//b", ".", "..", "a/../b", "../../sys/seal", "/"}) {
    EXPECT_EQ(code(create(name, name)), "ok") << name;
    EXPECT_EQ(get(name).at("SecretString"), name);
    EXPECT_EQ(get(name).at("Name"), name);
  }
  EXPECT_EQ(node_.read("secret/data/a/~../b").at("data.value"), "a/../b");
  EXPECT_EQ(node_.write("secret/data/not for aws", R"({"data":{}})").word(), "found");
  EXPECT_EQ(call("ListSecrets", "{}").data.find("not for aws"), std::string::npos);
}

TEST_F(SecretsManagerValues, AnArnNamesOneSecretAndNotTheNextOfItsName) {
  const std::string arn = create("a-b", "1").at("ARN");
  ASSERT_TRUE(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:a-b-")) << arn;
  EXPECT_EQ(get(arn).at("SecretString"), "1");
  EXPECT_EQ(get(arn.substr(0, arn.size() - 7)).at("SecretString"), "1") << "without the suffix";
  EXPECT_EQ(code(get("arn:aws:secretsmanager:us-east-1:111111111111:secret:a-b")), "ResourceNotFoundException");
  EXPECT_EQ(code(on("DeleteSecret", "a-b", R"(,"ForceDeleteWithoutRecovery":true)")), "ok");
  EXPECT_EQ(code(create("a-b", "2")), "ok");
  EXPECT_EQ(code(get(arn)), "ResourceNotFoundException");
}

TEST_F(SecretsManagerValues, OnePolicyStopsBothApis) {
  EXPECT_EQ(code(create("prod/db", "x")), "ok");
  EXPECT_EQ(code(create("prod/other", "x")), "ok");
  const std::string reader = with_policy(R"(
    path "secret/data/prod/*" { capabilities = ["read"] }
    path "secret/data/prod/other" { capabilities = ["deny"] })");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"prod/db"})", reader), "ok");
  EXPECT_EQ(node_.read("secret/data/prod/db", reader).word(), "found");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"prod/other"})", reader), "denied");
  EXPECT_EQ(node_.read("secret/data/prod/other", reader).word(), "denied");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"prod/none"})", reader), "ResourceNotFoundException");
  EXPECT_EQ(outcome("GetSecretValue", R"({"SecretId":"elsewhere"})", reader), "denied") << "nor is it told whether it is there";
  for (const char* operation : {"PutSecretValue", "UpdateSecret", "DeleteSecret", "DescribeSecret", "TagResource", "RestoreSecret"}) {
    EXPECT_EQ(outcome(operation, R"({"SecretId":"prod/db"})", reader), "denied") << operation;
  }
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"prod/new"})", reader), "denied");
  const Got batch = call("BatchGetSecretValue", R"({"SecretIdList":["prod/db","prod/other","prod/none"]})", reader);
  EXPECT_NE(batch.data.find(R"("Name":"prod/db")"), std::string::npos);
  EXPECT_NE(batch.data.find(R"("SecretId":"prod/other","ErrorCode":"AccessDeniedException")"), std::string::npos);
  EXPECT_NE(batch.data.find(R"("SecretId":"prod/none","ErrorCode":"ResourceNotFoundException")"), std::string::npos);
}

TEST_F(SecretsManagerValues, TheJournalTellsOfBothAlike) {
  EXPECT_EQ(code(create("prod/db", "hidden-value")), "ok");
  const auto records = node_.records_of(get("prod/db").request_id);
  ASSERT_EQ(records.size(), 1u);
  for (const char* part : {R"("operation":"read")", R"("call":"secretsmanager/GetSecretValue")", R"("path":"secret/data/prod/db")",
                           R"("mount_point":"secret/")", R"("version":1)", R"("outcome":"ok")"}) {
    EXPECT_NE(records[0].find(part), std::string::npos) << part << " in " << records[0];
  }
  EXPECT_EQ(records[0].find("hidden-value"), std::string::npos);
}

}  // namespace
}  // namespace keyhold::engine
