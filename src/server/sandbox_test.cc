#include "server/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "base/sanitizer_test_util.h"

namespace keyhold::server {
namespace {

using Access = PathRule::Access;

/// In a process of its own, since it is for good: exits with 0 when `holds` says so there.
void expect_inside(const std::function<void()>& confine, const std::function<bool()>& holds) {
  EXPECT_EXIT(
      {
        confine();
        _exit(holds() ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

void confine_calls() {
  if (!confine_system_calls(SandboxMode::kOn).ok()) _exit(2);
}

bool fails_with(int error, long result) { return result < 0 && errno == error; }

class SandboxDeathTest : public ::testing::Test {
 protected:
  SandboxDeathTest() {
    std::string pattern = ::testing::TempDir() + "sandbox-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
    for (const char* name : {"own", "other", "logs"}) std::filesystem::create_directory(root_ + "/" + name);
    std::ofstream(root_ + "/other/secret") << "x";
    std::ofstream(root_ + "/logs/kept") << "x";
  }
  ~SandboxDeathTest() override { std::filesystem::remove_all(root_); }

  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer makes system calls of its own, which the filter refuses";
  }

  static bool has_landlock() {
    return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
  }
  void confine(std::vector<PathRule> more = {}) const {
    std::vector<PathRule> rules = system_paths();
    rules.push_back({root_ + "/own", Access::kOwn});
    rules.insert(rules.end(), more.begin(), more.end());
    if (!confine_files(rules).ok()) _exit(2);
  }
  static long open_at(const std::string& path, int flags) { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); }

  std::string root_;
};

TEST_F(SandboxDeathTest, AFolderOfItsOwnIsAllThatItCanChange) {
  if (!has_landlock()) GTEST_SKIP() << "no Landlock";
  expect_inside([&] { confine(); }, [&] {
    const std::string own = root_ + "/own";
    const bool mine = open_at(own + "/a", O_CREAT | O_RDWR) >= 0 && ::mkdir((own + "/b").c_str(), 0700) == 0 &&
                      ::rename((own + "/a").c_str(), (own + "/b/a").c_str()) == 0 && ::truncate((own + "/b/a").c_str(), 0) == 0 &&
                      ::unlink((own + "/b/a").c_str()) == 0 && ::rmdir((own + "/b").c_str()) == 0;
    const bool nothing_else = fails_with(EACCES, open_at(root_ + "/other/secret", O_RDONLY)) &&
                              fails_with(EACCES, open_at(root_ + "/other/new", O_CREAT | O_RDWR)) &&
                              fails_with(EACCES, ::unlink((root_ + "/other/secret").c_str())) &&
                              fails_with(EACCES, open_at("/etc/shadow", O_RDONLY)) && fails_with(EACCES, open_at("/root", O_RDONLY)) &&
                              fails_with(EACCES, open_at("/etc/hosts", O_RDWR));
    return mine && nothing_else && open_at("/etc/hosts", O_RDONLY) >= 0;
  });
}

TEST_F(SandboxDeathTest, AnotherFolderItOnlyAddsTo) {
  if (!has_landlock()) GTEST_SKIP() << "no Landlock";
  expect_inside([&] { confine({{root_ + "/logs", Access::kWrite}}); }, [&] {
    return open_at(root_ + "/logs/new", O_CREAT | O_RDWR | O_APPEND) >= 0 && open_at(root_ + "/logs/kept", O_RDWR) >= 0 &&
           fails_with(EACCES, ::unlink((root_ + "/logs/kept").c_str()));
  });
}

TEST_F(SandboxDeathTest, APlaceToRemoveFromShowsNothing) {
  if (!has_landlock()) GTEST_SKIP() << "no Landlock";
  std::filesystem::create_directory(root_ + "/other/empty");
  expect_inside([&] { confine({{root_ + "/other", Access::kRemoveFolder}}); }, [&] {
    return ::rmdir((root_ + "/other/empty").c_str()) == 0 && fails_with(EACCES, open_at(root_ + "/other/secret", O_RDONLY)) &&
           fails_with(EACCES, open_at(root_ + "/other", O_RDONLY));
  });
}

TEST_F(SandboxDeathTest, APathThatIsNotThereIsLeftOut) {
  expect_inside([&] { confine({{root_ + "/none", Access::kOwn}}); }, [] { return true; });
}

TEST_F(SandboxDeathTest, NoProcessAndNoListening) {
  expect_inside(confine_calls, [] {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    std::thread([] {}).join();  // Threads there may be.
    return listener >= 0 && fails_with(EPERM, ::fork()) && fails_with(EPERM, ::listen(listener, 1)) &&
           fails_with(EPERM, ::syscall(SYS_io_uring_setup, 1, nullptr));
  });
}

TEST_F(SandboxDeathTest, OnlySocketsOfTcpUdpAndThisMachine) {
  expect_inside(confine_calls, [] {
    return fails_with(EPERM, ::socket(AF_PACKET, SOCK_RAW, 0)) && fails_with(EPERM, ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)) &&
           fails_with(EPERM, ::socket(AF_NETLINK, SOCK_RAW, 0)) && fails_with(EPERM, ::socket(AF_VSOCK, SOCK_STREAM, 0)) &&
           ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0 && ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
  });
}

TEST_F(SandboxDeathTest, NamesAreStillResolved) {
  expect_inside(
      [&] {
        confine();
        confine_calls();
      },
      [] {
        addrinfo* found = nullptr;
        const int result = ::getaddrinfo("localhost", "8200", nullptr, &found);
        if (result != 0) std::fprintf(stderr, "%s\n", ::gai_strerror(result));
        return result == 0 && found != nullptr;
      });
}

TEST_F(SandboxDeathTest, NoMemoryIsWrittenAndRun) {
  expect_inside(confine_calls, [] {
    constexpr std::size_t kBytes = 4096;
    void* const data = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const bool both = ::mmap(nullptr, kBytes, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    return data != MAP_FAILED && !both && fails_with(EPERM, ::mprotect(data, kBytes, PROT_READ | PROT_EXEC)) &&
           ::mprotect(data, kBytes, PROT_READ) == 0;
  });
}

TEST_F(SandboxDeathTest, WhatWasHardenedStaysSo) {
  expect_inside(confine_calls, [] {
    return fails_with(EPERM, ::prctl(PR_SET_DUMPABLE, 1)) &&
           fails_with(EPERM, ::kill(::getppid(), 0)) && ::kill(::getpid(), 0) == 0;
  });
}

TEST_F(SandboxDeathTest, HoldsForThreadsThatThereWere) {
  expect_inside([] {}, [] {
    std::atomic<bool> confined{false};
    std::atomic<bool> held{false};
    std::thread before([&] {
      while (!confined) std::this_thread::yield();
      held = fails_with(EPERM, ::socket(AF_PACKET, SOCK_RAW, 0));
    });
    confine_calls();
    confined = true;
    before.join();
    return held.load();
  });
}

/// What only whoever took the server over would do ends it.
TEST_F(SandboxDeathTest, RunningAProgramOrLookingIntoOthersEndsTheProcess) {
  static const std::array<char*, 2> program{const_cast<char*>("/bin/true"), nullptr};
  static char byte;
  static const iovec place{&byte, 1};
  const std::array<std::function<void()>, 7> attempts{
      [] { ::execv(program[0], program.data()); },
      [] { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); },
      [] { ::process_vm_readv(::getppid(), &place, 1, &place, 1, 0); },
      [] { ::syscall(SYS_bpf, 0, nullptr, 0); },
      [] { ::syscall(SYS_keyctl, 0, 0); },
      [] { ::syscall(SYS_userfaultfd, 0); },
      [] { ::syscall(SYS_unshare, 0); },
  };
  for (const auto& attempt : attempts) {
    EXPECT_EXIT(
        {
          confine_calls();
          attempt();
          _exit(0);
        },
        ::testing::KilledBySignal(SIGSYS), "");
  }
}

TEST_F(SandboxDeathTest, OffAndLogDenyNothing) {
  for (const SandboxMode mode : {SandboxMode::kOff, SandboxMode::kLog}) {
    EXPECT_EXIT(
        {
          if (!confine_system_calls(mode).ok()) _exit(2);
          ::syscall(SYS_unshare, 0);
          _exit(::prctl(PR_SET_DUMPABLE, 1) == 0 ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "");
  }
}

bool covers(const std::vector<PathRule>& rules, const std::string& path, Access access) {
  return std::ranges::any_of(rules, [&](const PathRule& rule) { return rule.path == path && rule.access == access; });
}

TEST(SandboxPaths, AreThoseOfTheConfiguration) {
  Config config;
  config.storage.path = "/srv/store";
  config.journal.directory = "/srv/journal";
  config.listeners.emplace_back();
  config.listeners[0].tls_certificate_path = "/srv/tls/live/cert.pem";
  config.listeners[0].tls_private_key_path = "/key.pem";
  config.audit_devices.emplace_back();
  config.audit_devices[0].file_path = "/srv/logs/audit.log";
  config.seal.current_key = "file:///srv/seal/key";
  config.snapshot_directory = "/srv/snapshots";
  config.former_seal.lib = "/srv/hsm/module.so";
  config.former_seal.module_paths = "/srv/hsm/etc:/srv/hsm/tokens";
  config.former_seal.pin = "file:///srv/hsm/pin";
  const auto rules = paths_of(config, "/etc/keyhold.hcl");
  EXPECT_TRUE(covers(rules, "/srv/store", Access::kOwn));
  EXPECT_TRUE(covers(rules, "/srv/journal", Access::kOwn));
  EXPECT_TRUE(covers(rules, "/srv/snapshots", Access::kOwn));
  EXPECT_TRUE(covers(rules, "/srv/logs", Access::kWrite));
  EXPECT_TRUE(covers(rules, "/srv/seal/key", Access::kRead));
  for (const char* read : {"/srv/hsm/module.so", "/srv/hsm/pin"}) EXPECT_TRUE(covers(rules, read, Access::kRead)) << read;
  for (const char* own : {"/srv/hsm/etc", "/srv/hsm/tokens"}) EXPECT_TRUE(covers(rules, own, Access::kOwn)) << own;
  EXPECT_TRUE(covers(rules, "/srv/tls/live", Access::kRead));
  // Nothing wide for a file that happens to lie there.
  EXPECT_TRUE(covers(rules, "/key.pem", Access::kRead));
  EXPECT_TRUE(covers(rules, "/etc/keyhold.hcl", Access::kRead));
  EXPECT_FALSE(covers(rules, "/", Access::kRead));
  EXPECT_EQ(covers(rules, "/etc", Access::kRead), ::geteuid() != 0);
}

TEST_F(SandboxDeathTest, ACertificateBehindALinkCanBeReplacedAtBothPlaces) {
  std::filesystem::create_directory(root_ + "/live");
  std::filesystem::create_symlink(root_ + "/other/secret", root_ + "/live/cert.pem");
  Config config;
  config.listeners.emplace_back();
  config.listeners[0].tls_certificate_path = root_ + "/live/cert.pem";
  const auto rules = paths_of(config, root_ + "/own/keyhold.hcl");
  EXPECT_TRUE(covers(rules, root_ + "/live", Access::kRead));
  EXPECT_TRUE(covers(rules, std::filesystem::canonical(root_ + "/other").string(), Access::kRead));
}

}  // namespace
}  // namespace keyhold::server
