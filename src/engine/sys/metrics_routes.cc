#include "engine/sys/metrics_routes.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>

#include "base/time_format.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MetricSample;
using core::Reply;
using Kind = MetricSample::Kind;
using Samples = std::vector<MetricSample>;

constexpr std::string_view kTextType = "text/plain; version=0.0.4; charset=utf-8";

void gauge(Samples& out, std::string name, std::string_view help, double value, std::vector<std::pair<std::string, std::string>> labels = {}) {
  out.push_back({.name = std::move(name), .help = help, .kind = Kind::kGauge, .value = value, .labels = std::move(labels)});
}
void counter(Samples& out, std::string name, std::string_view help, std::uint64_t value, std::vector<std::pair<std::string, std::string>> labels = {}) {
  out.push_back({.name = std::move(name), .help = help, .kind = Kind::kCounter, .value = static_cast<double>(value), .labels = std::move(labels)});
}
/// Vault's are in milliseconds.
void summary(Samples& out, std::string name, std::string_view help, std::uint64_t count, std::uint64_t sum_us) {
  out.push_back({.name = std::move(name), .help = help, .kind = Kind::kSummary, .value = static_cast<double>(sum_us) / 1e3, .count = count});
}

/// "auth/token/" is "auth-token-" in the name of a figure.
std::string named(std::string_view mount_path) {
  std::string name(mount_path);
  for (char& byte : name) {
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
    if (!plain) byte = '-';
  }
  return name;
}

void add_requests(Samples& out, const Call& call, const core::RequestTotals& totals) {
  std::uint64_t count = 0;
  std::uint64_t sum_us = 0;
  for (const auto& [api, of_api] : totals.apis) {
    count += of_api.count;
    sum_us += of_api.sum_us;
    const std::string name(core::to_string(api));
    for (const auto& [outcome, times] : of_api.outcomes) {
      counter(out, "keyhold.requests", "Requests answered, by API and by what came of them.", times,
              {{"api", name}, {"outcome", std::string(outcome)}});
    }
    MetricSample histogram{.name = "keyhold.request.duration.seconds",
                           .help = "How long requests took, from the door to the answer.",
                           .kind = Kind::kHistogram,
                           .value = static_cast<double>(of_api.sum_us) / 1e6,
                           .labels = {{"api", name}},
                           .count = of_api.count};
    std::uint64_t within = 0;
    for (std::size_t i = 0; i < core::RequestTotals::kBuckets; ++i) {
      within += of_api.buckets[i];
      const bool bounded = i < core::RequestTotals::kBoundsUs.size();
      histogram.buckets.emplace_back(bounded ? static_cast<double>(core::RequestTotals::kBoundsUs[i]) / 1e6 : std::numeric_limits<double>::infinity(), within);
    }
    out.push_back(std::move(histogram));
  }
  summary(out, "vault.core.handle_request", "Requests, and their time in milliseconds.", count, sum_us);
  gauge(out, "vault.core.in_flight_requests", "Requests that wait for their answer, this one included.", static_cast<double>(totals.in_flight));
  for (const auto* mount : call.config().mounts(call.namespace_id())) {
    for (const auto& [route, times] : totals.routes) {
      if (route.first != mount->record.id()) continue;
      summary(out, "vault.route." + std::string(route.second) + "." + named(mount->record.path()), "Requests to a mount, and their time in milliseconds.",
              times.count, times.sum_us);
    }
  }
}

void add_counts(Samples& out, const Call& call, const core::Census::Counts& counts) {
  gauge(out, "vault.token.count", "Service tokens in the store.", static_cast<double>(counts.tokens), {{"namespace", "root"}});
  gauge(out, "vault.expire.num_leases", "Leases in the store.", static_cast<double>(counts.leases));
  for (const auto* mount : call.config().mounts(call.namespace_id())) {
    if (mount->record.engine() != "kv") continue;
    const auto found = counts.secrets.find(mount->record.id());
    gauge(out, "vault.secret.kv.count", "Secrets of a mount.", found == counts.secrets.end() ? 0 : static_cast<double>(found->second),
          {{"mount_point", mount->record.path()}, {"namespace", "root"}});
  }
  const auto& rotations = counts.rotations;
  const std::pair<const char*, std::uint64_t> states[] = {
      {"enabled", rotations.enabled}, {"overdue", rotations.overdue}, {"failing", rotations.failing},
      {"never", rotations.never_rotated}, {"expired", rotations.expired}, {"rotate_by", rotations.rotate_by}};
  for (const auto& [state, number] : states) {
    gauge(out, "keyhold.rotation.secrets", "Secrets that rotate or have a day, by the states of sys/rotation.", static_cast<double>(number), {{"state", state}});
  }
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::size_t entries_of(const char* folder) {
  std::error_code ignored;
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder, ignored), std::filesystem::directory_iterator()));
}

