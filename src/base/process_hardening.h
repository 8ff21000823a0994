#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keyhold {

/// Keeps the process's memory and files from others: no core dumps, no ptrace and no /proc/<pid> by processes of
/// the same user (PR_SET_DUMPABLE), umask 077. To be called first in main(): what was forked or opened before stays.
///
/// returns   What remains open, one sentence each, for the operator: running as root, swap on a disk, keys not locked,
///           secrets not excluded from dumps, a limit that could not be set.
std::vector<std::string> harden_process();

/// Whether `proc_swaps`, the text of /proc/swaps, names anything but compressed memory (zram).
bool swaps_to_disk(std::string_view proc_swaps);

}  // namespace keyhold
