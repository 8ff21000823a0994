// operator snapshot save, restore and recover; operator raft snapshot is Vault's name for the first two.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/descriptor.h"
#include "base/limits.h"
#include "base/new_file.h"
#include "cli/progress.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

constexpr std::string_view kPath = "sys/storage/raft/snapshot";
constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::int64_t kRestoreTimeoutMs = 3600'000;  // The server reads, checks and writes a whole store.

Result<int> save(Session& session) {
  const std::string path(session.argument(0));
  if (struct stat there; ::lstat(path.c_str(), &there) == 0) return usage_error(path + " is there already: choose another name, or remove it first");
  TRY_ASSIGN(NewFile file, NewFile::create(path));
  Progress progress("MiB saved:");
  Result<void> kept;
  const auto keep = [&](std::string_view part) {
    const std::uint64_t before = file.bytes() / kMiB;
    kept = file.write(part);
    if (file.bytes() / kMiB > before) progress.show(file.bytes() / kMiB, 0);
    return kept.ok();
  };
  const auto answer = session.call({.path = std::string(kPath), .sink = keep});
  TRY(kept);
  if (!answer.ok()) return answer.error();
  TRY(file.finish(NewFile::Replace::kNothing));
  return session.success("Saved a snapshot of " + std::to_string(file.bytes()) + " bytes to " + path);
}

Result<SecretBytes> read_snapshot(const std::string& path) {
  const auto failed = [&path] { return usage_error(path + ": it cannot be read: " + std::strerror(errno)); };
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return failed();
  SecretBytes bytes;
  std::size_t have = 0;
  while (have <= limits::kHttpSnapshotBytesMax) {
    bytes.resize(have + kMiB);
    const ssize_t got = ::read(file.get(), bytes.writable().data() + have, kMiB);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed();
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  if (have <= limits::kHttpSnapshotBytesMax) return bytes;
  return usage_error(path + " is too large to be sent: put it into the server's snapshot directory and name it by -server-file, or stop the server and use "
                            "`keyhold operator snapshot restore-offline`");
}

/// A snapshot that is sent, or one that the server has.
Result<client::ApiAnswer> send_snapshot(Session& session, std::string path, client::Query query, std::size_t file_at) {
  client::ApiRequest request;
  request.method = "POST";
  request.path = std::move(path);
  request.query = std::move(query);
  request.timeout_ms_min = kRestoreTimeoutMs;
  const std::string_view on_server = session.flag("server-file");
  const std::string_view file = session.argument(file_at);
  if (on_server.empty() == file.empty()) return usage_error("name one snapshot: FILE, or -server-file=NAME of the server's snapshot directory");
  if (!on_server.empty()) {
    request.query.emplace_back("file", std::string(on_server));
    return session.call(std::move(request));
  }
  TRY_ASSIGN(const SecretBytes bytes, read_snapshot(std::string(file)));
  request.body = &bytes;
  return session.call(std::move(request));
}

Result<int> restore(Session& session) {
  TRY_ASSIGN(const auto answer, send_snapshot(session, std::string(kPath) + (session.arguments().on("force") ? "-force" : ""), {}, 0));
  return session.print_answer(answer);
}

Result<int> recover(Session& session) {
  const std::string secret = clean_path(session.argument(0));
  TRY_ASSIGN(const auto answer, send_snapshot(session, std::string(kPath) + "-recover", {{"path", secret}}, 1));
  return session.print_answer(answer);
}

constexpr Flag kServerFile{"server-file", "NAME", "A file of the server's snapshot directory, in place of FILE"};
constexpr std::array kRestoreFlags{kServerFile, Flag{"force", "", "As Vault has it; a snapshot of another store is refused all the same", Takes::kNothing}};
constexpr std::array kRecoverFlags{kServerFile};

constexpr std::string_view kSaveHelp = "Save the whole store as one file\n\nIt is encrypted as the store is: it opens with the key shares of today.";
constexpr std::string_view kRestoreHelp =
    "Put a snapshot of this store in place of all it has\n\nAll or nothing. Keys and shares stay those of today; every token is void then, the root token too. "
    "For an empty or another store, stop the server and use `keyhold operator snapshot restore-offline`.";

constexpr Command save_command(std::string_view name) {
  return {.name = name,
          .group = Group::kOperation,
          .arguments = "FILE",
          .help = kSaveHelp,
          .example = "keyhold operator snapshot save monday.snap",
          .arguments_min = 1,
          .arguments_max = 1,
          .run = save};
}
constexpr Command restore_command(std::string_view name) {
  return {.name = name,
          .group = Group::kOperation,
          .arguments = "[FILE]",
          .help = kRestoreHelp,
          .example = "keyhold operator snapshot restore monday.snap",
          .flags = kRestoreFlags,
          .arguments_max = 1,
          .run = restore};
}

constexpr std::array kCommands{
    save_command("operator snapshot save"),
    restore_command("operator snapshot restore"),
    Command{.name = "operator snapshot recover",
            .group = Group::kOperation,
            .arguments = "PATH [FILE]",
            .help = "Give one secret the content that it had in a snapshot\n\nIt becomes a new version; nothing else changes.",
            .example = "keyhold operator snapshot recover secret/prod/db monday.snap",
            .flags = kRecoverFlags,
            .arguments_min = 1,
            .arguments_max = 2,
            .run = recover},
    save_command("operator raft snapshot save"),
    restore_command("operator raft snapshot restore"),
};

}  // namespace

std::span<const Command> snapshot_commands() { return kCommands; }

}  // namespace keyhold::cli
