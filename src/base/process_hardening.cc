#include "base/process_hardening.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/key_bytes.h"
#include "base/secret_pool.h"

namespace keyhold {

std::vector<std::string> harden_process() {
  std::vector<std::string> warnings;
  const rlimit no_core{0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) warnings.emplace_back("core dumps could not be turned off");
  if (prctl(PR_SET_DUMPABLE, 0) != 0) warnings.emplace_back("other processes of this user may read the memory");
  umask(077);

  if (geteuid() == 0) warnings.emplace_back("running as root: give the server a user of its own");
  std::ifstream swaps("/proc/swaps");
  if (swaps_to_disk(std::string(std::istreambuf_iterator<char>(swaps), {}))) {
    warnings.emplace_back("swap is on: secrets may reach the disk; turn it off or encrypt it");
  }
  if (KeyBytes::protection() == KeyBytes::Protection::kUnlocked) {
    warnings.emplace_back("keys are not locked in memory: allow memfd_secret, or 1 MiB of locked memory (ulimit -l)");
  }
  secret_pool::release(secret_pool::allocate(1));  // So that the kernel has been asked.
  if (!secret_pool::excluded_from_dumps()) {
    warnings.emplace_back("the kernel does not exclude secrets from memory dumps");
  }
  return warnings;
}

bool swaps_to_disk(std::string_view proc_swaps) {
  bool heading = true;
  while (!proc_swaps.empty()) {
    const std::string_view line = proc_swaps.substr(0, proc_swaps.find('\n'));
    proc_swaps.remove_prefix(std::min(line.size() + 1, proc_swaps.size()));
    if (!heading && !line.empty() && !line.starts_with("/dev/zram")) return true;
    heading = false;
  }
  return false;
}

}  // namespace keyhold
