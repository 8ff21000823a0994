#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

/// What the kernel knows of this process's memory, for tests.
namespace keyhold::testing {

struct Mapping {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string access;  // As "rw-p".
  std::string flags;   // VmFlags, with a space on either side of each.

  bool has(const std::string& flag) const { return flags.find(" " + flag + " ") != std::string::npos; }
};

/// The mapping that holds `address`, from /proc/self/smaps.
inline std::optional<Mapping> mapping_of(std::uintptr_t address) {
  std::ifstream smaps("/proc/self/smaps");
  std::optional<Mapping> found;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s ", &begin, &end, access) == 3) {
      if (found) return found;
      if (begin <= address && address < end) found = Mapping{begin, end, access, {}};
    } else if (found && line.starts_with("VmFlags:")) {
      found->flags = line.substr(sizeof "VmFlags:" - 1) + " ";
    }
  }
  return found;
}
inline std::optional<Mapping> mapping_of(const void* address) {
  return mapping_of(reinterpret_cast<std::uintptr_t>(address));
}

/// The bytes at an address that is no longer ours to read; nullopt when nothing readable is mapped there.
inline std::optional<std::string> raw_memory(const void* address, std::size_t size) {
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::string bytes(size, '\0');
  const ssize_t count =
      pread(memory, bytes.data(), size, static_cast<off_t>(reinterpret_cast<std::uintptr_t>(address)));
  close(memory);
  if (count != static_cast<ssize_t>(size)) return std::nullopt;
  return bytes;
}

}  // namespace keyhold::testing
