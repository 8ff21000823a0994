// Paths and query components as clients send them.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/encoding.h"
#include "base/limits.h"
#include "base/result.h"
#include "core/path.h"

namespace {

using namespace keyhold;

/// What no accepted path may hold.
bool odd(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.size() > limits::kRequestPathBytesMax || !valid_utf8(path)) return true;
  if (path.find("//") != std::string_view::npos || path.find_first_of("%\\\0", 0, 3) != std::string_view::npos) return true;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment == "." || segment == "..") return true;
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto path = core::canonical_path(input); path.ok()) {
    CHECK(!odd(*path));
    const auto again = core::canonical_path(*path);
    CHECK(again.ok() && *again == *path);
  }
  if (const auto text = core::decode_query_component(input); text.ok()) CHECK(valid_utf8(*text));
  return 0;
}
