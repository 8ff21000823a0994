#include <fmt/core.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/process_hardening.h"
#include "base/time_format.h"
#include "core/backup/snapshot_file.h"
#include "core/store_snapshots.h"
#include "server/config/config.h"
#include "server/flags.h"
#include "server/server_command.h"
#include "storage/rocksdb_storage.h"

namespace keyhold::server {
namespace {

namespace backup = core::backup;
using Takes = FlagSpec::Takes;

constexpr std::size_t kPublicKeyBytes = 32;
constexpr int kDone = 0, kFailed = 1, kUsage = 2;

constexpr FlagSpec kPublicKey{"public-key", Takes::kValue, "HEX: who must have signed it; as `keyhold audit verify` tells of the store's journal"};
constexpr std::array kInspectFlags{kPublicKey};
constexpr std::array kRestoreFlags{FlagSpec{"config", Takes::kValue, "FILE: the server's configuration, which names the store"}, kPublicKey,
                                   FlagSpec{"force", Takes::kNothing, "Over a store that has something in it"}};

int fail(std::string_view command, const Error& error) {
  fmt::print(stderr, "keyhold operator snapshot {}: {}\n", command, error.message);
  return kFailed;
}

/// The one argument that is no flag, which is the last.
struct Given {
  Flags flags;
  std::string file;
  std::string public_key;  // 32 bytes, or empty.
};
Result<Given> parse(std::span<const FlagSpec> specs, std::span<const std::string_view> arguments) {
  if (arguments.empty() || arguments.back().starts_with('-')) return Error{Code::kInvalid, "the snapshot's FILE is missing: it comes last"};
  TRY_ASSIGN(Flags flags, Flags::parse(specs, arguments.first(arguments.size() - 1)));
  Given given{std::move(flags), std::string(arguments.back()), {}};
  if (given.flags.has("public-key")) {
    auto key = hex_decode(given.flags.value("public-key"));
    if (!key.ok() || key->size() != kPublicKeyBytes) return Error{Code::kInvalid, "-public-key needs 64 hexadecimal digits"};
    given.public_key = std::move(*key);
  }
  return given;
}

void print_manifest(const backup::Manifest& manifest) {
  fmt::print("{:<18}{}\n", "Snapshot", manifest.id);
  fmt::print("{:<18}{}\n", "Made", std::string_view(format_rfc3339(manifest.created_ms)));
  fmt::print("{:<18}{}\n", "By Keyhold", manifest.keyhold_version);
  fmt::print("{:<18}{}\n", "Of store", format_uuid(manifest.store_id));
  fmt::print("{:<18}{}, {} of {} shares\n", "Seal", manifest.seal_type, manifest.threshold, manifest.shares);
}

}  // namespace

int snapshot_inspect_command(std::span<const std::string_view> arguments) {
  const auto given = parse(kInspectFlags, arguments);
  if (!given.ok()) {
    fail("inspect", given.error());
    fmt::print(stderr, "usage: keyhold operator snapshot inspect [-public-key HEX] FILE\n");
    return kUsage;
  }
  auto file = SpoolFile::open(given->file);
  if (!file.ok()) return fail("inspect", file.error());
  const std::uint64_t bytes = (*file)->size();
  const auto verified = backup::verify_snapshot(std::move(*file), nullptr);
  if (!verified.ok()) return fail("inspect", verified.error());
  if (!given->public_key.empty() && given->public_key != verified->public_key) {
    return fail("inspect", {Code::kInvalid, "the snapshot is not signed by this key, but by " + hex_encode(verified->public_key)});
  }
  print_manifest(verified->manifest);
  fmt::print("{:<18}{} entries, {} bytes\n", "Holds", verified->entries, bytes);
  fmt::print("{:<18}{}{}\n", "Signed by", hex_encode(verified->public_key),
             given->public_key.empty() ? " (as the file names it: compare it with a copy from elsewhere)" : " (as given)");
  fmt::print("good\n");
  return kDone;
}

int snapshot_restore_command(std::span<const std::string_view> arguments) {
  const auto given = parse(kRestoreFlags, arguments);
  if (!given.ok() || !given->flags.has("config")) {
    fail("restore-offline", given.ok() ? Error{Code::kInvalid, "-config is missing"} : given.error());
    fmt::print(stderr, "usage: keyhold operator snapshot restore-offline -config FILE [-public-key HEX] [-force] SNAPSHOT\n");
    return kUsage;
  }
  harden_process();
  const auto restore = [&]() -> Result<backup::Verified> {
    TRY_ASSIGN(const LoadedConfig loaded, load_config(std::string(given->flags.value("config"))));
    const StorageConfig& storage = loaded.config.storage;
    if (storage.kind != StorageConfig::Kind::kEmbedded) return Error{Code::kInvalid, "the configuration names no store on this machine"};
    TRY_ASSIGN(auto opened, SpoolFile::open(given->file));
    const std::shared_ptr<const SpoolFile> file = std::move(opened);
    TRY_ASSIGN(auto verified, backup::verify_snapshot(file, nullptr));
    const SystemClock clock;
    storage::RocksOptions options;
    options.path = storage.path;
    TRY_ASSIGN(const auto store, storage::RocksStorage::open(std::move(options), clock));
    TRY_ASSIGN(const storage::Page any, store->list(storage::ListOptions()));
    if (!any.items.empty() && !given->flags.has("force")) {
      return Error{Code::kInvalid, "the store is not empty: everything in it would be replaced. Give -force if that is what you want"};
    }
    TRY_ASSIGN(const auto entries, core::store_snapshots::entries_for_closed_store(file, given->public_key));
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
