#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fstream>
#include <iostream>
#include <random>

#include "storage/fault_file_system.h"
#include "storage/rocksdb_storage.h"
#include "storage/storage_test_support.h"

/// What the durable store promises when power, disk or process fail. KEYHOLD_TEST_SCALE lengthens the loops.
namespace keyhold::storage {

namespace {

using Kind = Outcome::Kind;

constexpr int kSlots = 20;
constexpr int kLanes = 8;

RocksOptions options_at(const std::string& path, std::shared_ptr<FaultFileSystem> faults) {
  RocksOptions options;
  options.path = path;
  options.free_space_floor_bytes = 0;
  options.write_buffer_bytes = 64 * 1024;
  options.reopen_min_ms = 1;
  options.reopen_max_ms = 8;
  options.file_system = std::move(faults);
  if (::getenv("KEYHOLD_TEST_VERBOSE") != nullptr) {
    options.warn = [](std::string_view line) { std::cerr << line << "\n"; };
  }
  return options;
}

std::string commit_key(int number) {
  std::string digits = std::to_string(number);
  return "commit/" + std::string(8 - digits.size(), '0') + digits;
}
std::string slot_key(int number) { return "slot/" + std::to_string(number % kSlots); }

/// Numbered commits to a store, and what must be found there after any failure: all that were acknowledged; of the others each
/// whole or not at all.
class Ledger {
 public:
  explicit Ledger(std::uint64_t seed) : random_(seed) {}

  /// Commits the next number; one key of its own, one that is overwritten by later ones.
  Outcome commit_next(Storage& store) {
    Outcome outcome = store.commit(next());
    note(number_, outcome);
    return outcome;
  }
  /// The same `count` times at once, so that groups form.
  void commit_many(Storage& store, int count) {
    Outcomes outcomes;
    const int first = number_ + 1;
    for (int i = 0; i < count; ++i) store.commit(next(), outcomes.expect());
    int number = first;
    for (const Outcome& outcome : outcomes.all()) note(number++, outcome);
  }

  /// Asks what became of the unknown ones. Call when the store is writable again.
  void resolve(Storage& store) {
    for (const int number : unknown_) {
      const Resolution resolution = store.resolve(request_id(static_cast<std::uint32_t>(number)));
      EXPECT_NE(resolution, Resolution::kStillUnknown) << number;
      const bool found = value_of(store, commit_key(number)) != "(absent)";
      EXPECT_EQ(found, resolution == Resolution::kHappened) << number;
      (found ? acknowledged_ : refused_).push_back(number);
    }
    unknown_.clear();
  }

  void verify(const Storage& store) const {
    for (const int number : acknowledged_) EXPECT_EQ(value_of(store, commit_key(number)), std::to_string(number));
    for (const int number : refused_) EXPECT_EQ(value_of(store, commit_key(number)), "(absent)");
    std::array<int, kSlots> last{};
    for (int number = 1; number <= number_; ++number) {
      if (value_of(store, commit_key(number)) != "(absent)") last[number % kSlots] = number;
    }
    for (int slot = 0; slot < kSlots; ++slot) {
      const std::string value = value_of(store, slot_key(slot));
      if (last[slot] == 0) {
        EXPECT_EQ(value, "(absent)");
      } else {
        EXPECT_EQ(value.substr(0, value.find(' ')), std::to_string(last[slot]));
      }
    }
    EXPECT_GE(*store.latest(), last_version_);
  }
  /// After a crash nobody answers for what was unknown: it is there or not.
  void forget_doubtful() { unknown_.clear(); }

  int acknowledged() const { return static_cast<int>(acknowledged_.size()); }
  int last_acknowledged() const { return acknowledged_.empty() ? 0 : acknowledged_.back(); }

 private:
  Batch next() {
    ++number_;
    return {.conditions = {absent(commit_key(number_))},
            .operations = {put(commit_key(number_), std::to_string(number_)),
                           put(slot_key(number_), std::to_string(number_) + " " + std::string(random_() % 4000, 'p'))},
            .request_id = request_id(static_cast<std::uint32_t>(number_))};
  }

  void note(int number, const Outcome& outcome) {
    switch (outcome.kind) {
      case Kind::kOk:
        EXPECT_GT(outcome.at, last_version_);
        last_version_ = outcome.at;
        acknowledged_.push_back(number);
        return;
      case Kind::kUnknown: unknown_.push_back(number); return;
      case Kind::kRefused: refused_.push_back(number); return;
      case Kind::kConflict: ADD_FAILURE() << "conflict on " << number; return;
    }
  }

