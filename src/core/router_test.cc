#include "core/router.h"

#include <gtest/gtest.h>

#include "core/test_support/box_engine.h"
#include "core/test_support/test_node.h"

namespace keyhold::core {
namespace {

/// "box" is mounted at "box/" and, deeper, at "box/deep/"; as "system" it also answers sealed.
class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    router_.add("box", box_);
    router_.add("system", box_);
    node_.initialize();
    outer_ = node_.put_mount("box/", "box");
    inner_ = node_.put_mount("box/deep/", "box");
    node_.put_mount("gone/", "of another program");
    EXPECT_TRUE(node_.node().config().refresh().ok());
    config_ = node_.node().config().snapshot().load();
  }

  /// "<mount path> <route> <value>…", or the word for the error.
  std::string match(Operation operation, std::string_view path) {
    const auto found = router_.match(*config_, keys::kRootNamespace, operation, path);
    if (!found.ok()) {
      return found.code() == Code::kNotFound ? "not-found" : found.code() == Code::kUnsupported ? "unsupported" : "invalid";
    }
    std::string text = found->mount->record.path() + " " + std::string(found->route->info->path);
    for (const std::string_view value : found->path_values) text.append(" ").append(value);
    return text;
  }

  FakeClock clock_;
  storage::MemoryStorage store_{clock_};
  test::BoxEngine box_;
  Router router_;
  test::TestNode node_{store_, clock_, [](Router&, Node&) {}};
  Snapshot<Config>::Pointer config_;
  keys::MountId outer_ = 0;
  keys::MountId inner_ = 0;
};

TEST_F(RouterTest, TheLongestMountTakesThePath) {
  EXPECT_EQ(match(Operation::kRead, "box/item/a"), "box/ item/{name...} a");
  EXPECT_EQ(match(Operation::kRead, "box/deep/item/a"), "box/deep/ item/{name...} a");
  EXPECT_EQ(match(Operation::kRead, "box/deeper/item/a"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "boxes/item/a"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "box"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "gone/item/a"), "not-found");
}

TEST_F(RouterTest, ParametersTakeOneSegmentAndTheLastMayTakeTheRest) {
  EXPECT_EQ(match(Operation::kRead, "box/item/a/b/c"), "box/ item/{name...} a/b/c");
  EXPECT_EQ(match(Operation::kRead, "box/pair/a/and/b"), "box/ pair/{left}/and/{right} a b");
  EXPECT_EQ(match(Operation::kRead, "box/pair/a/or/b"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "box/pair/a/and"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "box/pair/a/and/b/c"), "not-found");
  EXPECT_EQ(match(Operation::kRead, "box/item"), "not-found") << "only a folder may have an empty rest";
  EXPECT_EQ(match(Operation::kRead, "box/items/a"), "not-found");
}

TEST_F(RouterTest, ARestMayEndBeforePlainSegments) {
  EXPECT_EQ(match(Operation::kRead, "box/rest/a/end"), "box/ rest/{name...}/end a");
  EXPECT_EQ(match(Operation::kRead, "box/rest/a/b/end"), "box/ rest/{name...}/end a/b");
  EXPECT_EQ(match(Operation::kRead, "box/rest/end/end"), "box/ rest/{name...}/end end");
  EXPECT_EQ(match(Operation::kUpdate, "box/rest/a/end"), "unsupported");
  for (const char* path : {"box/rest/end", "box/rest/a/ends", "box/rest/a/the-end", "box/rest/a/end/b", "box/rest/a"}) {
    EXPECT_EQ(match(Operation::kRead, path), "not-found") << path;
  }
  EXPECT_EQ(match(Operation::kList, "box/rest/a/end/"), "unsupported");
}

TEST_F(RouterTest, NamesThoseOfAKind) {
  EXPECT_EQ(router_.kind_of("box"), MountKind::kBuiltIn);
  EXPECT_EQ(router_.kind_of("none"), std::nullopt);
  router_.add("kept", box_, MountKind::kSecrets);
  router_.add_name("also-kept", "kept");
  EXPECT_EQ(router_.names_of(MountKind::kSecrets), (std::vector<std::string_view>{"also-kept", "kept"}));
  EXPECT_TRUE(router_.names_of(MountKind::kAuth).empty());
}

TEST_F(RouterTest, AKnownPathWithAnotherOperationIsUnsupported) {
  EXPECT_EQ(match(Operation::kPatch, "box/item/a"), "unsupported");
  EXPECT_EQ(match(Operation::kRead, "box/count/a"), "unsupported");
  EXPECT_EQ(match(Operation::kUpdate, "box/none/a"), "not-found");
}

TEST_F(RouterTest, AListEndsWithASlashAndItsRestMayBeEmpty) {
  EXPECT_EQ(match(Operation::kList, "box/item/"), "box/ item/{name...} ");
  EXPECT_EQ(match(Operation::kList, "box/item/a/"), "box/ item/{name...} a/");
}

TEST_F(RouterTest, ATrailingSlashIsRefusedUnlessTheRouteIgnoresIt) {
  EXPECT_EQ(match(Operation::kRead, "box/item/a/"), "invalid");
  EXPECT_EQ(match(Operation::kDelete, "box/item/a/"), "box/ item/{name...} a");
  const auto found = router_.match(*config_, keys::kRootNamespace, Operation::kDelete, "box/item/a/");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->path, "box/item/a") << "what the policy is asked about";
}

TEST_F(RouterTest, AnotherNamespaceHasNoneOfTheseMounts) {
  EXPECT_FALSE(router_.match(*config_, keys::kRootNamespace + 1, Operation::kRead, "box/item/a").ok());
}

TEST_F(RouterTest, SealedOnlyWhatIsAlwaysAvailableMatches) {
  EXPECT_TRUE(router_.match_sealed(Operation::kRead, "sys/open").ok());
  for (const std::string_view path : {"sys/item/a", "sys/none", "open", "box/open", "sys", "sys/"}) {
    const auto found = router_.match_sealed(Operation::kRead, path);
    ASSERT_FALSE(found.ok()) << path;
    EXPECT_EQ(found.code(), Code::kSealed) << path;
  }
  EXPECT_FALSE(router_.match_sealed(Operation::kUpdate, "sys/open").ok());
}

}  // namespace
}  // namespace keyhold::core
