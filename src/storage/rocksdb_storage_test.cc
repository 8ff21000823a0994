#include "storage/rocksdb_storage.h"

#include <gmock/gmock.h>
#include <rocksdb/db.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "storage/encoding.h"
#include "storage/fault_file_system.h"
#include "storage/rocks_handle.h"
#include "storage/storage_test_support.h"

namespace keyhold::storage {

namespace {

using ::testing::ElementsAre;
using Kind = Outcome::Kind;

class RocksStorageTest : public ::testing::Test {
 protected:
  RocksOptions options() {
    RocksOptions options;
    options.path = directory_ / "store";
    options.free_space_floor_bytes = 0;
    options.write_buffer_bytes = 64 * 1024;
    options.reopen_min_ms = 1;
    options.reopen_max_ms = 8;
    options.file_system = faults_;
    return options;
  }
  void open() {
    auto opened = RocksStorage::open(options(), clock_);
    ASSERT_OK(opened);
    store_ = std::move(opened).value();
  }
  void reopen() {
    store_.reset();
    open();
  }
  bool writable_again() {
    return await([&] { return store_->health().writable; });
  }
  void edit_directly(const std::function<rocksdb::Status(rocksdb::DB&)>& edit) {
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_ / "store/db", &db).ok());
    const std::unique_ptr<rocksdb::DB> owner(db);
    ASSERT_TRUE(edit(*db).ok());
  }

  TempDirectory directory_;
  FakeClock clock_;
  std::shared_ptr<FaultFileSystem> faults_ = std::make_shared<FaultFileSystem>(1);
  std::unique_ptr<RocksStorage> store_;
};

// ---- Opening.

TEST_F(RocksStorageTest, ANewStoreIsOpenedWithoutWarnings) {
  std::string warnings;
  RocksOptions quiet = options();
  quiet.warn = [&warnings](std::string_view line) { warnings.append(line).append("\n"); };
  ASSERT_OK(RocksStorage::open(std::move(quiet), clock_));
  EXPECT_EQ(warnings, "");
}

TEST_F(RocksStorageTest, ReopeningKeepsEntriesAndVersionsGoOn) {
  open();
  const Version first = store_->commit(writes({put("a", "1"), put("b", "1")})).at;
  const Version second = store_->commit(writes({erase("b")})).at;
  reopen();
  EXPECT_EQ(*store_->latest(), second);
  EXPECT_EQ((**store_->get("a")).version, first);
  EXPECT_EQ(value_of(*store_, "b"), "(absent)");
  const Outcome third = store_->commit(batch({unchanged("a", first), absent("b")}, {put("a", "2")}));
  ASSERT_OK(third);
  EXPECT_EQ(third.at, second + 1);
}

TEST_F(RocksStorageTest, AWatchFromBeforeTheOpenStartsWithAReset) {
  open();
  const Version first = store_->commit(writes({put("a", "1")})).at;
  const Version second = store_->commit(writes({put("a", "2")})).at;
  reopen();
  RecordingWatcher late;
  RecordingWatcher in_time;
  const auto watch_late = store_->watch("", first, late);
  const auto watch_in_time = store_->watch("", second, in_time);
  ASSERT_OK(watch_late);
  ASSERT_OK(watch_in_time);
  EXPECT_THAT(late.lines(), ElementsAre("reset " + std::to_string(second)));
  EXPECT_THAT(in_time.lines(), ElementsAre());
}

TEST_F(RocksStorageTest, ClosingEndsTheLeadershipsOfTheProcess) {
  open();
  auto leadership = store_->campaign("reaper", 1'000'000);
  ASSERT_OK(leadership);
  // As after a crash: the record stays.
  faults_->cut_power_after(0);
  leadership = Error{};
  store_.reset();
  faults_->drop_unsynced_writes();
  open();
  ASSERT_OK(store_->campaign("reaper", 1000));
}

TEST_F(RocksStorageTest, ASecondHolderIsRefused) {
  open();
  const auto second = RocksStorage::open(options(), clock_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.code(), Code::kUnavailable);
  EXPECT_THAT(second.error().message, ::testing::HasSubstr("in use by another process"));
  store_.reset();
  open();
}

TEST_F(RocksStorageTest, NobodyElseCanReadItsFiles) {
  const mode_t before = ::umask(0);
  open();
  for (int i = 0; i < 100; ++i) ASSERT_OK(store_->commit(writes({put(std::to_string(i), std::string(2000, 'v'))})));
  reopen();
  ::umask(before);
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "store")) {
    struct stat status;
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, S_ISDIR(status.st_mode) ? 0700u : 0600u) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST_F(RocksStorageTest, ADirectoryOpenToOthersIsRefused) {
  ASSERT_EQ(::mkdir((directory_ / "store").c_str(), 0700), 0);
  ASSERT_EQ(::chmod((directory_ / "store").c_str(), 0750), 0);
  EXPECT_EQ(RocksStorage::open(options(), clock_).code(), Code::kInvalid);
}

