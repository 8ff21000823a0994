#include <fmt/core.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/process_hardening.h"
#include "server/config/config.h"
#include "server/server_command.h"
#include "storage/rocksdb_storage.h"

namespace keyhold::server {
namespace {

constexpr std::size_t kPieceBytes = 1024 * 1024;
constexpr int kDone = 0, kFailed = 1, kMisused = 2;

Result<std::unique_ptr<storage::RocksStorage>> open_store(const StorageConfig& config, const Clock& clock) {
  storage::RocksOptions options;
  options.path = config.path;
  auto opened = storage::RocksStorage::open(std::move(options), clock);
  if (!opened.ok()) return Error{opened.code(), config.path + ": " + opened.error().message};
  return opened;
}

/// All of one store into another that is empty; the number of entries.
Result<std::size_t> copy(const StorageMigration& stores) {
  if (!std::filesystem::exists(stores.source.path)) return Error{Code::kInvalid, "there is no store at " + stores.source.path};
  const SystemClock clock;
  TRY_ASSIGN(const auto source, open_store(stores.source, clock));
  TRY_ASSIGN(const auto destination, open_store(stores.destination, clock));
  TRY_ASSIGN(const storage::Page there, destination->list(storage::ListOptions()));
  if (!there.items.empty()) return Error{Code::kInvalid, stores.destination.path + " is not empty: name a new folder"};
  TRY_ASSIGN(const auto view, source->view());
  std::size_t entries = 0;
  TRY_ASSIGN([[maybe_unused]] const auto at, destination->replace([&]() -> Result<std::vector<storage::Entry>> {
    TRY_ASSIGN(auto next, view->next(kPieceBytes));
    entries += next.size();
    return next;
  }));
  if (entries == 0) return Error{Code::kInvalid, "there is nothing in " + stores.source.path};
  return entries;
}

}  // namespace

int migrate_command(const Arguments& arguments) {
  if (!arguments.has("config")) {
    fmt::print(stderr, "keyhold operator migrate: give -config=FILE\n");
    return kMisused;
  }
  harden_process();
  const auto stores = load_storage_migration(std::string(arguments.value("config")));
  const auto copied = stores.ok() ? copy(*stores) : stores.error();
  if (!copied.ok()) {
    fmt::print(stderr, "keyhold operator migrate: {}\n", copied.error().message);
    return kFailed;
  }
  fmt::print("{} entries copied from {} to {}.\n\nMove the audit journal and the snapshots too if they lie in the old folder, name the new one in the server's\n"
             "configuration, and start it: shares and tokens stay what they are. Never start a server on the old folder again.\n",
             *copied, stores->source.path, stores->destination.path);
  return kDone;
}

}  // namespace keyhold::server
