#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/process_hardening.h"
#include "base/time_format.h"
#include "core/audit/verify_command.h"
#include "core/backup/snapshot_file.h"
#include "core/store_snapshots.h"
#include "server/config/config.h"
#include "server/server_command.h"
#include "storage/rocksdb_storage.h"

namespace keyhold::server {
namespace {

namespace backup = core::backup;

constexpr int kDone = 0, kFailed = 1, kMisused = 2;

int fail(std::string_view command, const Error& error, int code = kFailed) {
  fmt::print(stderr, "keyhold operator snapshot {}: {}\n", command, error.message);
  return code;
}

void print_manifest(const backup::Manifest& manifest) {
  fmt::print("{:<18}{}\n", "Snapshot", manifest.id);
  fmt::print("{:<18}{}\n", "Made", std::string_view(format_rfc3339(manifest.created_ms)));
  fmt::print("{:<18}{}\n", "By Keyhold", manifest.keyhold_version);
  fmt::print("{:<18}{}\n", "Of store", format_uuid(manifest.store_id));
  fmt::print("{:<18}{}, {} of {} shares\n", "Seal", manifest.seal_type, manifest.threshold, manifest.shares);
}

}  // namespace

int snapshot_inspect_command(const Arguments& arguments) {
  const auto public_key = core::audit::public_key_of(arguments);
  if (!public_key.ok()) return fail("inspect", public_key.error(), kMisused);
  auto file = SpoolFile::open(std::string(arguments.positional(0)));
  if (!file.ok()) return fail("inspect", file.error());
  const std::uint64_t bytes = (*file)->size();
  const auto verified = backup::verify_snapshot(std::move(*file), nullptr);
  if (!verified.ok()) return fail("inspect", verified.error());
  if (!public_key->empty() && *public_key != verified->public_key) {
    return fail("inspect", {Code::kInvalid, "the snapshot is not signed by this key, but by " + hex_encode(verified->public_key)});
  }
  print_manifest(verified->manifest);
  fmt::print("{:<18}{} entries, {} bytes\n", "Holds", verified->entries, bytes);
  fmt::print("{:<18}{}{}\n", "Signed by", hex_encode(verified->public_key),
             public_key->empty() ? " (as the file names it: compare it with a copy from elsewhere)" : " (as given)");
  fmt::print("good\n");
  return kDone;
}

int snapshot_restore_command(const Arguments& arguments) {
  const auto public_key = core::audit::public_key_of(arguments);
  if (!public_key.ok()) return fail("restore-offline", public_key.error(), kMisused);
  if (!arguments.has("config")) return fail("restore-offline", {Code::kInvalid, "give -config=FILE"}, kMisused);
  harden_process();
  const auto restore = [&]() -> Result<backup::Verified> {
    TRY_ASSIGN(const LoadedConfig loaded, load_config(std::string(arguments.value("config"))));
    const StorageConfig& storage = loaded.config.storage;
    if (storage.kind != StorageConfig::Kind::kEmbedded) return Error{Code::kInvalid, "the configuration names no store on this machine"};
    TRY_ASSIGN(auto opened, SpoolFile::open(std::string(arguments.positional(0))));
    const std::shared_ptr<const SpoolFile> file = std::move(opened);
    TRY_ASSIGN(auto verified, backup::verify_snapshot(file, nullptr));
    const SystemClock clock;
    storage::RocksOptions options;
    options.path = storage.path;
    TRY_ASSIGN(const auto store, storage::RocksStorage::open(std::move(options), clock));
    TRY_ASSIGN(const storage::Page any, store->list(storage::ListOptions()));
    if (!any.items.empty() && !arguments.on("force")) {
      return Error{Code::kInvalid, "the store is not empty: everything in it would be replaced. Give -force if that is what you want"};
    }
    TRY_ASSIGN(const auto entries, core::store_snapshots::entries_for_closed_store(file, *public_key));
    TRY_ASSIGN([[maybe_unused]] const auto at, store->replace(entries));
    return verified;
  }();
  if (!restore.ok()) return fail("restore-offline", restore.error());
  print_manifest(restore->manifest);
  fmt::print("\n{} entries restored. Start the server and unseal it as when the snapshot was made; tokens of before are void: log in anew, or make\n"
             "a root token with `keyhold operator generate-root`.\n",
             restore->entries);
  return kDone;
}

}  // namespace keyhold::server