TEST_F(RocksStorageTest, ANewerFormatIsRefused) {
  open();
  store_.reset();
  for (const std::uint64_t formats : {std::uint64_t{kStoreFormat + 1} << 32 | kStoreFormat,
                                      std::uint64_t{kStoreFormat} << 32 | (kStoreFormat + 1)}) {
    edit_directly([&](rocksdb::DB& db) { return db.Put({}, rocksdb::Slice(kFormatKey), big_endian(formats)); });
    EXPECT_EQ(RocksStorage::open(options(), clock_).code(), Code::kUnsupported);
  }
}

TEST_F(RocksStorageTest, DamagedRecordsOfItsOwnAreRefused) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  store_.reset();
  edit_directly([&](rocksdb::DB& db) { return db.Put({}, rocksdb::Slice(kCounterKey), "short"); });
  EXPECT_EQ(RocksStorage::open(options(), clock_).code(), Code::kCorrupt);
  edit_directly([&](rocksdb::DB& db) { return db.Delete({}, rocksdb::Slice(kFormatKey)); });
  EXPECT_EQ(RocksStorage::open(options(), clock_).code(), Code::kCorrupt);
}

TEST_F(RocksStorageTest, AValueWithoutAVersionIsCorrupt) {
  open();
  store_.reset();
  edit_directly([&](rocksdb::DB& db) { return db.Put({}, user_key("a"), "short"); });
  open();
  EXPECT_EQ(store_->get("a").code(), Code::kCorrupt);
  EXPECT_EQ(store_->list({}).code(), Code::kCorrupt);
  EXPECT_EQ(store_->commit(batch({absent("a")}, {put("b", "1")})).error.code, Code::kCorrupt);
}

// ---- Bounds.

TEST_F(RocksStorageTest, WritesAreRefusedBelowTheFreeSpaceFloorAndGoOnAbove) {
  RocksOptions with_floor = options();
  with_floor.free_space_floor_bytes = 1000;
  store_ = std::move(RocksStorage::open(with_floor, clock_)).value();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  faults_->set_free_space(999);
  EXPECT_EQ(store_->commit(writes({put("a", "2")})).error.code, Code::kUnavailable);
  EXPECT_FALSE(store_->health().writable);
  EXPECT_EQ(value_of(*store_, "a"), "1");
  faults_->set_free_space(1000);
  EXPECT_TRUE(store_->health().writable);
  ASSERT_OK(store_->commit(writes({put("a", "3")})));
}

/// Holds the committer, as no watcher should, until told.
class BlockingWatcher final : public Watcher {
 public:
  void on_changes(std::span<const Change>, Version) override {
    entered.store(true);
    blocked.wait(true);
  }
  void on_reset(Version) override {}

  std::atomic<bool> entered{false};
  std::atomic<bool> blocked{true};
};

TEST_F(RocksStorageTest, AFullQueueRefusesAtOnce) {
  open();
  BlockingWatcher watcher;
  const auto watch = store_->watch("", 0, watcher);
  ASSERT_OK(watch);
  Outcomes outcomes;
  store_->commit(writes({put("a", "0")}), outcomes.expect());
  ASSERT_TRUE(await([&] { return watcher.entered.load(); }));
  for (std::size_t i = 0; i < limits::kStorageQueueCommitsMax; ++i) store_->commit(writes({put("a", "1")}), outcomes.expect());
  Outcome over;
  store_->commit(writes({put("a", "over")}), [&](Outcome outcome) { over = std::move(outcome); });
  EXPECT_EQ(over.kind, Kind::kRefused);
  EXPECT_EQ(over.error.code, Code::kUnavailable);
  watcher.blocked = false;
  watcher.blocked.notify_all();
  for (const Outcome& outcome : outcomes.all()) ASSERT_OK(outcome);
  ASSERT_OK(store_->commit(writes({put("a", "2")})));
}

TEST_F(RocksStorageTest, DestroyingItFinishesWhatIsQueued) {
  open();
  Outcomes outcomes;
  for (int i = 0; i < 1000; ++i) store_->commit(writes({put("n", std::to_string(i))}), outcomes.expect());
  store_.reset();
  for (const Outcome& outcome : outcomes.all()) EXPECT_TRUE(outcome.ok());
  open();
  EXPECT_EQ(value_of(*store_, "n"), "999");
}

