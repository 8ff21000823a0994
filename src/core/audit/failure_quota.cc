#include "core/audit/failure_quota.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kNetworkBytes = 8;  // Of an IPv6 address, the /64.

/// The network of an IPv6 address, or what was given.
std::string group_of(std::string_view source) {
  std::string text(source.substr(0, FailureQuota::kSourceBytesMax + 1));
  in6_addr address;
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address)) return text;
  std::fill(std::begin(address.s6_addr) + kNetworkBytes, std::end(address.s6_addr), 0);
  std::array<char, INET6_ADDRSTRLEN> network;
  return std::string(inet_ntop(AF_INET6, &address, network.data(), network.size())) + "/64";
}

}  // namespace

void FailureQuota::Window::move_to(MonotonicMillis now_ms) {
  if (now_ms - begin_ms < kWindowMs) return;
  begin_ms = now_ms;
  recorded = 0;
}

FailureQuota::Source& FailureQuota::find(std::string_view source, MonotonicMillis now_ms) {
  if (const auto found = sources_.find(source); found != sources_.end()) return found->second;
  if (sources_.size() >= kSourcesMax || source.size() > kSourceBytesMax) return other_;
  return sources_.emplace(source, Source{.window = {.begin_ms = now_ms}}).first->second;
}

FailureQuota::Decision FailureQuota::admit(std::string_view source, MonotonicMillis now_ms) {
  const std::string group = group_of(source);
  MutexLock lock(mutex_);
  Source& found = find(group, now_ms);
  found.window.move_to(now_ms);
  all_.move_to(now_ms);
  if (found.window.recorded < bounds_.source_records_max && all_.recorded < bounds_.records_max) {
    ++found.window.recorded;
    ++all_.recorded;
    return Decision::kRecord;
  }
  if (found.counted++ == 0) found.first_ms = now_ms;
  found.last_ms = now_ms;
  return Decision::kCount;
}

std::vector<FailureQuota::Summary> FailureQuota::drain(MonotonicMillis now_ms) {
  MutexLock lock(mutex_);
  if (now_ms - drained_ms_ < kWindowMs) return {};
  return take(now_ms);
}

std::vector<FailureQuota::Summary> FailureQuota::drain_all(MonotonicMillis now_ms) {
  MutexLock lock(mutex_);
  return take(now_ms);
}

std::vector<FailureQuota::Summary> FailureQuota::take(MonotonicMillis now_ms) {
  drained_ms_ = now_ms;
  std::vector<Summary> summaries;
  const auto move = [&](std::string_view name, Source& source) {
    if (source.counted == 0) return;
    summaries.push_back({.source = std::string(name),
                         .failures = std::exchange(source.counted, 0),
                         .span_ms = source.last_ms - source.first_ms});
  };
  for (auto& [name, source] : sources_) move(name, source);
  move(kOther, other_);
  // A source is remembered while its window lasts, so that it cannot be recorded anew at once.
  std::erase_if(sources_, [&](const auto& entry) { return now_ms - entry.second.window.begin_ms >= kWindowMs; });
  return summaries;
}

}  // namespace keyhold::core::audit
