#include "crypto/random.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace keyhold::crypto {
namespace {

TEST(OsRng, DrawsDifferentBytesOfEverySize) {
  OsRng rng;
  std::set<std::string> seen;
  for (std::size_t size = 16; size < 10'000; size += size / 8) {
    for (int i = 0; i < 20; ++i) {
      const std::string bytes = rng.bytes(size);
      ASSERT_EQ(bytes.size(), size);
      EXPECT_TRUE(seen.insert(bytes.substr(0, 16)).second);
      EXPECT_TRUE(seen.insert(bytes.substr(size - 16) + "end").second);
    }
  }
}

TEST(OsRng, UsesAllValuesOfAByte) {
  OsRng rng;
  std::set<char> seen;
  for (int i = 0; i < 1000; ++i) {
    for (const char byte : rng.bytes(64)) seen.insert(byte);
  }
  EXPECT_EQ(seen.size(), 256u);
}

TEST(OsRng, DrawsOtherBytesInAForkedChild) {
  constexpr std::size_t kBytes = 32;
  OsRng rng;
  rng.number();  // So that there is a block to inherit.
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string drawn = rng.bytes(kBytes);
    _exit(write(ends[1], drawn.data(), kBytes) == static_cast<ssize_t>(kBytes) ? 0 : 1);
  }
  const std::string own = rng.bytes(kBytes);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  std::string of_child(kBytes, '\0');
  ASSERT_EQ(read(ends[0], of_child.data(), kBytes), static_cast<ssize_t>(kBytes));
  EXPECT_NE(own, of_child);
  EXPECT_NE(of_child, std::string(kBytes, '\0'));
  close(ends[0]);
  close(ends[1]);
}

TEST(OsRng, DrawsOtherBytesInEveryThread) {
  OsRng rng;
  std::string of_thread;
  std::thread([&] { of_thread = rng.bytes(32); }).join();
  EXPECT_NE(of_thread, rng.bytes(32));
}

TEST(SeededRng, RepeatsItself) {
  SeededRng first(7);
  SeededRng second(7);
  SeededRng other(8);
  const std::string bytes = first.bytes(1000);
  EXPECT_EQ(second.bytes(1000), bytes);
  EXPECT_NE(other.bytes(1000), bytes);
  EXPECT_NE(first.bytes(1000), bytes);
}

TEST(Rng, FillsItsTypes) {
  SeededRng rng(9);
  EXPECT_EQ(rng.key(32).size(), 32u);
  EXPECT_EQ(rng.secret(1000).size(), 1000u);
  EXPECT_EQ(rng.bytes(0), "");
  EXPECT_NE(rng.number(), rng.number());
}

/// Bytes 0, 1, 2, … over and over.
class CountingRng final : public Rng {
 public:
  void fill(std::span<char> out) override {
    for (char& byte : out) byte = static_cast<char>(next_++);
  }

 private:
  unsigned char next_ = 0;
};

TEST(Rng, ChoosesBase62DigitsEvenly) {
  CountingRng rng;
  const SecretBytes text = rng.base62(4 * 62 * 10);
  std::map<char, int> counts;
  for (const char digit : text.reveal()) ++counts[digit];
  EXPECT_EQ(counts.size(), 62u);
  for (const auto& [digit, count] : counts) {
    EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(digit))) << digit;
    EXPECT_EQ(count, 40) << digit;
  }
}

}  // namespace
}  // namespace keyhold::crypto
