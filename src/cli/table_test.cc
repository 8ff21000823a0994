#include "cli/table.h"

#include <unistd.h>

namespace keyhold::cli {
namespace {

std::string printed(const Table& table, std::size_t width_max) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  Output out(ends[1], false, false);
  table.print(out, width_max);
  out.flush();
  ::close(ends[1]);
  char text[4096];
  const ssize_t size = ::read(ends[0], text, sizeof text);
  ::close(ends[0]);
  return std::string(text, static_cast<std::size_t>(size));
}

TEST(Table, LooksLikeVaults) {
  Table table({"Key", "Value"});
  table.row({"refresh_interval", "768h"});
  table.row({"foo", "ends with spaces  "});
  table.row({"nothing", ""});
  EXPECT_EQ(printed(table, 0),
            "Key                 Value\n"
            "---                 -----\n"
            "refresh_interval    768h\n"
            "foo                 ends with spaces  \n"
            "nothing             n/a\n");
}

TEST(Table, NeverCutsTheValuesOfTwoColumns) {
  Table table({"Key", "Value"});
  table.row({"k", std::string(100, 'x')});
  EXPECT_NE(printed(table, 20).find(std::string(100, 'x')), std::string::npos);
}

TEST(Table, FitsWiderTablesIntoTheTerminal) {
  Table table({"Path", "Type", "Description"});
  table.row({"secret/", "kv", "a long description é of this mount"});
  EXPECT_EQ(printed(table, 40),
            "Path       Type    Description\n"
            "----       ----    -----------\n"
            "secret/    kv      a long description é…\n");
  EXPECT_NE(printed(table, 0).find("of this mount\n"), std::string::npos);
}

TEST(Table, CountsCharacters) {
  Table table({"A", "B"});
  table.row({"é", "1"});
  EXPECT_EQ(printed(table, 0), "A    B\n-    -\né    1\n");
}

TEST(Table, HeadsSectionsLikeVault) {
  EXPECT_EQ(section_heading("Metadata", 24), "======= Metadata =======");
  EXPECT_EQ(section_heading("Data", 17), "====== Data ======");
  EXPECT_EQ(section_heading("Secret Path", 3), "== Secret Path ==");
}

}  // namespace
}  // namespace keyhold::cli
