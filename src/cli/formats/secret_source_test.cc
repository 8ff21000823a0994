#include "cli/formats/secret_source.h"

namespace keyhold::cli {
namespace {

std::string shown(SourceFormat format, std::string_view text) {
  const auto source = read_source(format, text);
  if (!source.ok()) return "error: " + source.error().message;
  std::string all;
  for (const SourceSecret& secret : source->secrets) all.append(all.empty() ? "" : " ").append(secret.name).append(object_of(secret.contents.at(0)).reveal());
  return all;
}

TEST(SecretSource, GuessesByNameThenByContent) {
  constexpr std::string_view kManifest = "apiVersion: v1\nkind: Secret\n";
  EXPECT_EQ(guess_format(".env", "a: b"), SourceFormat::kEnv);
  EXPECT_EQ(guess_format("conf/.env.production", ""), SourceFormat::kEnv);
  EXPECT_EQ(guess_format("prod.env", "{"), SourceFormat::kEnv);
  EXPECT_EQ(guess_format("a.json", "x"), SourceFormat::kJson);
  EXPECT_EQ(guess_format("a.json", R"({"apiVersion":"v1","kind":"Secret"})"), SourceFormat::kKubernetes);
  EXPECT_EQ(guess_format("A.YML", "x"), SourceFormat::kYaml);
  EXPECT_EQ(guess_format("a.yaml", kManifest), SourceFormat::kKubernetes);
  EXPECT_EQ(guess_format("-", kManifest), SourceFormat::kKubernetes);
  EXPECT_EQ(guess_format("-", " {\"a\": 1}"), SourceFormat::kJson);
  EXPECT_EQ(guess_format("secrets", "# c\n\na: b\n"), SourceFormat::kYaml);
  EXPECT_EQ(guess_format("secrets", "# c\nA=b:c\n"), SourceFormat::kEnv);
  EXPECT_EQ(guess_format("-", ""), SourceFormat::kEnv);
  EXPECT_EQ(guess_format("-", "###"), SourceFormat::kEnv);
}

TEST(SecretSource, ReadsObjectsAsFields) {
  EXPECT_EQ(shown(SourceFormat::kJson, "\xEF\xBB\xBF" R"( {"a":"b", "n":1.10, "o":{"p":[1]}})"), R"({"a":"b","n":1.10,"o":{"p":[1]}})");
  EXPECT_EQ(shown(SourceFormat::kYaml, "a: b\no: {p: [1]}\n"), R"({"a":"b","o":{"p":[1]}})");
  EXPECT_EQ(shown(SourceFormat::kEnv, "A=b\n"), R"({"A":"b"})");
  EXPECT_EQ(shown(SourceFormat::kJson, "[1]"), "error: the whole must be an object: its members are the secret's fields");
  EXPECT_EQ(shown(SourceFormat::kJson, R"({"a":1,"a":2})").substr(0, 15), "error: no JSON:");
  EXPECT_EQ(shown(SourceFormat::kYaml, "--- {}\n--- {}"), "error: there must be one document in it: several are read as manifests of Kubernetes alone");
}

TEST(SecretSource, NamesSeveralSecretsOfManifests) {
  constexpr std::string_view kOne = "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: x}, stringData: {k: v}}\n";
  constexpr std::string_view kSame = "{apiVersion: v1, kind: Secret, metadata: {name: b, namespace: x}, stringData: {k: v}}\n";
  constexpr std::string_view kOther = "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: y}, stringData: {k: v}}\n";
  const auto both = [](std::string_view one, std::string_view two) { return "--- " + std::string(one) + "--- " + std::string(two); };
  EXPECT_EQ(shown(SourceFormat::kKubernetes, kOne), R"({"k":"v"})");
  EXPECT_EQ(shown(SourceFormat::kKubernetes, both(kOne, kSame)), R"(a{"k":"v"} b{"k":"v"})");
  EXPECT_EQ(shown(SourceFormat::kKubernetes, both(kOne, kOther)), R"(x/a{"k":"v"} y/a{"k":"v"})");
  EXPECT_EQ(shown(SourceFormat::kKubernetes, both(kOne, kOne)), "error: two Secrets are named a");
  EXPECT_EQ(shown(SourceFormat::kKubernetes, "{apiVersion: v1, kind: Pod}"), "error: there is no Secret in it");
}

}  // namespace
}  // namespace keyhold::cli
