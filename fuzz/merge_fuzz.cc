// A merge patch of any two objects gives JSON, changes nothing when it says nothing, and nothing more the second time.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_merge.h"

namespace {

using namespace keyhold;

std::string merged(std::string_view target, const json::Value& patch) {
  const auto document = json::Document::parse(target, {.nodes_max = 2 * limits::kJsonNodesMax});
  CHECK(document.ok() && document->root().is_object());
  SecretBytes out;
  json::append_merged(out, document->root(), patch);
  return std::string(out.reveal());
}

}  // namespace

/// The two texts are apart by a NUL, which no JSON has.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t border = text.find('\0');
  if (border == std::string_view::npos) return 0;
  std::string_view target = text.substr(0, border);
  const auto document = json::Document::parse(target);
  const auto patch = json::Document::parse(text.substr(border + 1));
  if (!document.ok() || !document->root().is_object() || !patch.ok() || !patch->root().is_object()) return 0;
  target = document->root().raw();

  CHECK(merged(target, json::Document::parse("{}")->root()) == target);
  const std::string once = merged(target, patch->root());
  CHECK(merged(once, patch->root()) == once);
  return 0;
}
