#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;
using SecretsManagerLife = test::SecretsManagerTest;

constexpr std::int64_t kDayMs = 86'400'000;

TEST_F(SecretsManagerLife, WhatIsMarkedForDeletionIsNeitherReadNorWritten) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  const Got deleted = on("DeleteSecret", "a", R"(,"RecoveryWindowInDays":7)");
  EXPECT_EQ(deleted.at("DeletionDate"), std::to_string((clock_.now_ms() + 7 * kDayMs) / 1000));
  for (const char* operation : {"GetSecretValue", "UpdateSecret", "DeleteSecret", "ListSecretVersionIds"}) {
    const std::string expected = std::string_view(operation) == "ListSecretVersionIds" ? "ok" : "InvalidRequestException";
    EXPECT_EQ(code(on(operation, "a")), expected) << operation;
  }
  EXPECT_EQ(said(get("a")), "You can't perform this operation on the secret because it was marked for deletion.");
  EXPECT_EQ(code(put("a", "1", "y")), "InvalidRequestException");
  EXPECT_EQ(code(create("a", "y")), "InvalidRequestException");
  EXPECT_EQ(node_.read("secret/data/a").word(), "not-found");
  EXPECT_EQ(node_.write("secret/data/a", R"({"data":{}})").word(), "invalid");
  EXPECT_EQ(node_.erase("secret/data/a").word(), "invalid");
  EXPECT_NE(on("DescribeSecret", "a").at("DeletedDate"), "(none)");
  EXPECT_EQ(call("ListSecrets", "{}").at("SecretList"), "[]");
  EXPECT_NE(call("ListSecrets", R"({"IncludePlannedDeletion":true})").at("SecretList"), "[]");

  EXPECT_EQ(code(on("RestoreSecret", "a")), "ok");
  EXPECT_EQ(code(on("RestoreSecret", "a")), "ok") << "once more";
  EXPECT_EQ(get("a").at("SecretString"), "x");
  EXPECT_EQ(on("DescribeSecret", "a").at("DeletedDate"), "(none)");
}

TEST_F(SecretsManagerLife, AfterItsWindowItIsGone) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(on("DeleteSecret", "a")), "ok");
  clock_.advance_ms(30 * kDayMs);
  EXPECT_EQ(code(get("a")), "ResourceNotFoundException");
  EXPECT_EQ(code(on("RestoreSecret", "a")), "ResourceNotFoundException");
  EXPECT_EQ(code(create("a", "new")), "ok");
  EXPECT_EQ(get("a").at("SecretString"), "new");
  EXPECT_EQ(node_.read("secret/data/a").at("metadata.version"), "1");
}

TEST_F(SecretsManagerLife, NothingOfItIsLeftOnceItsTimeHasCome) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(create("kept", "x")), "ok");
  EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"RecoveryWindowInDays":7)")), "ok");
  EXPECT_EQ(code(on("DeleteSecret", "kept", R"(,"RecoveryWindowInDays":7)")), "ok");
  EXPECT_EQ(code(on("RestoreSecret", "kept")), "ok");
  const auto id = mount_id("secret/");
  clock_.advance_ms(6 * kDayMs);
  EXPECT_TRUE(node_.node().expiry().run().ok());
  const std::size_t before = keys_of(id);
  clock_.advance_ms(kDayMs);
  EXPECT_TRUE(node_.node().expiry().run().ok());
  EXPECT_EQ(keys_of(id), before - 3) << "its name, its head and its version";
  EXPECT_EQ(get("kept").at("SecretString"), "x");
}

TEST_F(SecretsManagerLife, VaultsMetadataDeletePurgesAtOnce) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(on("DeleteSecret", "a")), "ok");
  EXPECT_EQ(node_.erase("secret/metadata/a").word(), "empty");
  EXPECT_EQ(code(create("a", "y")), "ok");
}

