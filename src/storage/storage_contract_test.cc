#include "storage/storage_contract_test.h"

#include "storage/memory_storage.h"
#include "storage/rocksdb_storage.h"

namespace keyhold::storage {

namespace {

class MemoryBackend final : public Backend {
 public:
  std::unique_ptr<Storage> open(const Clock& clock) override { return std::make_unique<MemoryStorage>(clock); }
};

class RocksBackend final : public Backend {
 public:
  std::unique_ptr<Storage> open(const Clock& clock) override {
    RocksOptions options;
    options.path = directory_ / "store";
    options.free_space_floor_bytes = 0;
    auto store = RocksStorage::open(std::move(options), clock);
    return store.ok() ? std::move(store).value() : nullptr;
  }

 private:
  TempDirectory directory_;
};

std::string name_of(const ::testing::TestParamInfo<BackendParam>& param) { return param.param.name; }

INSTANTIATE_TEST_SUITE_P(Memory, StorageContract,
                         ::testing::Values(BackendParam{"Memory", [] { return std::make_unique<MemoryBackend>(); }}),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Rocks, StorageContract,
                         ::testing::Values(BackendParam{"Rocks", [] { return std::make_unique<RocksBackend>(); }}),
                         name_of);

}  // namespace

}  // namespace keyhold::storage