  std::mt19937_64 random_;
  int number_ = 0;
  Version last_version_ = 0;
  std::vector<int> acknowledged_;
  std::vector<int> unknown_;
  std::vector<int> refused_;
};

/// One store through many power cuts at random calls.
void survive_power_cuts(std::uint64_t seed, int cuts) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  TempDirectory directory;
  FakeClock clock;
  auto faults = std::make_shared<FaultFileSystem>(seed);
  Ledger ledger(seed);
  for (int cut = 0; cut < cuts && !::testing::Test::HasFailure(); ++cut) {
    faults->cut_power_after(random() % 400);
    auto opened = RocksStorage::open(options_at(directory / "store", faults), clock);
    if (opened.ok()) {
      ledger.verify(**opened);
      while (!faults->power_is_cut()) ledger.commit_many(**opened, 1 + static_cast<int>(random() % 16));
    } else {
      EXPECT_TRUE(faults->power_is_cut()) << opened.error().message;
    }
    ledger.forget_doubtful();
    opened = Error{};
    faults->drop_unsynced_writes();
  }
  auto opened = RocksStorage::open(options_at(directory / "store", faults), clock);
  ASSERT_OK(opened);
  ledger.verify(**opened);
  EXPECT_GT(ledger.acknowledged(), 0);
}

TEST(StorageCrash, AcknowledgedCommitsSurvivePowerLoss) {
  const std::uint64_t seed = std::random_device{}();
  in_lanes(kLanes, [&](int lane) { survive_power_cuts(seed + static_cast<std::uint64_t>(lane), rounds(10)); });
}

struct FaultForm {
  const char* name;
  DiskFault fault;
};

class StorageNthFailure : public ::testing::TestWithParam<FaultForm> {};

/// Opens a store, works, and follows it to the end through one failure of the nth writing call. False once no call was the nth.
bool survives_nth(DiskFault fault, std::uint64_t nth) {
  SCOPED_TRACE("call " + std::to_string(nth));
  TempDirectory directory;
  FakeClock clock;
  auto faults = std::make_shared<FaultFileSystem>(nth);
  const RocksOptions options = options_at(directory / "store", faults);
  Ledger ledger(nth);
  fault.nth = nth;
  faults->inject(fault);
  auto opened = RocksStorage::open(options, clock);
  if (!opened.ok()) {
    EXPECT_TRUE(faults->fired());
    faults->heal();
    opened = RocksStorage::open(options, clock);
  }
  EXPECT_TRUE(opened.ok()) << explain(opened);
  if (!opened.ok()) return false;
  std::unique_ptr<RocksStorage> store = std::move(opened).value();
  for (int i = 0; i < 12; ++i) {
    ledger.commit_many(*store, 8);
    if (ledger.last_acknowledged() > 0) {
      EXPECT_EQ(value_of(*store, commit_key(ledger.last_acknowledged())), std::to_string(ledger.last_acknowledged()));
    }
    if (fault.lasts == DiskFault::Lasts::kOnce && faults->fired()) {
      EXPECT_TRUE(await([&] { return store->health().writable; })) << store->health().reason;
    }
  }
  const bool fired = faults->fired();
  faults->heal();
  // Not health(): a failure in RocksDB's background may be on its way yet.
  EXPECT_TRUE(await([&] { return ledger.commit_next(*store).ok(); })) << store->health().reason;
  ledger.resolve(*store);
  ledger.verify(*store);
  store.reset();
  opened = RocksStorage::open(options, clock);
  EXPECT_TRUE(opened.ok()) << explain(opened);
  if (opened.ok()) ledger.verify(**opened);
  return fired;
}

TEST_P(StorageNthFailure, LosesNothingAndHealsInTheProcess) {
  std::atomic<std::uint64_t> next{1};
  std::atomic<bool> past_the_last{false};
  in_lanes(kLanes, [&](int) {
    while (!past_the_last && !HasFailure()) {
      if (!survives_nth(GetParam().fault, next++)) past_the_last = true;
    }
  });
  EXPECT_GT(next, 50u);
}

using File = DiskFault::File;
using Call = DiskFault::Call;
constexpr auto kIo = DiskFault::Errno::kIo;
constexpr auto kNoSpace = DiskFault::Errno::kNoSpace;
constexpr auto kOnce = DiskFault::Lasts::kOnce;
constexpr auto kUntilHealed = DiskFault::Lasts::kUntilHealed;

INSTANTIATE_TEST_SUITE_P(
    AnyCall, StorageNthFailure,
    ::testing::Values(
        FaultForm{"IoOnce", {File::kAny, Call::kAny, kIo, kOnce, DiskFault::Leaves::kNothing}},
        FaultForm{"IoLasting", {File::kAny, Call::kAny, kIo, kUntilHealed, DiskFault::Leaves::kAll}},
        FaultForm{"NoSpaceOnce", {File::kAny, Call::kAny, kNoSpace, kOnce, DiskFault::Leaves::kHalf}},
        FaultForm{"NoSpaceLasting", {File::kAny, Call::kAny, kNoSpace, kUntilHealed, DiskFault::Leaves::kHalf}}),
    [](const auto& form) { return std::string(form.param.name); });

class StorageFileFailure : public ::testing::TestWithParam<std::tuple<File, Call>> {};

TEST_P(StorageFileFailure, LosesNothingAndHealsInTheProcess) {
  const auto [file, call] = GetParam();
  std::vector<DiskFault> faults;
  for (const auto error : {kIo, kNoSpace}) {
    for (const auto lasts : {kOnce, kUntilHealed}) faults.push_back({file, call, error, lasts, DiskFault::Leaves::kHalf});
  }
  in_lanes(static_cast<int>(faults.size()), [&](int lane) {
    for (std::uint64_t nth = 1; nth <= 4 && !HasFailure(); ++nth) survives_nth(faults[static_cast<std::size_t>(lane)], nth);
  });
}

INSTANTIATE_TEST_SUITE_P(EachFile, StorageFileFailure,
                         ::testing::Combine(::testing::Values(File::kWal, File::kTable, File::kManifest, File::kCurrent),
                                            ::testing::Values(Call::kCreate, Call::kAppend, Call::kSync, Call::kRename)));

// ---- A disk that is really full.

class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("tmpfs", path().c_str(), "tmpfs", 0, "size=24m,mode=0700") == 0; }
  ~SmallDisk() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  std::string path() const { return directory_ / ""; }

  /// Another program that leaves nothing free.
  void fill() const {
    const int fd = ::open((path() + "filler").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (std::size_t bytes = 1 << 20; bytes >= 4096;) {
      const std::string block(bytes, 'f');
      if (::write(fd, block.data(), block.size()) <= 0) bytes /= 2;
    }
    ::close(fd);
  }
  void free() const { ::unlink((path() + "filler").c_str()); }

 private:
  TempDirectory directory_;
  bool mounted_ = false;
};

