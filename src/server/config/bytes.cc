#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "server/config/config.h"

namespace keyhold::server {
namespace {

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 10> kUnits{{
    {"", 1},
    {"B", 1},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
}};

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, bytes] : kUnits) {
    if (error != std::errc() || unit != name || count > std::numeric_limits<std::uint64_t>::max() / bytes) continue;
    return count * bytes;
  }
  return Error{Code::kInvalid, "not a number of bytes"};
}

}  // namespace keyhold::server
