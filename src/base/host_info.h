#pragma once

#include <cstdint>
#include <string>

namespace keyhold {

/// What the system says of itself; a part that it does not say is empty or 0.
struct HostInfo {
  std::string hostname;
  std::string operating_system;  // "linux"
  std::string kernel_version;
  std::string architecture;  // "x86_64"
  std::int64_t uptime_s = 0;
  std::int64_t processes = 0;
  std::int64_t cpus = 0;
  std::int64_t memory_total_bytes = 0;
  std::int64_t memory_free_bytes = 0;
  std::int64_t disk_total_bytes = 0;  // Of the file system at "/".
  std::int64_t disk_free_bytes = 0;   // For processes without privileges.
};

/// threads   Any.
HostInfo host_info();

}  // namespace keyhold
