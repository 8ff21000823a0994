#include "cli/policy_format.h"

namespace keyhold::cli {
namespace {

std::string formatted(std::string_view text) {
  hcl::Failure failure;
  const auto result = format_hcl(text, &failure);
  if (result.ok()) return *result;
  return "error at " + std::to_string(failure.at.line) + ": " + result.error().message;
}

TEST(PolicyFormat, IndentsAndAligns) {
  EXPECT_EQ(formatted("path   \"a/*\"{\n\n      capabilities=[\"read\" ,\"list\"]\n min_wrapping_ttl   =  \"1s\"\n\n\n\n allowed_parameters={\n\"*\"=[]\n}\n\n}\n\n"),
            "path \"a/*\" {\n"
            "  capabilities     = [\"read\", \"list\"]\n"
            "  min_wrapping_ttl = \"1s\"\n"
            "\n"
            "  allowed_parameters = {\n"
            "    \"*\" = []\n"
            "  }\n"
            "}\n");
}

TEST(PolicyFormat, KeepsCommentsAndLines) {
  constexpr std::string_view kText =
      "# Who reads.\n"
      "path \"a\" { capabilities = [\"read\"] } // one line\n"
      "/* of\n   two */\n"
      "path \"b#c\" {\n"
      "  # Inside.\n"
      "  capabilities = [\n"
      "    \"read\", # why\n"
      "    \"list\",\n"
      "  ]\n"
      "}\n";
  EXPECT_EQ(formatted(kText), kText);
}

TEST(PolicyFormat, IsDoneAfterOnce) {
  const std::string once = formatted("path \"a\" {capabilities=[\"read\"]\n}\npath \"b\" {\n policy=<<EOT\n  text {\nEOT\n x = 1\n}");
  EXPECT_EQ(formatted(once), once);
  EXPECT_NE(once.find("<<EOT\n  text {\nEOT\n"), std::string::npos) << once;
}

TEST(PolicyFormat, RefusesWhatItCannotRead) {
  EXPECT_TRUE(formatted("path \"a\" {\n  capabilities = [\n}").starts_with("error at 3")) << formatted("path \"a\" {\n  capabilities = [\n}");
  EXPECT_TRUE(formatted("{\"path\": {}}").starts_with("error")) << "JSON";
  EXPECT_EQ(formatted(""), "");
}

}  // namespace
}  // namespace keyhold::cli
