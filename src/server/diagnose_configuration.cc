#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/time_format.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "http/socket_address.h"
#include "http/tls_context.h"
#include "server/auto_seals.h"
#include "server/diagnose.h"
#include "server/file_modes.h"

namespace keyhold::server {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kFreeBytesMin = 64 * kMiB;         // Below, a store is soon read-only.
constexpr std::uint64_t kFreeBytesGood = 1024 * kMiB;
constexpr std::int64_t kSyncSlowMs = 100;                  // Every write waits for one.
constexpr std::int64_t kExpirySoonMs = 14LL * 24 * 3600 * 1000;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
constexpr long kFuseMagic = 0x65735546;  // Not in linux/magic.h.
constexpr long kCifsMagic = 0xFF534D42;
constexpr long kSmb2Magic = 0xFE534D42;

std::string reason() { return std::strerror(errno); }

/// Empty for those that keep what was synced.
std::string_view doubtful_file_system(long magic) {
  switch (magic) {
    case NFS_SUPER_MAGIC: return "NFS";
    case kCifsMagic:
    case kSmb2Magic: return "SMB";
    case TMPFS_MAGIC:
    case RAMFS_MAGIC: return "in memory: gone at the next boot";
    case OVERLAYFS_SUPER_MAGIC: return "overlay: of a container, and gone with it";
    case kFuseMagic: return "FUSE";
    default: return {};
  }
}

/// Looks at a folder that the server owns: storage's and the journal's.
class Folder {
 public:
  Folder(std::string check, std::string path, Findings& findings) : check_(std::move(check)), path_(std::move(path)), findings_(findings) {}

  /// Whether a server that runs holds it.
  bool look() {
    std::string nearest = path_;
    struct stat status{};
    if (::stat(path_.c_str(), &status) != 0) {
      if (errno != ENOENT) {
        failure("", reason(), "let the server's user reach it");
        return false;
      }
      nearest = parent_that_is_there();
      if (::access(nearest.c_str(), W_OK | X_OK) != 0) {
        failure("", "it is not there, and cannot be made in " + nearest + ": " + reason(), "mkdir -m 0700 " + path_ + ", and give it to the server's user");
        return false;
      }
      findings_.ok(check_, path_ + ": the server will make it");
    } else if (!look_at_owner(status)) {
      return false;
    }
    look_at_file_system(nearest);
    const bool held = is_held();
    if (held) findings_.warning(check_ + ": lock", "a running server holds it", "stop that server before you start another");
    look_at_sync(nearest);
    return held;
  }

 private:
  void failure(std::string_view what, std::string told, std::string next) {
    findings_.failure(check_ + std::string(what), path_ + ": " + std::move(told), std::move(next));
  }

  std::string parent_that_is_there() const {
    std::filesystem::path parent = path_;
    std::error_code error;
    while (parent.has_parent_path() && parent != parent.parent_path() && !std::filesystem::exists(parent, error)) parent = parent.parent_path();
    return parent.empty() || !std::filesystem::exists(parent, error) ? "." : parent.string();
  }

  bool look_at_owner(const struct stat& status) {
    if (!S_ISDIR(status.st_mode)) {
      failure("", "it is no folder", "name another path");
    } else if (status.st_uid != ::geteuid()) {
      failure("", "it belongs to user " + std::to_string(status.st_uid) + ", and this is user " + std::to_string(::geteuid()),
              "chown it, or run this as the server's user: sudo -u keyhold keyhold operator diagnose");
    } else if ((status.st_mode & 077) != 0) {
      failure("", "other users have access to it", "chmod 0700 " + path_);
    } else {
      findings_.ok(check_, path_ + ": of this user, who alone has access");
      return true;
    }
    return false;
  }

