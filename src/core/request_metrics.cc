#include "core/request_metrics.h"

#include <algorithm>

#include "core/audit_record.h"

namespace keyhold::core {
namespace {

constexpr std::array kCodes{Code::kInvalid,     Code::kDenied,   Code::kNotFound, Code::kUnsupported, Code::kTooLarge,
                            Code::kMediaType,   Code::kLimited,  Code::kSealed,   Code::kUnavailable, Code::kConflict,
                            Code::kMiss,        Code::kUnknown,  Code::kCorrupt,  Code::kInternal};
constexpr std::size_t kOk = kCodes.size();
constexpr std::size_t kNothingThere = kOk + 1;

std::string_view word_of(std::size_t outcome) {
  if (outcome == kOk) return "ok";
  return outcome == kNothingThere ? outcome_word(Code::kNotFound) : outcome_word(kCodes[outcome]);
}

constexpr std::array kCounted{Capability::kRead, Capability::kList, Capability::kCreate, Capability::kUpdate, Capability::kPatch, Capability::kDelete};

std::size_t bucket_of(std::int64_t took_us) {
  const auto bound = std::find_if(RequestTotals::kBoundsUs.begin(), RequestTotals::kBoundsUs.end(), [&](std::int64_t most) { return took_us <= most; });
  return static_cast<std::size_t>(bound - RequestTotals::kBoundsUs.begin());
}

}  // namespace

void RequestMetrics::answered(Api api, std::optional<Code> error, bool found, keys::MountId mount, Capability used, std::int64_t took_us) {
  static_assert(kNothingThere < kOutcomes && kCounted.size() == kCapabilities);
  OfApi& of_api = apis_[static_cast<std::size_t>(api)];
  std::size_t outcome = found ? kOk : kNothingThere;
  if (error) outcome = static_cast<std::size_t>(std::find(kCodes.begin(), kCodes.end(), *error) - kCodes.begin());
  const auto spent_us = static_cast<std::uint64_t>(std::max<std::int64_t>(0, took_us));
  of_api.outcomes[outcome].add(1);
  of_api.buckets[bucket_of(took_us)].add(1);
  of_api.sum_us.add(spent_us);
  const auto counted = std::find(kCounted.begin(), kCounted.end(), used);
  if (counted == kCounted.end() || mount == 0) return;
  OfMount* const routes = of_mount(mount);
  if (routes == nullptr) return;
  OfRoute& route = (*routes)[static_cast<std::size_t>(counted - kCounted.begin())];
  route.count.add(1);
  route.sum_us.add(spent_us);
}

RequestMetrics::OfMount* RequestMetrics::of_mount(keys::MountId mount) {
  if (const auto known = mounts_.find(mount); known != mounts_.end()) return known->second.get();
  if (mounts_.size() >= kMountsMax) return nullptr;
  MutexLock lock(mutex_);
  return mounts_.emplace(mount, std::make_unique<OfMount>()).first->second.get();
}

void RequestMetrics::add_to(RequestTotals& totals) const {
  std::uint64_t answered = 0;
  const std::uint64_t begun = begun_.value();
  for (std::size_t i = 0; i < kApis; ++i) {
    const OfApi& mine = apis_[i];
    RequestTotals::OfApi& sum = totals.apis[static_cast<Api>(i)];
    for (std::size_t outcome = 0; outcome <= kNothingThere; ++outcome) {
      const std::uint64_t count = mine.outcomes[outcome].value();
      if (count != 0) sum.outcomes[word_of(outcome)] += count;
      answered += count;
    }
    // The buckets make up the count, so that both agree while others count on.
    for (std::size_t bucket = 0; bucket < RequestTotals::kBuckets; ++bucket) {
      sum.buckets[bucket] += mine.buckets[bucket].value();
      sum.count += mine.buckets[bucket].value();
    }
    sum.sum_us += mine.sum_us.value();
  }
  totals.in_flight += std::max<std::int64_t>(0, static_cast<std::int64_t>(begun) - static_cast<std::int64_t>(answered));
  MutexLock lock(mutex_);
  for (const auto& [mount, routes] : mounts_) {
    for (std::size_t i = 0; i < kCapabilities; ++i) {
      const OfRoute& mine = (*routes)[i];
      if (mine.count.value() == 0) continue;
      RequestTotals::OfRoute& sum = totals.routes[{mount, to_string(kCounted[i])}];
      sum.count += mine.count.value();
      sum.sum_us += mine.sum_us.value();
    }
  }
}

}  // namespace keyhold::core