// ---- Failure and recovery in the process.

TEST_F(RocksStorageTest, AFailedSyncEndsUnknownAndTheReopenTellsWhatHappened) {
  open();
  RecordingWatcher watcher;
  const auto watch = store_->watch("", 0, watcher);
  ASSERT_OK(watch);
  std::uint32_t id = 0;
  for (const auto leaves : {DiskFault::Leaves::kAll, DiskFault::Leaves::kHalf, DiskFault::Leaves::kNothing}) {
    const Version before = store_->commit(writes({put("a", "before")})).at;
    faults_->inject({.file = DiskFault::File::kWal, .call = DiskFault::Call::kSync, .leaves = leaves});
    const Outcome outcome = store_->commit(named(writes({put("a", "during")}), ++id));
    EXPECT_EQ(outcome.kind, Kind::kUnknown);
    ASSERT_TRUE(writable_again());
    const bool happened = leaves == DiskFault::Leaves::kAll;
    EXPECT_EQ(store_->resolve(request_id(id)), happened ? Resolution::kHappened : Resolution::kDidNotHappen);
    EXPECT_EQ(value_of(*store_, "a"), happened ? "during" : "before");
    EXPECT_EQ(*store_->latest(), happened ? before + 1 : before);
    EXPECT_EQ(watcher.lines().back(), std::to_string(happened ? before + 1 : before) + " +a");
    EXPECT_GT(store_->commit(writes({put("a", "after")})).at, before + 1);  // No version is given twice.
  }
}

TEST_F(RocksStorageTest, WhileItCannotWriteItRefusesAndGoesOnReading) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  faults_->inject({.error = DiskFault::Errno::kNoSpace, .lasts = DiskFault::Lasts::kUntilHealed});
  EXPECT_EQ(store_->commit(named(writes({put("a", "2")}), 1)).kind, Kind::kUnknown);
  EXPECT_EQ(store_->resolve(request_id(1)), Resolution::kStillUnknown);
  for (int i = 0; i < 50; ++i) {
    const Outcome outcome = store_->commit(writes({put("a", "3")}));
    EXPECT_EQ(outcome.kind, Kind::kRefused);
    EXPECT_EQ(outcome.error.code, Code::kUnavailable);
    EXPECT_EQ(value_of(*store_, "a"), "1");
  }
  EXPECT_FALSE(store_->health().writable);
  EXPECT_NE(store_->health().reason, "");
  faults_->heal();
  ASSERT_TRUE(writable_again());
  EXPECT_EQ(store_->resolve(request_id(1)), Resolution::kDidNotHappen);
  ASSERT_OK(store_->commit(writes({put("a", "4")})));
  EXPECT_EQ(value_of(*store_, "a"), "4");
}

TEST_F(RocksStorageTest, ReadsAreServedWhenReopeningIsRefused) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  // The probe passes and the log cannot be written, then the manifest cannot be: the open itself fails.
  faults_->inject({.file = DiskFault::File::kWal, .call = DiskFault::Call::kAppend});
  EXPECT_EQ(store_->commit(writes({put("a", "2")})).kind, Kind::kUnknown);
  faults_->inject({.file = DiskFault::File::kManifest, .lasts = DiskFault::Lasts::kUntilHealed});
  ASSERT_TRUE(await([&] { return faults_->fired(); }));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(value_of(*store_, "a"), "1");
  EXPECT_FALSE(store_->health().writable);
  faults_->heal();
  ASSERT_TRUE(writable_again());
  ASSERT_OK(store_->commit(writes({put("a", "3")})));
}

TEST_F(RocksStorageTest, AFailedFlushInTheBackgroundHealsByItself) {
  open();
  faults_->inject({.file = DiskFault::File::kTable, .call = DiskFault::Call::kSync});
  int acknowledged = 0;
  for (int i = 0; !faults_->fired(); ++i) {
    if (store_->commit(writes({put("n", std::to_string(i)), put("pad", std::string(8000, 'p'))})).ok()) acknowledged = i;
    ASSERT_LT(i, 1000);
  }
  // Not health(): the failure may be on its way yet.
  ASSERT_TRUE(await([&] { return store_->commit(writes({put("other", "v")})).ok(); }));
  EXPECT_GE(std::stoi(value_of(*store_, "n")), acknowledged);
}

