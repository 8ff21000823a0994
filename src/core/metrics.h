#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "core/request_metrics.h"

namespace keyhold::core {

/// One figure, as sys/metrics tells it. No name and no label holds anything that a secret or a stranger says.
struct MetricSample {
  enum class Kind : std::uint8_t { kGauge, kCounter, kSummary, kHistogram };
  std::string name;  // With dots, as Vault's telemetry pages write it: "vault.core.unsealed".
  std::string_view help;
  Kind kind = Kind::kGauge;
  double value = 0;  // Of summaries and histograms the sum.
  std::vector<std::pair<std::string, std::string>> labels{};
  std::uint64_t count = 0;                                   // Of summaries and histograms.
  std::vector<std::pair<double, std::uint64_t>> buckets{};  // Of histograms: a bound, and how many are within it.
};

/// What is counted, by whom it may be, and read when somebody asks.
///
/// threads   Any; threads and sources are added before the first request.
class Metrics {
 public:
  /// Of one more thread that answers requests.
  RequestMetrics& add_thread() {
    MutexLock lock(mutex_);
    return *threads_.emplace_back(std::make_unique<RequestMetrics>());
  }

  using Source = std::function<void(std::vector<MetricSample>& out)>;
  void add_source(Source source) {
    MutexLock lock(mutex_);
    sources_.push_back(std::move(source));
  }

  RequestTotals totals() const {
    RequestTotals totals;
    MutexLock lock(mutex_);
    for (const auto& thread : threads_) thread->add_to(totals);
    return totals;
  }
  /// What the sources say, each asked under the lock: they ask nothing back.
  std::vector<MetricSample> samples() const {
    std::vector<MetricSample> samples;
    MutexLock lock(mutex_);
    for (const Source& source : sources_) source(samples);
    return samples;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<RequestMetrics>> threads_ GUARDED_BY(mutex_);
  std::vector<Source> sources_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
