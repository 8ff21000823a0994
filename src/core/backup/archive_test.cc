#include "core/backup/archive.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhold::core::backup {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

std::string written(const Files& files) {
  std::string bytes;
  ArchiveWriter writer([&bytes](std::string_view part) -> Result<void> {
    bytes.append(part);
    return {};
  });
  for (const auto& [name, content] : files) EXPECT_TRUE(writer.add(name, content).ok());
  EXPECT_TRUE(writer.finish().ok());
  return bytes;
}

Result<Files> read(std::string_view bytes) {
  ArchiveReader reader([&bytes](std::size_t wanted) -> Result<std::string> {
    std::string part(bytes.substr(0, wanted));
    bytes.remove_prefix(part.size());
    return part;
  });
  Files files;
  for (;;) {
    TRY_ASSIGN(auto file, reader.next());
    if (!file) return files;
    files.emplace_back(std::move(file->name), std::move(file->content));
  }
}

TEST(Archive, GivesBackWhatWasPutIn) {
  // Sizes around those of tar's blocks and deflate's.
  for (const std::size_t size : {0, 1, 511, 512, 513, 65'535 - 512, 65'535, 65'536, 3 * 65'535 - 2 * 512, 1'000'000}) {
    const Files files{{"one", std::string(size, 'x')}, {"folder/two", "second"}};
    const auto back = read(written(files));
    ASSERT_TRUE(back.ok()) << size;
    EXPECT_EQ(*back, files) << size;
  }
  EXPECT_EQ(*read(written({})), Files{});
}

TEST(Archive, NoBitOfItMayDiffer) {
  const std::string good = written({{"name", "content"}, {"other", std::string(600, 'y')}});
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      EXPECT_FALSE(read(bad).ok()) << at << "/" << bit;
    }
  }
}

TEST(Archive, NoByteOfItMayBeMissingOrMore) {
  const std::string good = written({{"name", std::string(70'000, 'z')}});
  for (std::size_t size = 0; size < good.size(); size += size < 2'000 || size + 3'000 > good.size() ? 1 : 997) {
    EXPECT_EQ(read(good.substr(0, size)).code(), Code::kInvalid) << size;
  }
  EXPECT_FALSE(read(good + '\0').ok());
  EXPECT_FALSE(read(good + good).ok());
}

}  // namespace
}  // namespace keyhold::core::backup
