#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/sanitizer_test_util.h"
#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class SecretsManagerStages : public test::SecretsManagerTest {
 protected:
  std::string stage(std::string_view label) { return get("a", R"(,"VersionStage":")" + std::string(label) + "\"").at("SecretString"); }
};

TEST_F(SecretsManagerStages, AMoveNamesTheHolder) {
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":"1","ClientRequestToken":")" + id("1") + "\"}"), "ok");
  EXPECT_EQ(code(put("a", "2", "2")), "ok");
  EXPECT_EQ(code(put("a", "3", "3", R"(["mine"])")), "ok");
  EXPECT_EQ(code(move("a", "mine", "1")), "InvalidParameterException") << "attached to 3";
  EXPECT_EQ(code(move("a", "mine", "1", "2")), "InvalidParameterException");
  EXPECT_EQ(code(move("a", "mine", "1", "3")), "ok");
  EXPECT_EQ(stage("mine"), "1");
  EXPECT_EQ(code(move("a", "mine", "1")), "ok") << "it is there already";
  EXPECT_EQ(code(move("a", "mine", "", "1")), "ok");
  EXPECT_EQ(code(move("a", "mine", "", "1")), "InvalidParameterException");
  EXPECT_EQ(code(move("a", "AWSCURRENT", "", "2")), "InvalidParameterException");
  EXPECT_EQ(code(move("a", "AWSCURRENT", "9", "2")), "ResourceNotFoundException");
  EXPECT_EQ(code(move("a", "AWSCURRENT", "1", "2")), "ok");
  EXPECT_EQ(stage("AWSCURRENT"), "1");
  EXPECT_EQ(stage("AWSPREVIOUS"), "2");
  EXPECT_EQ(node_.read("secret/data/a").at("metadata.version"), "1") << "an older number is current again";
  EXPECT_EQ(node_.write("secret/data/a", R"({"data":{"value":"x"},"options":{"cas":1}})").at("version"), "3");
  EXPECT_EQ(code(on("UpdateSecretVersionStage", "a", R"(,"VersionStage":"mine")")), "InvalidParameterException");
}

TEST_F(SecretsManagerStages, WhatALabelHoldsOutlivesTheMaximum) {
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"a","SecretString":"first","ClientRequestToken":")" + id("1") + "\"}"), "ok");
  EXPECT_EQ(code(move("a", "keep", "1")), "ok");
  for (int i = 2; i < 30; ++i) EXPECT_EQ(code(put("a", std::to_string(i), "v")), "ok");
  EXPECT_EQ(stage("keep"), "first");
  EXPECT_EQ(node_.read("secret/data/a").at("metadata.version"), "29");
}

/// AWS's rules as they are written in its API reference, over maps of names.
class Model {
 public:
  using Labels = std::map<std::string, std::string>;

  bool put(const std::string& version, const std::string& value, std::vector<std::string> labels) {
    if (const auto same = values_.find(version); same != values_.end()) return same->second == value;
    values_[version] = value;
    if (labels_.count("AWSCURRENT") == 0) labels.emplace_back("AWSCURRENT");
    for (const std::string& label : labels) attach(label, version);
    return true;
  }
  bool move(const std::string& label, const std::string& to, const std::string& from) {
    const auto holder = labels_.find(label);
    if (to.empty() && (from.empty() || label == "AWSCURRENT")) return false;
    if (!to.empty() && values_.count(to) == 0) return false;
    if (!from.empty() && (holder == labels_.end() || holder->second != from)) return false;
    if (from.empty() && holder != labels_.end() && holder->second != to) return false;
    if (to.empty()) {
      labels_.erase(holder);
    } else {
      attach(label, to);
    }
    return true;
  }
  const Labels& labels() const { return labels_; }
  const std::string& value(const std::string& version) const { return values_.at(version); }

 private:
  void attach(const std::string& label, const std::string& version) {
    const auto current = labels_.find("AWSCURRENT");
    if (label == "AWSCURRENT" && current != labels_.end() && current->second != version) labels_["AWSPREVIOUS"] = current->second;
    labels_[label] = version;
  }
  std::map<std::string, std::string> values_;
  Labels labels_;
};

TEST_F(SecretsManagerStages, LabelsMoveAsInAModelOfTheRules) {
  const std::vector<std::string> kLabels{"AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "mine"};
  const std::vector<std::string> kVersions{"1", "2", "3", "4", "5"};
  for (unsigned seed = 1; seed <= unsigned{inputs(20)}; ++seed) {
    std::mt19937 random(seed);
    const auto any = [&random](const std::vector<std::string>& of) { return of[random() % of.size()]; };
    const std::string name = "s" + std::to_string(seed);
    EXPECT_EQ(outcome("CreateSecret", R"({"Name":")" + name + "\"}"), "ok");
    Model model;
    for (int step = 0; step < 60; ++step) {
      if (random() % 3 == 0) {
        const std::string version = any(kVersions);
        const std::string value = any({"x", "y"});
        const std::string label = any(kLabels);
        const bool expected = model.put(version, value, {label});
        EXPECT_EQ(put(name, version, value, "[\"" + label + "\"]").ok(), expected) << seed << " " << step;
      } else {
        const std::string label = any(kLabels);
        const std::string to = any({"", "1", "2", "3", "4", "5"});
        const std::string from = any({"", "1", "2", "3", "4", "5"});
        const bool expected = model.move(label, to, from);
        EXPECT_EQ(move(name, label, to, from).ok(), expected) << seed << " " << step << " " << label << " " << to << " " << from;
      }
      for (const std::string& label : kLabels) {
        const Got got = get(name, R"(,"VersionStage":")" + label + "\"");
        const auto holder = model.labels().find(label);
        const std::string expected = holder == model.labels().end() ? "(none)" : id(holder->second);
        ASSERT_EQ(got.at("VersionId"), expected) << "seed " << seed << ", step " << step << ", label " << label;
        if (holder != model.labels().end()) {
          ASSERT_EQ(got.at("SecretString"), model.value(holder->second));
        }
      }
    }
  }
}

}  // namespace
}  // namespace keyhold::engine
