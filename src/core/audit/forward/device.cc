#include "core/audit/forward/device.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kNameBytesMax = 64;

Error wrong(std::string_view message) { return {Code::kInvalid, std::string(message)}; }

/// It names a file too.
bool good_name(std::string_view name) {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !name.empty() && name.size() <= kNameBytesMax && name.find_first_not_of(kCharacters) == name.npos;
}

Result<std::uint32_t> parse_mode(std::string_view text) {
  std::uint32_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (error != std::errc() || end != text.data() + text.size() || (mode & ~0666u) != 0 || (mode & 0600u) != 0600u) {
    return wrong("mode is octal, without execute bits, and lets the owner read and write: \"0600\"");
  }
  return mode;
}

Result<bool> parse_bool(std::string_view name, std::string_view text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return wrong(std::string(name) + " is true or false");
}

bool is_clean(const std::filesystem::path& path) {
  return path.is_absolute() && path.has_filename() && path.lexically_normal().native() == path.native();
}

bool below(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto [in_directory, in_path] = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return in_directory == directory.end() || (in_directory->empty() && std::next(in_directory) == directory.end());
}

}  // namespace

Result<Device> Device::make(std::string_view type, std::string name, std::map<std::string, std::string> options) {
  if (type != "file") return wrong("an audit device is of the type \"file\"");
  if (name.ends_with('/')) name.pop_back();
  if (!good_name(name)) return wrong("an audit device's name has 1 to 64 letters, digits, '-' and '_'");
  if (name == kJournalName) return wrong("this name belongs to the journal itself");

  Device device;
  device.name = std::move(name);
  for (const auto& [key, value] : options) {
    if (key == "file_path" || key == "path") {
      device.file_path = value;
    } else if (key == "mode") {
      TRY_ASSIGN(device.mode, parse_mode(value));
    } else if (key == "hmac_accessor") {
      TRY_ASSIGN(device.hash_accessors, parse_bool(key, value));
    } else if (key == "log_raw") {
      TRY_ASSIGN(const bool raw, parse_bool(key, value));
      if (raw) return wrong("log_raw is not offered: secrets are never written in clear");
    } else if (key == "prefix") {
      if (!value.empty()) return wrong("prefix is not offered: lines are JSON from their first byte");
    } else if (key == "format") {
      if (value != "json") return wrong("format is \"json\"");
    } else if (key != "elide_list_responses" && key != "skip_test") {
      return wrong("an unknown option: file_path, mode and hmac_accessor are known");
    }
  }
  if (!is_clean(device.file_path)) return wrong("file_path is an absolute path without \".\", \"..\" and empty parts");
  device.options = std::move(options);
  return device;
}

bool lies_within(const Device& device, std::span<const std::string> directories) {
  const std::filesystem::path file(device.file_path);
  std::error_code ignored;
  const auto real_file = std::filesystem::weakly_canonical(file.parent_path(), ignored) / file.filename();
  return std::any_of(directories.begin(), directories.end(), [&](const std::string& name) {
    if (name.empty()) return false;
    std::error_code failed;
    const auto absolute = std::filesystem::absolute(name, failed).lexically_normal();
    const auto real = std::filesystem::weakly_canonical(absolute, failed);
    return below(file, absolute) || below(real_file, real);
  });
}

}  // namespace keyhold::core::audit
