// What a durable commit costs: N clients, each with one asynchronous commit in flight, of K keys under C conditions each.
//
//   store_commit [path=DIR] [clients=64] [seconds=5] [keys=1] [conditions=1] [value_bytes=1024] [key_space=100000]
//
// Prints one line of JSON: commits per second, latency percentiles, CPU of the whole process per commit.

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "storage/rocksdb_storage.h"
#include "storage/storage.h"

namespace keyhold::storage {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Settings {
  std::string path = "store_commit.data";
  std::uint64_t clients = 64;
  std::uint64_t seconds = 5;
  std::uint64_t keys = 1;
  std::uint64_t conditions = 1;  // On the first keys of the batch, and then on others.
  std::uint64_t value_bytes = 1024;
  std::uint64_t key_space = 100'000;
};

bool parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    if (equals == std::string_view::npos) return false;
    const std::string_view name = argument.substr(0, equals);
    const std::string value(argument.substr(equals + 1));
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    if (name == "path") settings.path = value;
    else if (name == "clients") settings.clients = number;
    else if (name == "seconds") settings.seconds = number;
    else if (name == "keys") settings.keys = number;
    else if (name == "conditions") settings.conditions = number;
    else if (name == "value_bytes") settings.value_bytes = number;
    else if (name == "key_space") settings.key_space = number;
    else return false;
  }
  return settings.clients > 0 && settings.keys > 0 && settings.key_space > 0;
}

double cpu_seconds() {
  rusage usage;
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One client: its next commit starts when the one before has ended, on the thread that ended it.
class Client {
 public:
  Client(Storage& store, const Settings& settings, std::uint64_t number, std::atomic<bool>& stop)
      : store_(store), settings_(settings), stop_(stop), random_(number), value_(settings.value_bytes, '\0') {
    for (char& byte : value_) byte = static_cast<char>(random_());
  }

  void start() {
    started_ = SteadyClock::now();
    store_.commit(next_batch(), [this](Outcome outcome) { ended(std::move(outcome)); });
  }
  void wait() {
    const MutexLock lock(mutex_);
    while (!finished_) changed_.wait(mutex_);
  }

  const std::vector<std::uint32_t>& latencies_us() const { return latencies_us_; }
  std::uint64_t failures() const { return failures_; }

 private:
  std::string random_key() {
    char key[32];
    const int length = std::snprintf(key, sizeof(key), "bench/%012llu",
                                     static_cast<unsigned long long>(random_() % settings_.key_space));
    return {key, static_cast<std::size_t>(length)};
  }

  Batch next_batch() {
    Batch batch;
    for (std::uint64_t i = 0; i < settings_.keys; ++i) {
      std::string key = random_key();
      const bool twice = std::any_of(batch.operations.begin(), batch.operations.end(),
                                     [&](const Operation& operation) { return operation.key == key; });
      if (!twice) batch.operations.push_back(put(std::move(key), value_));
    }
    // Conditions that hold, so that every commit writes: their cost is that of looking up the version.
    for (std::uint64_t i = 0; i < settings_.conditions; ++i) {
      batch.conditions.push_back(absent("none/" + (i < batch.operations.size() ? batch.operations[i].key : random_key())));
    }
    return batch;
  }

  void ended(Outcome outcome) {
    const auto now = SteadyClock::now();
    if (outcome.ok()) {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - started_);
      latencies_us_.push_back(static_cast<std::uint32_t>(took.count()));
    } else {
      ++failures_;
    }
    // A refusal may come from inside commit(): going on after it could recurse without end.
    if (outcome.ok() && !stop_) return start();
    const MutexLock lock(mutex_);
    finished_ = true;
    changed_.notify_one();
  }

  Storage& store_;
  const Settings& settings_;
  std::atomic<bool>& stop_;
  std::minstd_rand random_;
  std::string value_;
  SteadyClock::time_point started_;
  std::vector<std::uint32_t> latencies_us_;
  std::uint64_t failures_ = 0;
  Mutex mutex_;
  CondVar changed_;
  bool finished_ GUARDED_BY(mutex_) = false;
};

std::uint32_t percentile(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

int run(const Settings& settings) {
  const SystemClock clock;
  RocksOptions options;
  options.path = settings.path;
  auto opened = RocksStorage::open(std::move(options), clock);
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Client>> clients;
  for (std::uint64_t i = 0; i < settings.clients; ++i) {
    clients.push_back(std::make_unique<Client>(**opened, settings, i + 1, stop));
  }

  const double cpu_before = cpu_seconds();
  const auto begun = SteadyClock::now();
  for (const auto& client : clients) client->start();
  std::this_thread::sleep_for(std::chrono::seconds(settings.seconds));
  stop = true;
  for (const auto& client : clients) client->wait();
  const double elapsed_s = std::chrono::duration<double>(SteadyClock::now() - begun).count();
  const double cpu_s = cpu_seconds() - cpu_before;

  std::vector<std::uint32_t> latencies_us;
  std::uint64_t failures = 0;
  for (const auto& client : clients) {
    latencies_us.insert(latencies_us.end(), client->latencies_us().begin(), client->latencies_us().end());
    failures += client->failures();
  }
  std::sort(latencies_us.begin(), latencies_us.end());
  const auto commits = static_cast<double>(latencies_us.size());
  std::printf(
      "{\"bench\":\"store_commit\",\"clients\":%llu,\"keys\":%llu,\"conditions\":%llu,\"value_bytes\":%llu,"
      "\"commits_per_s\":%.0f,\"p50_us\":%u,\"p99_us\":%u,\"cpu_us_per_commit\":%.1f,\"failures\":%llu}\n",
      static_cast<unsigned long long>(settings.clients), static_cast<unsigned long long>(settings.keys),
      static_cast<unsigned long long>(settings.conditions), static_cast<unsigned long long>(settings.value_bytes),
      commits / elapsed_s, percentile(latencies_us, 0.5), percentile(latencies_us, 0.99),
      commits == 0 ? 0.0 : cpu_s * 1e6 / commits, static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}

}  // namespace

}  // namespace keyhold::storage

int main(int argc, char** argv) {
  keyhold::storage::Settings settings;
  if (!keyhold::storage::parse(argc, argv, settings)) {
    std::fprintf(stderr,
                 "usage: store_commit [path=DIR] [clients=N] [seconds=N] [keys=N] [conditions=N] [value_bytes=N] "
                 "[key_space=N]\n");
    return 2;
  }
  return keyhold::storage::run(settings);
}
