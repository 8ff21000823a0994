#include "core/audit/forward/cursor.h"

#include <gtest/gtest.h>

#include "core/audit/journal_test_util.h"

namespace keyhold::core::audit {
namespace {

Cursor sample() {
  Cursor cursor;
  cursor.streams[0] = {.from = {.file = 1, .offset = 10, .sequence = 2, .chain = crypto::sha256("a")},
                       .through = {.file = 5, .offset = 20, .sequence = 9, .chain = crypto::sha256("b")}};
  cursor.streams[3] = {};
  return cursor;
}

TEST(Cursor, ComesBackAsItWas) {
  const auto parsed = Cursor::parse(sample().text());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text(), sample().text());
  EXPECT_EQ(parsed->streams.at(0).through.sequence, 9u);
  EXPECT_TRUE(Cursor::parse(Cursor().text()));
}

TEST(Cursor, EveryChangedBitAndEveryCutIsNoticed) {
  const std::string whole = sample().text();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(Cursor::parse(changed)) << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(Cursor::parse(whole.substr(0, size))) << size;
}

TEST(Cursor, IsKeptBesideTheJournal) {
  const TemporaryDirectory directory;
  EXPECT_EQ(load_cursor(directory.path(), "siem").code(), Code::kNotFound);
  ASSERT_TRUE(save_cursor(directory.path(), "siem", sample()).ok());
  const auto loaded = load_cursor(directory.path(), "siem");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->text(), sample().text());
  write_file(directory / "siem.cursor", "{}");
  EXPECT_EQ(load_cursor(directory.path(), "siem").code(), Code::kCorrupt);
}

}  // namespace
}  // namespace keyhold::core::audit
