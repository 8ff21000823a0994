#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhold::core::audit {

/// An audit device as the configuration file declares it, and only that: no API makes one, since whoever names a path here
/// makes the server write to it (CVE-2025-6000).
struct Device {
  std::string name;  // Of its path "name/" in the API, and of its cursor.
  std::string description;
  bool local = false;
  std::map<std::string, std::string> options;  // As declared.

  // What the options say.
  std::string file_path;  // Absolute.
  std::uint32_t mode = 0600;
  bool hash_accessors = true;

  /// `type` is "file". errors: kInvalid, saying which option and what it should be.
  static Result<Device> make(std::string_view type, std::string name, std::map<std::string, std::string> options);
};

/// The name under which the journal itself is asked for hashes; no device may have it.
inline constexpr std::string_view kJournalName = "journal";

/// Whether a device's file would lie in one of these directories, by its path or by where a symbolic link leads.
bool lies_within(const Device& device, std::span<const std::string> directories);

}  // namespace keyhold::core::audit