TEST(StorageCrash, AFullDiskIsLeftBehindWithoutARestart) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a small tmpfs: " << std::strerror(errno);
  FakeClock clock;
  RocksOptions options = options_at(disk.path() + "store", nullptr);
  options.write_buffer_bytes = 512 * 1024;
  Ledger ledger(1);
  {
    auto opened = RocksStorage::open(options, clock);
    ASSERT_OK(opened);
    RocksStorage& store = **opened;
    for (int round = 0; round < rounds(4); ++round) {
      ledger.commit_many(store, 20);
      disk.fill();
      // What was allocated ahead of the log takes a few more.
      ASSERT_TRUE(await([&] { return !ledger.commit_next(store).ok(); }));
      ASSERT_TRUE(await([&] { return ledger.commit_next(store).kind == Kind::kRefused; }));
      EXPECT_FALSE(store.health().writable);
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(value_of(store, commit_key(ledger.last_acknowledged())), std::to_string(ledger.last_acknowledged()));
      }
      disk.free();
      ASSERT_TRUE(await([&] { return store.health().writable; })) << store.health().reason;
      ledger.resolve(store);
      EXPECT_TRUE(ledger.commit_next(store).ok());
      ledger.verify(store);
      if (HasFailure()) return;
    }
  }
  auto again = RocksStorage::open(options, clock);
  ASSERT_OK(again);
  ledger.verify(**again);
}

// ---- kill -9.

constexpr const char* kChildPath = "KEYHOLD_TEST_CHILD_PATH";
constexpr const char* kChildFd = "KEYHOLD_TEST_CHILD_FD";
constexpr int kChildThreads = 4;

