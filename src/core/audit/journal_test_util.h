#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/key_bytes.h"
#include "core/audit/file_calls.h"
#include "core/audit/journal.h"
#include "crypto/ed25519.h"

namespace keyhold::core::audit {

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string shape = (std::filesystem::temp_directory_path() / "keyhold-audit-XXXXXX").string();
    path_ = ::mkdtemp(shape.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline std::shared_ptr<const crypto::Ed25519Signer> make_signer(char fill = 'k') {
  auto signer = crypto::Ed25519Signer::from_seed(KeyBytes::copy_of(std::string(32, fill)));
  return std::make_shared<const crypto::Ed25519Signer>(std::move(signer).value());
}

/// System calls that fail on demand, until told otherwise.
class FaultyCalls final : public FileCalls {
 public:
  std::atomic<int> write_error{0};
  std::atomic<long> write_bytes_max{-1};  // A longer write stops here.
  std::atomic<int> truncate_error{0};
  std::atomic<int> sync_error{0};
  std::atomic<int> syncs{0};
  std::atomic<int> writes{0};

  ssize_t write(int fd, const char* data, std::size_t size) override {
    ++writes;
    if (fail(write_error)) return -1;
    const long most = write_bytes_max;
    return FileCalls::write(fd, data, most >= 0 ? std::min<std::size_t>(size, static_cast<std::size_t>(most)) : size);
  }
  int truncate(int fd, off_t size) override { return fail(truncate_error) ? -1 : FileCalls::truncate(fd, size); }
  int sync_data(int fd) override {
    ++syncs;
    return fail(sync_error) ? -1 : FileCalls::sync_data(fd);
  }

 private:
  static bool fail(int error) {
    errno = error;
    return error != 0;
  }
};

inline std::unique_ptr<Journal> open_or_die(const JournalOptions& options, const Clock& clock) {
  auto journal = Journal::open(options, clock);
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  return std::move(journal).value();
}

inline std::unique_ptr<Journal> open_or_die(const JournalOptions& options, const Clock& clock, FileCalls& calls) {
  auto journal = Journal::open(options, clock, calls);
  EXPECT_TRUE(journal.ok()) << journal.error().message;
  return std::move(journal).value();
}

inline std::string record(int number) { return "\"type\":\"request\",\"n\":" + std::to_string(number); }

inline Result<void> write_records(JournalStream& stream, int first, int count) {
  for (int i = 0; i < count; ++i) stream.append(record(first + i));
  return stream.write();
}

inline Result<void> sync_and_wait(JournalStream& stream) {
  std::promise<Result<void>> done;
  auto outcome = done.get_future();
  stream.sync([&](Result<void> result) { done.set_value(std::move(result)); });
  return outcome.get();
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_file(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
}

inline std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin + 1));
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

inline std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

/// A file in memory, which a path leads to.
class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("journal", MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void set(std::string_view content) const {
    EXPECT_EQ(::ftruncate(fd_, static_cast<off_t>(content.size())), 0);
    EXPECT_EQ(::pwrite(fd_, content.data(), content.size(), 0), static_cast<ssize_t>(content.size()));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

/// The journal files in a directory, by name.
inline std::vector<std::string> journal_files(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".jsonl") names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// All problems of a directory as one text; empty when it is good.
inline std::string problems_of(const std::string& directory, std::string_view public_key = {}) {
  const auto report = verify_directory(directory, public_key);
  if (!report.ok()) return report.error().message;
  std::string text;
  for (const Problem& problem : report->problems) text += problem.file + ": " + problem.message + "\n";
  return text;
}

inline std::uint64_t records_in(const std::string& directory) {
  const auto report = verify_directory(directory, {});
  std::uint64_t records = 0;
  if (report.ok()) {
    for (const StreamReport& stream : report->streams) records += stream.total.records;
  }
  return records;
}

}  // namespace keyhold::core::audit