TEST_F(SecretsManagerLife, ForceErasesNow) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"ForceDeleteWithoutRecovery":true)")), "ok");
  EXPECT_EQ(code(get("a")), "ResourceNotFoundException");
  EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"ForceDeleteWithoutRecovery":true)")), "ok") << "it is gone, as was asked";
  EXPECT_EQ(code(on("DeleteSecret", "a")), "ResourceNotFoundException");
  EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"ForceDeleteWithoutRecovery":true,"RecoveryWindowInDays":7)")), "InvalidParameterException");
  for (const char* days : {"0", "6", "31", "-1"}) {
    EXPECT_EQ(code(on("DeleteSecret", "a", R"(,"RecoveryWindowInDays":)" + std::string(days))), "InvalidParameterException") << days;
  }
}

TEST_F(SecretsManagerLife, Tags) {
  EXPECT_EQ(code(create("a", "x")), "ok");
  EXPECT_EQ(code(on("TagResource", "a", R"(,"Tags":[{"Key":"team","Value":"payments"},{"Key":"b","Value":""}])")), "ok");
  EXPECT_EQ(on("DescribeSecret", "a").at("Tags"), R"([{"Key":"b","Value":""},{"Key":"team","Value":"payments"}])");
  EXPECT_EQ(code(on("UntagResource", "a", R"(,"TagKeys":["b","none"])")), "ok");
  EXPECT_EQ(on("DescribeSecret", "a").at("Tags"), R"([{"Key":"team","Value":"payments"}])");
  EXPECT_EQ(code(on("TagResource", "a")), "InvalidParameterException");
  EXPECT_EQ(code(on("UntagResource", "a")), "InvalidParameterException");
  std::string many = R"(,"Tags":[)";
  for (int i = 0; i < 50; ++i) many += (i > 0 ? "," : "") + std::string(R"({"Key":"k)") + std::to_string(i) + R"(","Value":"v"})";
  EXPECT_EQ(code(on("TagResource", "a", many + "]")), "InvalidParameterException") << "51 in all";
}

TEST_F(SecretsManagerLife, AReplicaIsReadAndNotWritten) {
  const auto in = [this](std::string region, std::string operation, std::string body) {
    return node_.ask({.operation = core::Operation::kCall,
                      .path = "secretsmanager/" + operation,
                      .body = std::move(body),
                      .region = std::move(region)});
  };
  EXPECT_EQ(code(create("a", "x")), "ok");
  const Got replicated = on("ReplicateSecretToRegions", "a", R"(,"AddReplicaRegions":[{"Region":"eu-west-1"}])");
  EXPECT_EQ(replicated.at("ReplicationStatus"), R"([{"Region":"eu-west-1","Status":"InSync"}])");
  EXPECT_EQ(on("DescribeSecret", "a").at("PrimaryRegion"), "us-east-1");
  const Got read = in("eu-west-1", "GetSecretValue", R"({"SecretId":"a"})");
  EXPECT_EQ(read.at("SecretString"), "x");
  EXPECT_NE(read.at("ARN").find(":eu-west-1:"), std::string::npos);
  EXPECT_EQ(code(in("eu-west-1", "PutSecretValue", R"({"SecretId":"a","SecretString":"y"})")), "InvalidRequestException");
  EXPECT_EQ(code(on("DeleteSecret", "a")), "InvalidRequestException") << "it has a replica";
  EXPECT_EQ(code(on("StopReplicationToReplica", "a")), "InvalidRequestException");
  EXPECT_EQ(code(in("eu-west-1", "StopReplicationToReplica", R"({"SecretId":"a"})")), "ok");
  EXPECT_EQ(code(on("RemoveRegionsFromReplication", "a", R"(,"RemoveReplicaRegions":["eu-west-1"])")), "InvalidParameterException");
  EXPECT_EQ(code(on("DeleteSecret", "a")), "ok");
}

}  // namespace
}  // namespace keyhold::engine
