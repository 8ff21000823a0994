#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/config/config.h"

/// What the server can no longer do once it serves, whoever controls it: Landlock confines its files, seccomp its system calls.
namespace keyhold::server {

/// A path and what is allowed there and below.
struct PathRule {
  enum class Access : std::uint8_t {
    kRead,
    kOwn,           // Read, write, make, rename and remove files and folders.
    kWrite,         // Read, write and make files; removes nothing. Of a folder that is not the server's own.
    kRemoveFolder,  // Remove empty folders. Nothing else.
  };
  std::string path;
  Access access = Access::kRead;
};

/// What every server reads: libraries, resolving of names, trusted authorities, what the system tells of itself.
std::vector<PathRule> system_paths();

/// What this server reads and writes, with system_paths(). `config_path` is where the configuration was read.
std::vector<PathRule> paths_of(const Config& config, const std::string& config_path);

/// Makes the folders that the server owns, so that there is something to name in a rule. Those that cannot be made are
/// for whoever opens them to report.
void make_own_folders(const Config& config);

/// Denies the calling thread, and those that it starts, all files but those of the rules, and signals to other processes. For good.
/// To be called before there are threads. A path of a rule that does not exist is left out.
///
/// returns   Nothing, or one sentence for the operator: the kernel has no Landlock, and files are not confined.
/// errors    kInternal: the kernel has it and refused.
Result<std::vector<std::string>> confine_files(std::span<const PathRule> rules);

/// Leaves all threads of the process the system calls of a server that is running: no new program or process, no listening, no
/// sockets but TCP, UDP and of this machine, no memory that is both written and run, nothing of other processes. Running another program,
/// debugging and the like end the process. For good.
///
/// `kLog` lets everything pass, and the kernel logs what `kOn` would not have.
///
/// returns   As confine_files().
/// errors    kInternal: the kernel has seccomp and refused.
Result<std::vector<std::string>> confine_system_calls(SandboxMode mode);

}  // namespace keyhold::server
