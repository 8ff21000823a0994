#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/storage.h"

#define ASSERT_OK(expression)                                                                \
  do {                                                                                       \
    const auto& assert_ok = (expression);                                                    \
    ASSERT_TRUE(assert_ok.ok()) << #expression << ": " << ::keyhold::storage::explain(assert_ok); \
  } while (false)

namespace keyhold::storage {

template <typename T>
std::string explain(const Result<T>& result) {
  return result.ok() ? "ok" : result.error().message;
}
inline std::string explain(const Outcome& outcome) {
  return "outcome " + std::to_string(static_cast<int>(outcome.kind)) + " " + outcome.error.message;
}

/// A directory of this test alone, removed at the end; in memory where the machine allows, as the tests make their own faults.
class TempDirectory {
 public:
  TempDirectory() {
    const char* base = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string name = std::string(base) + "/keyhold-storage-XXXXXX";
    CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// Waits for a condition that another thread brings about; false when it did not come within 20 s.
inline bool await(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// `count`, times KEYHOLD_TEST_SCALE for the long forms of the loops.
inline int rounds(int count) {
  const char* scale = ::getenv("KEYHOLD_TEST_SCALE");
  return count * (scale == nullptr ? 1 : std::max(1, ::atoi(scale)));
}

/// Runs `work` in several threads, for loops that wait for the disk more than they compute.
inline void in_lanes(int lanes, const std::function<void(int lane)>& work) {
  std::vector<std::thread> threads;
  for (int lane = 0; lane < lanes; ++lane) threads.emplace_back([&work, lane] { work(lane); });
  for (std::thread& thread : threads) thread.join();
}

/// Counts down as commits end, keeping their outcomes.
class Outcomes {
 public:
  CommitDone expect() {
    const MutexLock lock(mutex_);
    const std::size_t index = outcomes_.size();
    outcomes_.emplace_back();
    ++waiting_;
    return [this, index](Outcome outcome) {
      const MutexLock done_lock(mutex_);
      outcomes_[index] = std::move(outcome);
      --waiting_;
      changed_.notify_all();
    };
  }
  /// Outcomes in the order of expect(), once all are there.
  std::vector<Outcome> all() {
    const MutexLock lock(mutex_);
    while (waiting_ > 0) changed_.wait(mutex_);
    return outcomes_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Outcome> outcomes_ GUARDED_BY(mutex_);
  std::size_t waiting_ GUARDED_BY(mutex_) = 0;
};

/// Keeps what a watch delivers, as lines such as "5 +a -b" and "reset 7".
class RecordingWatcher final : public Watcher {
 public:
  void on_changes(std::span<const Change> changes, Version at) override {
    std::string line = std::to_string(at);
    for (const Change& change : changes) {
      line += change.erased ? " -" : " +";
      line += change.key;
    }
    const MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  void on_reset(Version at) override {
    const MutexLock lock(mutex_);
    lines_.push_back("reset " + std::to_string(at));
  }
  std::vector<std::string> lines() const {
    const MutexLock lock(mutex_);
    return lines_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
};

inline Batch writes(std::vector<Operation> operations) {
  return {.conditions = {}, .operations = std::move(operations), .request_id = {}};
}
inline Batch batch(std::vector<Condition> conditions, std::vector<Operation> operations) {
  return {.conditions = std::move(conditions), .operations = std::move(operations), .request_id = {}};
}
inline RequestId request_id(std::uint32_t number) {
  RequestId id{};
  id[0] = 1;
  for (int i = 0; i < 4; ++i) id[1 + i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}
inline Batch named(Batch batch, std::uint32_t number) {
  batch.request_id = request_id(number);
  return batch;
}

/// The value of `key`, or "(absent)", or "(error)".
inline std::string value_of(const Storage& store, std::string_view key) {
  const auto entry = store.get(key);
  if (!entry.ok()) return "(error)";
  return entry->has_value() ? (*entry)->value : "(absent)";
}

}  // namespace keyhold::storage