  void look_at_file_system(const std::string& at) {
    struct statfs disk{};
    if (::statfs(at.c_str(), &disk) != 0) return failure(": file system", reason(), "");
    const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * static_cast<std::uint64_t>(disk.f_bsize);
    const std::string told = std::to_string(free / kMiB) + " MiB free";
    if (free < kFreeBytesMin) {
      failure(": free space", told, "make room: without it nothing can be written");
    } else if (free < kFreeBytesGood) {
      findings_.warning(check_ + ": free space", told, "make room");
    } else {
      findings_.ok(check_ + ": free space", told);
    }
    const std::string_view doubtful = doubtful_file_system(disk.f_type);
    if (doubtful.empty()) return findings_.ok(check_ + ": file system", "a local one");
    findings_.warning(check_ + ": file system", std::string(doubtful), "use a local disk with ext4 or xfs");
  }

  bool is_held() const {
    const Descriptor lock(::open((path_ + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    return lock.get() >= 0 && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  }

  void look_at_sync(const std::string& at) {
    // Without a name: nothing stays, whatever happens.
    const Descriptor file(::open(at.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    if (file.get() < 0) {
      if (errno == EOPNOTSUPP) return;
      return failure(": writing", reason(), "let the server's user write there");
    }
    constexpr std::array<char, 4096> kPage{};
    const auto begun = std::chrono::steady_clock::now();
    if (::write(file.get(), kPage.data(), kPage.size()) != static_cast<ssize_t>(kPage.size()) || ::fsync(file.get()) != 0) {
      return failure(": writing", reason(), "look at the disk");
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count();
    const std::string told = "written and synced within " + std::to_string(took + 1) + " ms";
    if (took < kSyncSlowMs) return findings_.ok(check_ + ": writing", told);
    findings_.warning(check_ + ": writing", told, "use a faster disk: every write waits for this");
  }

  const std::string check_;
  const std::string path_;
  Findings& findings_;
};

void look_at_certificate(const std::string& check, const std::string& path, Findings& findings) {
  std::ifstream file(path, std::ios::binary);
  const std::string pem(std::istreambuf_iterator<char>(file), {});
  const auto facts = crypto::read_certificate(pem);
  if (!facts.ok()) return findings.failure(check + ": certificate", path + ": " + facts.error().message, "give a certificate in PEM, the server's first");
  const UnixMillis now_ms = SystemClock().now_ms();
  const std::string until = "valid until " + std::string(format_rfc3339(facts->not_after_ms));
  if (now_ms < facts->not_before_ms) {
    findings.failure(check + ": certificate", "not valid before " + std::string(format_rfc3339(facts->not_before_ms)), "look at the clock");
  } else if (now_ms > facts->not_after_ms) {
    findings.failure(check + ": certificate", until, "renew it");
  } else if (facts->not_after_ms - now_ms < kExpirySoonMs) {
    findings.warning(check + ": certificate", until + ", in " + std::to_string((facts->not_after_ms - now_ms) / kDayMs) + " days", "renew it");
  } else {
    findings.ok(check + ": certificate", until);
  }
  if (facts->names.empty()) {
    return findings.warning(check + ": names", "none: clients look at subject alternative names only", "make a certificate with the names that clients use");
  }
  std::string names;
  for (const std::string& name : facts->names) names.append(names.empty() ? "" : ", ").append(name);
  findings.ok(check + ": names", names);
}

void look_at_port(const std::string& check, const ListenerConfig& listener, bool server_runs, Findings& findings) {
  const auto address = http::SocketAddress::parse(listener.address.host, listener.address.port);
  if (!address) return findings.failure(check, "no IP address", "");
  const Descriptor socket(::socket(address->is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  constexpr int kOn = 1;
  if (socket.get() >= 0) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof(kOn));
  if (socket.get() >= 0 && ::bind(socket.get(), address->data(), address->size()) == 0 && ::listen(socket.get(), 1) == 0) {
    return findings.ok(check + ": port", "free");
  }
  if (errno == EADDRINUSE && server_runs) return findings.ok(check + ": port", "in use, as it is while a server runs");
  findings.failure(check + ": port", reason(), errno == EADDRINUSE ? "see who has it: ss -ltnp" : errno == EACCES ? "take a port from 1024 on" : "name an address of this machine");
}

void look_at_listener(const ListenerConfig& listener, bool server_runs, Findings& findings) {
  const std::string check = "listener " + listener.address.host + ":" + std::to_string(listener.address.port);
  look_at_port(check, listener, server_runs, findings);
  if (!listener.tls) {
    const bool here = listener.address.host.starts_with("127.") || listener.address.host == "::1";
    if (here) return findings.ok(check + ": TLS", "off, on this machine only");
    return findings.warning(check + ": TLS", "off: tokens and secrets cross the network readable", "set tls_cert_file and tls_key_file");
  }
  const auto context = http::TlsContext::load({listener.tls_certificate_path, listener.tls_private_key_path, listener.tls_client_ca_path,
                                               listener.require_client_certificate});
  if (!context.ok()) return findings.failure(check + ": TLS", context.error().message, "");
  findings.ok(check + ": TLS", "certificate and key belong together");
  look_at_certificate(check, listener.tls_certificate_path, findings);
}

void look_at_seal(const SealConfig& config, Findings& findings) {
  crypto::OsRng rng;
  const std::atomic<bool> stopping{false};
  const auto seal = make_auto_seal(config, {rng, stopping, {}});
  if (!seal.ok()) return findings.failure("seal", seal.error().message, "");
  findings.ok("seal", "what it unseals by can be read");
}

void look_at_device(const core::audit::Device& device, Findings& findings) {
  const std::string check = "audit device " + device.name;
  const std::string folder = std::filesystem::path(device.file_path).parent_path().string();
  struct stat status{};
  if (::stat(device.file_path.c_str(), &status) == 0) {
    if (!S_ISREG(status.st_mode)) return findings.failure(check, device.file_path + ": it is no regular file", "name another path");
    if (status.st_uid != ::geteuid()) return findings.failure(check, device.file_path + ": it belongs to another user", "chown it");
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) return findings.failure(check, folder + ": " + reason(), "let the server's user write there");
  findings.ok(check, device.file_path);
}

}  // namespace

void diagnose_configuration(const Config& config, const std::string& config_path, Findings& findings) {
  const auto modes = check_file_modes(config, config_path);
  if (!modes.ok()) {
    findings.failure("file modes", modes.error().message, "");
  } else {
    for (const std::string& warning : *modes) findings.warning("file modes", warning, "");
    if (modes->empty()) findings.ok("file modes", "nobody else can change what the server reads, or read its keys");
  }
  bool server_runs = false;
  if (config.storage.kind == StorageConfig::Kind::kEmbedded) {
    server_runs = Folder("storage", config.storage.path, findings).look();
  } else {
    findings.warning("storage", "in memory: everything is gone when the server ends", "storage \"raft\" keeps it");
  }
  const bool apart = !config.snapshot_directory.empty() && !config.snapshot_directory.starts_with(config.storage.path);
  if (apart) Folder("snapshots", config.snapshot_directory, findings).look();
  Folder("audit journal", config.journal.directory, findings).look();
  for (const core::audit::Device& device : config.audit_devices) look_at_device(device, findings);
  if (config.seal.kind == SealConfig::Kind::kShares) {
    findings.ok("seal", "by key shares: somebody unseals the server after each start");
  } else {
    look_at_seal(config.seal, findings);
  }
  if (config.former_seal.kind != SealConfig::Kind::kShares) look_at_seal(config.former_seal, findings);
  for (const ListenerConfig& listener : config.listeners) look_at_listener(listener, server_runs, findings);
  if (config.sandbox != SandboxMode::kOn) findings.warning("sandbox", "the configuration turns it off", "sandbox = \"on\"");
}

}  // namespace keyhold::server
