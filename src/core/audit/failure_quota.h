#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace keyhold::core::audit {

/// Keeps failed authentication from filling the disk: the first failures of a source are recorded one by one, the
/// others counted and summed up in a record every kWindowMs.
///
/// threads   Any.
class FailureQuota {
 public:
  static constexpr std::int64_t kWindowMs = 10'000;
  static constexpr std::uint64_t kSourceRecordsMax = 5;  // A window and source: a mistyped password is seen in full.
  static constexpr std::uint64_t kRecordsMax = 500;      // A window: 3 GB a day at worst, with records of 700 bytes.
  /// Of what strangers may do (unsealing), which is refused when it cannot be recorded: all 255 shares, and some again.
  static constexpr std::uint64_t kSourceActsMax = 300;
  static constexpr std::uint64_t kActsMax = 1000;
  static constexpr std::size_t kSourcesMax = 1024;       // Counted apart; bounds memory and the summaries.
  static constexpr std::size_t kSourceBytesMax = 64;     // Longer names are summed with the others.
  static constexpr std::string_view kOther = "other";

  enum class Decision : std::uint8_t {
    kRecord,  // Write a record of its own.
    kCount,   // Counted here: drain() will tell.
  };

  struct Bounds {
    std::uint64_t source_records_max = kSourceRecordsMax;
    std::uint64_t records_max = kRecordsMax;
  };
  FailureQuota() = default;
  explicit FailureQuota(const Bounds& bounds) : bounds_(bounds) {}

  /// Notes one failure. `source` is an address; those of an IPv6 /64 are one source, since a client has a whole one.
  Decision admit(std::string_view source, MonotonicMillis now_ms) EXCLUDES(mutex_);

  /// Failures that were only counted.
  struct Summary {
    std::string source;  // kOther: of all the sources there was no room for.
    std::uint64_t failures = 0;
    std::int64_t span_ms = 0;  // From the first to the last.
  };
  /// What was counted since the last time, a summary for each source; nothing if that was less than kWindowMs ago.
  std::vector<Summary> drain(MonotonicMillis now_ms) EXCLUDES(mutex_);
  /// The same at once, before the end.
  std::vector<Summary> drain_all(MonotonicMillis now_ms) EXCLUDES(mutex_);

 private:
  struct Window {
    MonotonicMillis begin_ms = 0;
    std::uint64_t recorded = 0;
    void move_to(MonotonicMillis now_ms);
  };
  struct Source {
    Window window;
    std::uint64_t counted = 0;
    MonotonicMillis first_ms = 0;  // Counted.
    MonotonicMillis last_ms = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  Source& find(std::string_view source, MonotonicMillis now_ms) REQUIRES(mutex_);
  std::vector<Summary> take(MonotonicMillis now_ms) REQUIRES(mutex_);

  const Bounds bounds_{};
  Mutex mutex_;
  std::unordered_map<std::string, Source, Hash, std::equal_to<>> sources_ GUARDED_BY(mutex_);
  Source other_ GUARDED_BY(mutex_);
  Window all_ GUARDED_BY(mutex_);
  MonotonicMillis drained_ms_ GUARDED_BY(mutex_) = 0;
};

}  // namespace keyhold::core::audit