void add_process(Samples& out) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  const auto resident = static_cast<double>(resident_bytes());
  gauge(out, "vault.runtime.alloc_bytes", "Memory in use.", resident);
  gauge(out, "vault.runtime.sys_bytes", "Memory in use.", resident);
  gauge(out, "vault.runtime.num_goroutines", "Threads: there are no goroutines here.", static_cast<double>(entries_of("/proc/self/task")));
  gauge(out, "process.resident_memory_bytes", "Memory in use.", resident);
  out.push_back({.name = "process.cpu_seconds_total", .help = "Time on the processor.", .kind = Kind::kCounter, .value = seconds(usage.ru_utime) + seconds(usage.ru_stime)});
  gauge(out, "process.open_fds", "Open files and connections.", static_cast<double>(entries_of("/proc/self/fd")));
}

/// Dots and dashes cannot stand in Prometheus' names.
std::string prometheus_name(const MetricSample& sample) {
  std::string name = sample.name;
  std::replace_if(name.begin(), name.end(), [](char byte) { return byte == '.' || byte == '-'; }, '_');
  const bool counts = sample.kind == Kind::kCounter && !name.ends_with("_total");
  return counts ? name + "_total" : name;
}

prometheus::MetricType type_of(Kind kind) {
  switch (kind) {
    case Kind::kGauge: return prometheus::MetricType::Gauge;
    case Kind::kCounter: return prometheus::MetricType::Counter;
    case Kind::kSummary: return prometheus::MetricType::Summary;
    case Kind::kHistogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::ClientMetric client_metric(const MetricSample& sample) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : sample.labels) metric.label.push_back({name, value});
  switch (sample.kind) {
    case Kind::kGauge: metric.gauge.value = sample.value; break;
    case Kind::kCounter: metric.counter.value = sample.value; break;
    case Kind::kSummary:
      metric.summary.sample_count = sample.count;
      metric.summary.sample_sum = sample.value;
      break;
    case Kind::kHistogram:
      metric.histogram.sample_count = sample.count;
      metric.histogram.sample_sum = sample.value;
      for (const auto& [bound, count] : sample.buckets) metric.histogram.bucket.push_back({count, bound});
      break;
  }
  return metric;
}

Reply prometheus_text(const Samples& samples) {
  std::map<std::string, prometheus::MetricFamily> families;
  for (const MetricSample& sample : samples) {
    prometheus::MetricFamily& family = families[prometheus_name(sample)];
    if (family.name.empty()) {
      family.name = prometheus_name(sample);
      family.help = sample.help;
      family.type = type_of(sample.kind);
    }
    family.metric.push_back(client_metric(sample));
  }
  std::vector<prometheus::MetricFamily> all;
  for (auto& [name, family] : families) all.push_back(std::move(family));
  Reply reply = Reply::of(SecretBytes::copy_of(prometheus::TextSerializer().Serialize(all)));
  reply.payload = core::Payload::kBytes;
  reply.content_type = kTextType;
  return reply;
}

std::string shown(double value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  CHECK(error == std::errc());
  return {text.data(), end};
}

void append_json(json::Writer& writer, const MetricSample& sample) {
  writer.begin_object().key("Labels").begin_object();
  for (const auto& [name, value] : sample.labels) writer.key(name).string(value);
  writer.end_object();
  writer.key("Name").string(sample.name);
  const std::string value = shown(sample.value);
  if (sample.kind == Kind::kGauge || sample.kind == Kind::kCounter) {
    writer.key("Value").raw(value);
  } else {
    writer.key("Count").number(static_cast<std::int64_t>(sample.count)).key("Sum").raw(value);
  }
  writer.end_object();
}

/// As Vault's has them, but that what counts up is told whole, not as what came in the last ten seconds.
Reply json_text(const Samples& samples, UnixMillis now) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  const std::pair<const char*, std::vector<Kind>> parts[] = {
      {"Counters", {Kind::kCounter}}, {"Gauges", {Kind::kGauge}}, {"Points", {}}, {"Samples", {Kind::kSummary, Kind::kHistogram}}};
  for (const auto& [part, kinds] : parts) {
    writer.key(part).begin_array();
    for (const MetricSample& sample : samples) {
      if (std::find(kinds.begin(), kinds.end(), sample.kind) != kinds.end()) append_json(writer, sample);
    }
    writer.end_array();
  }
  writer.key("Timestamp").string(format_rfc3339(now));
  writer.end_object();
  return reply;
}

}  // namespace

Result<Reply> MetricsRoutes::read(Call& call) {
  const std::string format = call.fields().text("format");
  if (!format.empty() && format != "prometheus") return Error{Code::kInvalid, "\"format\" must be \"prometheus\", or absent for JSON"};
  Samples samples = node_.metrics().samples();
  add_requests(samples, call, node_.metrics().totals());
  TRY_ASSIGN(const auto counts, node_.census().counts(call.tx(), node_.clock()));
  add_counts(samples, call, counts);
  add_process(samples);
  return format.empty() ? json_text(samples, call.now()) : prometheus_text(samples);
}

}  // namespace keyhold::engine
