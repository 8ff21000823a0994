#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "base/key_bytes.h"
#include "base/process_hardening.h"
#include "base/time_format.h"
#include "server/diagnose.h"

namespace keyhold::server {
namespace {

constexpr rlim_t kOpenFilesMin = 4096;  // Connections and the store's files.
// A clock outside of these is one that nobody has set: 2026 and 2100.
constexpr UnixMillis kClockMin = 1'767'225'600'000;
constexpr UnixMillis kClockMax = 4'102'444'800'000;

void look_at_user(Findings& findings) {
  if (::geteuid() != 0) return findings.ok("user", "not root");
  findings.warning("user", "root", "run the server as a user of its own, as dist/keyhold.service does");
}

void look_at_limits(Findings& findings) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const std::string told = std::to_string(files.rlim_cur);
  if (files.rlim_cur >= kOpenFilesMin) {
    findings.ok("limit: open files", told);
  } else {
    findings.warning("limit: open files", told, "ulimit -n 65536, or LimitNOFILE=65536 in the unit");
  }
  switch (KeyBytes::protection()) {
    case KeyBytes::Protection::kSecretMemory: findings.ok("memory of keys", "locked, and hidden from the kernel itself"); break;
    case KeyBytes::Protection::kLocked: findings.ok("memory of keys", "locked"); break;
    case KeyBytes::Protection::kUnlocked:
      findings.warning("memory of keys", "not locked: keys may reach the swap device", "ulimit -l 65536, or LimitMEMLOCK=64M in the unit");
  }
  rlimit core{};
  ::getrlimit(RLIMIT_CORE, &core);
  if (core.rlim_cur == 0 && ::prctl(PR_GET_DUMPABLE) == 0) {
    findings.ok("memory dumps", "off");
  } else {
    findings.warning("memory dumps", "the kernel does not let a process turn them off", "allow setrlimit and prctl in what confines the server");
  }
}

void look_at_swap(Findings& findings) {
  std::ifstream swaps("/proc/swaps");
  if (!swaps_to_disk(std::string(std::istreambuf_iterator<char>(swaps), {}))) return findings.ok("swap", "off, or in compressed memory");
  findings.warning("swap", "on a disk: secrets may be written there", "swapoff -a, encrypt it, or MemorySwapMax=0 in the unit");
}

void look_at_clock(Findings& findings) {
  const UnixMillis now_ms = SystemClock().now_ms();
  const std::string told(format_rfc3339(now_ms));
  if (now_ms < kClockMin || now_ms > kClockMax) return findings.failure("clock", told, "set it: tokens and certificates live by it");
  timex state{};
  if (::adjtimex(&state) < 0) return findings.warning("clock", told + ", and the kernel does not tell whether it is synchronised", "");
  if ((state.status & STA_UNSYNC) == 0) return findings.ok("clock", told + ", synchronised");
  findings.warning("clock", told + ", not synchronised", "run a time service: timedatectl set-ntp true");
}

void look_at_kernel(Findings& findings) {
  const long landlock = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  const bool seccomp = ::prctl(PR_GET_SECCOMP) >= 0;
  if (landlock > 0 && seccomp) {
    return findings.ok("sandbox", "Landlock " + std::to_string(landlock) + " and seccomp");
  }
  const std::string missing = seccomp ? "Landlock" : landlock > 0 ? "seccomp" : "Landlock and seccomp";
  findings.warning("sandbox", "the kernel has no " + missing, "use a kernel from 5.13 on, with landlock among its security modules");
}

}  // namespace

Finding::Verdict Findings::worst() const {
  Verdict worst = Verdict::kOk;
  for (const Finding& finding : all_) worst = std::max(worst, finding.verdict);
  return worst;
}

void diagnose_machine(Findings& findings) {
  look_at_user(findings);
  look_at_limits(findings);
  look_at_swap(findings);
  look_at_clock(findings);
  look_at_kernel(findings);
}

}  // namespace keyhold::server