TEST_F(RocksStorageTest, ItStaysReadOnlyWhenAcknowledgedCommitsAreMissing) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  faults_->inject({.lasts = DiskFault::Lasts::kUntilHealed});
  EXPECT_EQ(store_->commit(named(writes({put("a", "2")}), 1)).kind, Kind::kUnknown);
  for (const auto& entry : std::filesystem::directory_iterator(directory_ / "store/db")) {
    if (entry.path().extension() == ".log") std::filesystem::resize_file(entry.path(), 0);
  }
  faults_->heal();
  EXPECT_TRUE(await([&] { return store_->health().reason == "acknowledged commits are missing from the store"; }));
  EXPECT_EQ(store_->commit(writes({put("a", "3")})).kind, Kind::kRefused);
  EXPECT_EQ(store_->resolve(request_id(1)), Resolution::kStillUnknown);
  ASSERT_OK(store_->get("a"));
}

TEST_F(RocksStorageTest, ReadersAreNotDisturbedByReopening) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "0")})));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        const auto entry = store_->get("a");
        EXPECT_TRUE(entry.ok() && entry->has_value());
        const auto page = store_->list({});
        EXPECT_TRUE(page.ok() && page->items.size() == 1);
      }
    });
  }
  for (int i = 0; i < rounds(20); ++i) {
    faults_->inject({.file = DiskFault::File::kWal, .call = DiskFault::Call::kSync});
    EXPECT_EQ(store_->commit(writes({put("a", std::to_string(i))})).kind, Kind::kUnknown);
    EXPECT_TRUE(writable_again());
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

// ---- Replacements.

TEST_F(RocksStorageTest, AReplacementIsThereAfterReopening) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  const auto at = store_->replace([sent = false]() mutable -> Result<std::vector<Entry>> {
    if (std::exchange(sent, true)) return std::vector<Entry>{};
    return std::vector<Entry>{{"b", "2", 0}};
  });
  ASSERT_OK(at);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "store/db.old"));
  reopen();
  EXPECT_EQ(*store_->latest(), *at);
  EXPECT_EQ(value_of(*store_, "a"), "(absent)");
  EXPECT_EQ(value_of(*store_, "b"), "2");
}

TEST_F(RocksStorageTest, AViewEndsWithTheHandleItIsOf) {
  open();
  ASSERT_OK(store_->commit(writes({put("a", "1")})));
  const auto view = store_->view();
  ASSERT_OK(view);
  ASSERT_OK(store_->replace([]() -> Result<std::vector<Entry>> { return std::vector<Entry>{}; }));
  EXPECT_EQ((*view)->next(1).code(), Code::kUnavailable);
}

TEST_F(RocksStorageTest, AKillDuringAReplacementLeavesTheOldOrTheNew) {
  namespace files = std::filesystem;
  open();
  ASSERT_OK(store_->commit(writes({put("a", "old")})));
  store_.reset();
  const auto folder = [this](const char* name) { return files::path(directory_ / "store") / name; };
  // While the new content is written.
  files::create_directory(folder("db.new"));
  open();
  EXPECT_EQ(value_of(*store_, "a"), "old");
  EXPECT_FALSE(files::exists(folder("db.new")));
  store_.reset();
  // Between the renames.
  files::copy(folder("db"), folder("db.new"), files::copy_options::recursive);
  files::rename(folder("db"), folder("db.old"));
  files::remove_all(folder("db.old") / "CURRENT");
  open();
  EXPECT_EQ(value_of(*store_, "a"), "old");
  EXPECT_FALSE(files::exists(folder("db.old")));
  store_.reset();
  // After them.
  files::create_directory(folder("db.old"));
  open();
  EXPECT_EQ(value_of(*store_, "a"), "old");
  EXPECT_FALSE(files::exists(folder("db.old")));
}

TEST_F(RocksStorageTest, AReplacementOnADiskThatFailsLeavesTheOld) {
  for (const std::uint64_t nth : {1, 2, 3, 5, 8, 13, 21}) {
    open();
    ASSERT_OK(store_->commit(writes({put("a", "old")})));
    faults_->inject({.lasts = DiskFault::Lasts::kUntilHealed, .nth = nth});
    const auto replaced = store_->replace([left = 50]() mutable -> Result<std::vector<Entry>> {
      if (left-- == 0) return std::vector<Entry>{};
      return std::vector<Entry>{{"key" + std::to_string(left), std::string(20'000, 'v'), 0}};
    });
    faults_->heal();
    if (!replaced.ok()) {
      EXPECT_EQ(value_of(*store_, "a"), "old") << nth;
    }
    EXPECT_TRUE(writable_again()) << nth;
    ASSERT_OK(store_->commit(writes({put("a", "old")})));
    reopen();
    EXPECT_EQ(value_of(*store_, "a"), "old");
    store_.reset();
  }
}

}  // namespace

}  // namespace keyhold::storage
