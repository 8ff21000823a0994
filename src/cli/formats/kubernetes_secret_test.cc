#include "cli/formats/kubernetes_secret.h"

#include "cli/formats/yaml_reader.h"

namespace keyhold::cli {
namespace {

std::string shown(const Manifests& manifests) {
  std::string all;
  for (const KubernetesSecret& secret : manifests.secrets) {
    all.append(all.empty() ? "" : "\n").append(secret.namespace_name).append("/").append(secret.name).append(object_of(secret.fields).reveal());
  }
  return all;
}

Result<Manifests> read(std::string_view yaml) {
  TRY_ASSIGN(const auto documents, yaml_to_json(yaml));
  Manifests manifests;
  for (const SecretBytes& json : documents) {
    TRY_ASSIGN(const auto document, json::Document::parse(json.reveal()));
    TRY(add_manifest(manifests, document.root()));
  }
  return manifests;
}

TEST(KubernetesSecret, ReadsDataAndStringData) {
  const auto manifests = read(R"(
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: prod}
data:
  user: YXBw
  password: |
    aHVudGVy
    Mg==
  empty: ""
stringData:
  user: other
  note: "1"
)");
  ASSERT_TRUE(manifests.ok()) << manifests.error().message;
  EXPECT_EQ(shown(*manifests), R"(prod/db{"user":"other","password":"hunter2","empty":"","note":"1"})");
  EXPECT_TRUE(manifests->warnings.empty());
}

TEST(KubernetesSecret, ReadsSeveralDocumentsAndLists) {
  const auto manifests = read(R"(---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: v}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {k: v}}
---
apiVersion: v1
kind: SecretList
items:
- {metadata: {name: c}, data: {k: dg==}}
)");
  ASSERT_TRUE(manifests.ok()) << manifests.error().message;
  EXPECT_EQ(shown(*manifests), "/a{\"k\":\"v\"}\n/c{\"k\":\"v\"}");
  EXPECT_EQ(manifests->warnings, std::vector<std::string>{"an object of the kind ConfigMap is left out"});
}

TEST(KubernetesSecret, KeepsBytesInBase64) {
  const auto manifests = read("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: /w==}}");
  ASSERT_TRUE(manifests.ok());
  EXPECT_EQ(shown(*manifests), R"(/a{"k":"/w=="})");
  EXPECT_EQ(manifests->warnings.size(), 1u);
}

TEST(KubernetesSecret, RefusesWhatIsNone) {
  EXPECT_FALSE(read("a: 1").ok());
  EXPECT_FALSE(read("{apiVersion: v1, kind: Secret}").ok());
  EXPECT_FALSE(read("{apiVersion: v1, kind: Secret, metadata: {name: a/../b}}").ok());
  EXPECT_FALSE(read("{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: ..}}").ok());
  const auto wrong = read("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: hunter2!}}");
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().message, "the data k of the Secret a is not base64");
  EXPECT_FALSE(read("{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {k: 1}}").ok());
  EXPECT_FALSE(read("{apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {k: 1}}").ok());
}

TEST(KubernetesSecret, ReadsBackWhatItWrites) {
  Fields fields;
  fields.push_back(text_field("a", "x\n\"é"));
  fields.push_back(text_field("b.C_9", ""));
  const auto manifest = kubernetes_manifest("my-app", fields);
  ASSERT_TRUE(manifest.ok());
  const auto manifests = read(manifest->reveal());
  ASSERT_TRUE(manifests.ok()) << manifests.error().message;
  EXPECT_EQ(shown(*manifests), "/my-app" + std::string(object_of(fields).reveal()));
}

TEST(KubernetesSecret, RefusesNamesThatKubernetesDoesNotTake) {
  EXPECT_FALSE(kubernetes_manifest("My_App", {}).ok());
  Fields fields;
  fields.push_back(text_field("a b", "x"));
  EXPECT_FALSE(kubernetes_manifest("a", fields).ok());
}

TEST(KubernetesSecret, FindsANameThatKubernetesTakes) {
  EXPECT_EQ(kubernetes_name("My_App.v2"), "my-app.v2");
  EXPECT_EQ(kubernetes_name("-a..b-"), "a.-b");
  EXPECT_EQ(kubernetes_name("__"), "");
}

}  // namespace
}  // namespace keyhold::cli
