#include "base/host_info.h"

#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace keyhold {

HostInfo host_info() {
  HostInfo info;
  if (utsname names{}; ::uname(&names) == 0) {
    info.hostname = names.nodename;
    info.operating_system = "linux";
    info.kernel_version = names.release;
    info.architecture = names.machine;
  }
  if (struct sysinfo system{}; ::sysinfo(&system) == 0) {
    info.uptime_s = system.uptime;
    info.processes = system.procs;
    info.memory_total_bytes = static_cast<std::int64_t>(system.totalram) * system.mem_unit;
    info.memory_free_bytes = static_cast<std::int64_t>(system.freeram) * system.mem_unit;
  }
  info.cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (struct statvfs disk{}; ::statvfs("/", &disk) == 0) {
    info.disk_total_bytes = static_cast<std::int64_t>(disk.f_blocks * disk.f_frsize);
    info.disk_free_bytes = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  }
  return info;
}

}  // namespace keyhold