std::string child_key(int thread, std::uint64_t number, int part) {
  return std::to_string(thread) + "/" + std::to_string(number) + "/" + std::to_string(part);
}

/// Run by the next test as a process of its own: RocksDB's threads do not survive a fork.
TEST(StorageCrash, DISABLED_ChildWritesUntilKilled) {
  const char* path = ::getenv(kChildPath);
  const char* fd = ::getenv(kChildFd);
  if (path == nullptr || fd == nullptr) GTEST_SKIP() << "only for the parent test";
  FakeClock clock;
  auto opened = RocksStorage::open(options_at(path, nullptr), clock);
  ASSERT_OK(opened);
  const int pipe = ::atoi(fd);
  std::vector<std::thread> threads;
  for (int t = 0; t < kChildThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string start_key = "start/" + std::to_string(t);
      const std::string start = value_of(**opened, start_key);
      for (std::uint64_t n = start == "(absent)" ? 1 : std::stoull(start) + 1;; ++n) {
        const std::string value = std::to_string(n);
        const Outcome outcome = (*opened)->commit(writes({put(child_key(t, n, 0), value), put(child_key(t, n, 1), value),
                                                          put(start_key, value)}));
        if (!outcome.ok()) ::_exit(1);
        const std::uint64_t acknowledged = n << 8 | static_cast<std::uint64_t>(t);
        if (::write(pipe, &acknowledged, sizeof(acknowledged)) != sizeof(acknowledged)) ::_exit(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

pid_t start_child(const std::string& path, int fd) {
  const std::string path_variable = std::string(kChildPath) + "=" + path;
  const std::string fd_variable = std::string(kChildFd) + "=" + std::to_string(fd);
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(const_cast<char*>(path_variable.c_str()));
  variables.push_back(const_cast<char*>(fd_variable.c_str()));
  variables.push_back(nullptr);
  const std::array<const char*, 4> arguments{"storage_test", "--gtest_also_run_disabled_tests",
                                             "--gtest_filter=*DISABLED_ChildWritesUntilKilled", nullptr};
  const pid_t child = ::fork();
  if (child != 0) return child;
  const int null = ::open("/dev/null", O_WRONLY);
  ::dup2(null, STDOUT_FILENO);
  ::execve("/proc/self/exe", const_cast<char* const*>(arguments.data()), variables.data());
  ::_exit(127);
}

TEST(StorageCrash, AcknowledgedCommitsSurviveKill) {
  TempDirectory directory;
  FakeClock clock;
  std::mt19937_64 random(std::random_device{}());
  std::array<std::uint64_t, kChildThreads> acknowledged{};
  for (int round = 0; round < rounds(6); ++round) {
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::fcntl(ends[1], F_SETFD, 0), 0);
    const pid_t child = start_child(directory / "store", ends[1]);
    ASSERT_GT(child, 0);
    ::close(ends[1]);
    const std::uint64_t kill_after = 1 + random() % 400;
    std::uint64_t record = 0;
    for (std::uint64_t received = 0; ::read(ends[0], &record, sizeof(record)) == sizeof(record); ++received) {
      acknowledged[record & 0xff] = std::max(acknowledged[record & 0xff], record >> 8);
      if (received == kill_after) ::kill(child, SIGKILL);
    }
    ::close(ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;

    auto opened = RocksStorage::open(options_at(directory / "store", nullptr), clock);
    ASSERT_OK(opened);
    for (int t = 0; t < kChildThreads; ++t) {
      // A thread that was killed before its first commit has left nothing.
      const std::string start = value_of(**opened, "start/" + std::to_string(t));
      const std::uint64_t last = start == "(absent)" ? 0 : std::stoull(start);
      EXPECT_GE(last, acknowledged[t]);
      EXPECT_LE(last, acknowledged[t] + 1);
      for (std::uint64_t n = 1; n <= last + 1; ++n) {
        const std::string expected = n <= last ? std::to_string(n) : "(absent)";
        EXPECT_EQ(value_of(**opened, child_key(t, n, 0)), expected);
        EXPECT_EQ(value_of(**opened, child_key(t, n, 1)), expected);
      }
      acknowledged[t] = last;
    }
    if (HasFailure()) return;
  }
}

}  // namespace

}  // namespace keyhold::storage
