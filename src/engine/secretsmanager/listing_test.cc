#include <gtest/gtest.h>

#include "engine/secretsmanager/secretsmanager_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class SecretsManagerLists : public test::SecretsManagerTest {
 protected:
  /// Names of all pages, in order.
  std::string names(const std::string& inputs, std::optional<std::string> token = {}, int* pages = nullptr) {
    std::string all;
    std::string next;
    for (int page = 0; page < 100; ++page) {
      std::string body = "{" + inputs;
      if (!next.empty()) body += std::string(inputs.empty() ? "" : ",") + R"("NextToken":")" + next + "\"";
      const Got got = call("ListSecrets", body + "}", token);
      if (!got.ok()) return code(got);
      for (std::size_t at = 0; (at = got.data.find(R"("Name":")", at)) != std::string::npos;) {
        at += 8;
        all += got.data.substr(at, got.data.find('"', at) - at) + " ";
      }
      next = got.at("NextToken");
      if (pages != nullptr) *pages = page + 1;
      if (next == "(none)") return all;
    }
    return "endless";
  }
  std::string filtered(std::string_view key, std::string_view values) {
    return names(R"("Filters":[{"Key":")" + std::string(key) + R"(","Values":[)" + std::string(values) + "]}]");
  }
};

TEST_F(SecretsManagerLists, PagesInOrderOfNames) {
  for (const char* name : {"b", "a/x", "a", "c/y/z", "a/b"}) EXPECT_EQ(code(create(name, "x")), "ok");
  EXPECT_EQ(names(""), "a a/b a/x b c/y/z ");
  int pages = 0;
  EXPECT_EQ(names(R"("MaxResults":2)", {}, &pages), "a a/b a/x b c/y/z ");
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(names(R"("SortOrder":"desc")"), "c/y/z b a/x a/b a ");
  EXPECT_EQ(names(R"("SortOrder":"desc","MaxResults":2)"), "c/y/z b a/x a/b a ");
  for (const char* bad : {R"("MaxResults":0)", R"("MaxResults":101)", R"("SortBy":"size")", R"("SortOrder":"up")"}) {
    EXPECT_EQ(names(bad), "InvalidParameterException") << bad;
  }
  EXPECT_EQ(names(R"("NextToken":"AAAA")"), "InvalidNextTokenException");
  EXPECT_EQ(code(on("ListSecretVersionIds", "a", R"(,"NextToken":"AAAA")")), "InvalidNextTokenException");
}

TEST_F(SecretsManagerLists, SortsByDates) {
  for (const char* name : {"b", "a", "c"}) {
    EXPECT_EQ(code(create(name, "x")), "ok");
    clock_.advance_ms(1000);
  }
  EXPECT_EQ(names(R"("SortBy":"created-date")"), "b a c ");
  EXPECT_EQ(names(R"("SortBy":"created-date","SortOrder":"desc","MaxResults":1)"), "c a b ");
  EXPECT_EQ(code(put("b", "1", "y")), "ok");
  EXPECT_EQ(names(R"("SortBy":"last-changed-date")"), "a c b ");
}

TEST_F(SecretsManagerLists, FiltersByWhatTheyBeginWith) {
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"prod/db","Description":"The Orders database","Tags":[{"Key":"team","Value":"payments"}]})"), "ok");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"prod/api","Description":"a key","Tags":[{"Key":"Team","Value":"web"}]})"), "ok");
  EXPECT_EQ(outcome("CreateSecret", R"({"Name":"dev/db"})"), "ok");
  EXPECT_EQ(filtered("name", R"("prod/")"), "prod/api prod/db ");
  EXPECT_EQ(filtered("name", R"("prod/d")"), "prod/db ");
  EXPECT_EQ(filtered("name", R"("PROD")"), "");
  EXPECT_EQ(filtered("name", R"("!prod")"), "dev/db ");
  EXPECT_EQ(filtered("name", R"("dev","prod/api")"), "dev/db prod/api ");
  EXPECT_EQ(filtered("description", R"("the orders")"), "prod/db ");
  EXPECT_EQ(filtered("tag-key", R"("team")"), "prod/db ");
  EXPECT_EQ(filtered("tag-value", R"("web")"), "prod/api ");
  EXPECT_EQ(filtered("all", R"("DB")"), "dev/db prod/db ");
  EXPECT_EQ(filtered("all", R"("orders payments")"), "prod/db ");
  EXPECT_EQ(filtered("owning-service", R"("rds")"), "");
  EXPECT_EQ(names(R"("Filters":[{"Key":"name","Values":["prod"]},{"Key":"tag-key","Values":["team"]}])"), "prod/db ");
  EXPECT_EQ(filtered("size", R"("1")"), "InvalidParameterException");
  EXPECT_EQ(filtered("name", ""), "InvalidParameterException");
}

TEST_F(SecretsManagerLists, TellsOnlyOfWhatTheCallerMayDescribe) {
  for (const char* name : {"a/1", "b/1", "b/2"}) EXPECT_EQ(code(create(name, "x")), "ok");
  EXPECT_EQ(names("", with_policy(R"(path "secret/metadata/b/*" { capabilities = ["read"] })")), "b/1 b/2 ");
  EXPECT_EQ(names("", with_policy(R"(path "secret/data/*" { capabilities = ["read"] })")), "denied") << "nothing at all";
  const Got batch = call("BatchGetSecretValue", R"({"Filters":[{"Key":"name","Values":["b"]}],"MaxResults":1})",
                         with_policy(R"(path "secret/data/b/*" { capabilities = ["read"] })"));
  EXPECT_NE(batch.data.find(R"("Name":"b/1")"), std::string::npos);
  EXPECT_NE(batch.at("NextToken"), "(none)");
}

TEST_F(SecretsManagerLists, ManyInvisibleSecretsEndAPageEarlyAndNotTheList) {
  for (int i = 0; i < 1200; ++i) node_.write("secret/data/a/" + std::to_string(i), R"({"data":{}})");
  EXPECT_EQ(code(create("z", "x")), "ok");
  int pages = 0;
  EXPECT_EQ(names("", with_policy(R"(path "secret/metadata/z" { capabilities = ["read"] })"), &pages), "z ");
  EXPECT_EQ(pages, 2);
}

TEST_F(SecretsManagerLists, VersionsNewestFirst) {
  EXPECT_EQ(code(create("a", "0")), "ok");
  for (const char* version : {"1", "2", "3"}) EXPECT_EQ(code(put("a", version, version)), "ok");
  const auto ids = [](const Got& got) {
    std::string all;
    for (std::size_t at = 0; (at = got.data.find(R"("VersionId":")", at)) != std::string::npos;) {
      at += 13;
      const std::string whole = got.data.substr(at, got.data.find('"', at) - at);
      all += whole.substr(whole.size() - 1) + " ";
    }
    return all;
  };
  EXPECT_EQ(ids(on("ListSecretVersionIds", "a")), "3 2 ");
  const Got first = on("ListSecretVersionIds", "a", R"(,"IncludeDeprecated":true,"MaxResults":3)");
  EXPECT_EQ(ids(first), "3 2 1 ");
  EXPECT_EQ(on("ListSecretVersionIds", "a", R"(,"IncludeDeprecated":true,"MaxResults":3,"NextToken":")" + first.at("NextToken") + "\"").at("NextToken"), "(none)");
}

}  // namespace
}  // namespace keyhold::engine
