#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/descriptor.h"
#include "server/sandbox.h"

namespace keyhold::server {
namespace {

// Of versions of Landlock that Debian 12's headers do not know yet.
constexpr std::uint64_t kTruncate = 1ULL << 14;       // Version 3.
constexpr std::uint64_t kIoctlDevice = 1ULL << 15;    // Version 5.
constexpr std::uint64_t kScopeSignal = 1ULL << 1;     // Version 6.
struct RulesetAttributes {
  std::uint64_t files = 0;
  std::uint64_t network = 0;
  std::uint64_t scoped = 0;
};
constexpr std::size_t kFirstAttributesBytes = sizeof(std::uint64_t);  // All that versions before 4 take.

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWriteFile = LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_READ_FILE | kWriteFile | LANDLOCK_ACCESS_FS_EXECUTE | kIoctlDevice;
constexpr std::uint64_t kVersion1 = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

/// The rights there are; the kernel refuses a ruleset that names others.
std::uint64_t rights_of_version(long version) {
  std::uint64_t rights = kVersion1;
  if (version >= 2) rights |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) rights |= kTruncate;
  if (version >= 5) rights |= kIoctlDevice;
  return rights;
}

std::uint64_t rights_of(PathRule::Access access) {
  switch (access) {
    case PathRule::Access::kRead: return kRead;
    case PathRule::Access::kOwn:
      return kRead | kWriteFile | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
             LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER;
    case PathRule::Access::kWrite: return kRead | kWriteFile | LANDLOCK_ACCESS_FS_MAKE_REG;
    case PathRule::Access::kRemoveFolder: return LANDLOCK_ACCESS_FS_REMOVE_DIR;
  }
  return 0;
}

Error refused(std::string_view what) { return {Code::kInternal, "sandbox: " + std::string(what) + ": " + std::strerror(errno)}; }

Result<void> allow(const Descriptor& ruleset, const PathRule& rule, std::uint64_t known) {
  const Descriptor path(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status{};
  if (path.get() < 0 || ::fstat(path.get(), &status) != 0) return {};
  std::uint64_t rights = rights_of(rule.access) & known;
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights;
  beneath.parent_fd = path.get();
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) == 0) return {};
  return refused(rule.path);
}

void add(std::vector<PathRule>& rules, std::string path, PathRule::Access access) {
  if (!path.empty()) rules.push_back({std::move(path), access});
}

/// A file that may be replaced by another of its name, so its folder; the file alone where the folder has much else.
void add_replaceable(std::vector<PathRule>& rules, const std::string& path) {
  if (path.empty()) return;
  std::error_code error;
  // By a symbolic link, as certificates' renewal makes them, both places count.
  for (const std::filesystem::path& file : {std::filesystem::path(path), std::filesystem::weakly_canonical(path, error)}) {
    const std::string folder = file.has_parent_path() ? file.parent_path().string() : ".";
    const bool shared = folder == "/" || folder == "/etc" || folder == "/tmp";
    add(rules, shared ? file.string() : folder, PathRule::Access::kRead);
  }
}

void add_source(std::vector<PathRule>& rules, std::string_view source) {
  if (source.starts_with("file://")) add(rules, std::string(source.substr(7)), PathRule::Access::kRead);
  if (!source.starts_with("credential://")) return;
  if (const char* const folder = std::getenv("CREDENTIALS_DIRECTORY")) add(rules, folder, PathRule::Access::kRead);
}

}  // namespace

std::vector<PathRule> system_paths() {
  std::vector<PathRule> rules;
  for (const char* path : {
           "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",               // What glibc loads when it needs it.
           "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",                //
           "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/nsswitch.conf",      // Resolving of names.
           "/etc/resolv.conf", "/etc/services", "/etc/protocols", "/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
           "/etc/ssl", "/etc/pki", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
           "/dev/urandom", "/dev/random", "/proc", "/sys/devices/system/cpu",
       }) {
    add(rules, path, PathRule::Access::kRead);
  }
  // What configures the resolver is replaced by files of the same names. Root could read there what nobody else can.
  if (::geteuid() != 0) add(rules, "/etc", PathRule::Access::kRead);
  add(rules, "/dev/null", PathRule::Access::kWrite);
  return rules;
}

std::vector<PathRule> paths_of(const Config& config, const std::string& config_path) {
  using Access = PathRule::Access;
  std::vector<PathRule> rules = system_paths();
  add_replaceable(rules, config_path);
  for (const ListenerConfig& listener : config.listeners) {
    for (const std::string* path : {&listener.tls_certificate_path, &listener.tls_private_key_path, &listener.tls_client_ca_path}) {
      add_replaceable(rules, *path);
    }
  }
  if (config.storage.kind == StorageConfig::Kind::kEmbedded) add(rules, config.storage.path, Access::kOwn);
  add(rules, config.journal.directory, Access::kOwn);
  for (const core::audit::Device& device : config.audit_devices) {
    // Log rotation renames the file, and the server makes it anew.
    add(rules, std::filesystem::path(device.file_path).parent_path().string(), Access::kWrite);
  }
  add(rules, config.snapshot_directory, Access::kOwn);
  // What seals read, and what their libraries read and write, is listed here.
  for (const SealConfig* seal : {&config.seal, &config.former_seal}) {
    for (const std::string* source : {&seal->current_key, &seal->previous_key, &seal->token, &seal->pin}) add_source(rules, *source);
    add(rules, seal->tls_ca_cert, Access::kRead);
    add(rules, seal->lib, Access::kRead);
    for (std::string& path : module_paths_of(*seal)) add(rules, std::move(path), Access::kOwn);
  }
  return rules;
}

void make_own_folders(const Config& config) {
  std::error_code ignored;
  if (config.storage.kind == StorageConfig::Kind::kEmbedded) std::filesystem::create_directories(config.storage.path, ignored);
  if (!config.snapshot_directory.empty()) std::filesystem::create_directories(config.snapshot_directory, ignored);
  // The journal makes its own folder, but none above it.
  ::mkdir(config.journal.directory.c_str(), 0700);
}

Result<std::vector<std::string>> confine_files(std::span<const PathRule> rules) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return std::vector<std::string>{"the kernel has no Landlock: which files the server can reach is not confined"};
  RulesetAttributes attributes;
  attributes.files = rights_of_version(version);
  if (version >= 6) attributes.scoped = kScopeSignal;
  const std::size_t bytes = version >= 6 ? sizeof(attributes) : kFirstAttributesBytes;
  const Descriptor ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, bytes, 0)));
  if (ruleset.get() < 0) return refused("Landlock");
  for (const PathRule& rule : rules) TRY(allow(ruleset, rule, attributes.files));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("no new privileges");
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return refused("Landlock");
  return std::vector<std::string>{};
}

}  // namespace keyhold::server
