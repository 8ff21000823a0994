#include "base/flags.h"

#include <array>

namespace keyhold {
namespace {

using Takes = Flag::Takes;
constexpr std::array kOwn{Flag{.name = "field"}, Flag{.name = "force", .takes = Takes::kNothing, .alias = "f"},
                          Flag{.name = "policy", .takes = Takes::kValues}};
constexpr std::array kOther{Flag{.name = "address"}};

Result<Arguments> parse(std::vector<std::string_view> words) {
  static const std::array<std::span<const Flag>, 2> kFlags{kOwn, kOther};
  return Arguments::parse(kFlags, words);
}

TEST(Arguments, ReadsGosFormsOfFlags) {
  const auto arguments = parse({"-field=a", "--address", "b", "-force", "path"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->value("field"), "a");
  EXPECT_EQ(arguments->value("address"), "b");
  EXPECT_TRUE(arguments->on("force"));
  EXPECT_EQ(arguments->positional(0), "path");
  EXPECT_EQ(arguments->positional(1), "");
}

TEST(Arguments, TakesFlagsAfterArguments) {
  const auto arguments = parse({"path", "k=v", "-field", "x", "-"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->value("field"), "x");
  EXPECT_EQ(arguments->positional(), (std::vector<std::string_view>{"path", "k=v", "-"}));
}

TEST(Arguments, EndsFlagsAtTwoDashes) {
  const auto arguments = parse({"--", "-field=x"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_FALSE(arguments->has("field"));
  EXPECT_EQ(arguments->positional(0), "-field=x");
}

TEST(Arguments, RepeatsOnlyWhatMayBeRepeated) {
  const auto arguments = parse({"-policy=a", "-policy", "b"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_EQ(arguments->values("policy"), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_FALSE(parse({"-field=a", "-field=b"}).ok());
}

TEST(Arguments, SwitchesAreTrueOrFalse) {
  EXPECT_FALSE(parse({"-force=false"})->on("force"));
  EXPECT_TRUE(parse({"-force=false"})->has("force"));
  EXPECT_TRUE(parse({"-f"})->on("force"));
  EXPECT_TRUE(parse({"-f=T"})->on("force"));
  EXPECT_FALSE(parse({"-force=perhaps"}).ok());
}

TEST(Arguments, RefusesWhatIsUnknownOrLacksAValue) {
  EXPECT_EQ(parse({"-nothing"}).error().message, "there is no flag -nothing");
  EXPECT_EQ(parse({"-nothing=secret"}).error().message, "there is no flag -nothing") << "a value may be secret";
  EXPECT_EQ(parse({"-field"}).error().message, "the flag -field needs a value");
}

}  // namespace
}  // namespace keyhold
