// What a device writes is whole lines of JSON whatever members a journal's records have, and a cursor is read as it was
// written or not at all.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "core/audit/dropped.h"
#include "core/audit/forward/cursor.h"
#include "core/audit/forward/vault_lines.h"
#include "core/audit/line.h"

namespace {

using namespace keyhold;
using namespace keyhold::core;

void check_lines(std::string_view out) {
  while (!out.empty()) {
    const std::size_t end = out.find('\n');
    CHECK(end != std::string_view::npos);
    const auto document = json::Document::parse(out.substr(0, end), {.depth_max = 64, .nodes_max = 1024 * 1024});
    CHECK(document.ok());
    CHECK(document->root().find("time") && document->root().find("type") && document->root().find("request"));
    out.remove_prefix(end + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto cursor = audit::Cursor::parse(input)) CHECK(cursor->text() == input);

  audit::VaultLines lines(audit::VaultLines::Accessors::kHashed, [](std::string_view) { return "hmac-sha256:00"; });
  std::string out;
  audit::Digest chain{};
  std::uint64_t sequence = 0;
  for (std::string_view rest = input; !rest.empty();) {
    const std::string_view members = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(members.size() + 1, rest.size()));
    if (const auto dropped = audit::Dropped::parse(members)) CHECK(dropped->members() == members);
    std::string text;
    chain = audit::append_line(text, ++sequence, "2026-01-02T03:04:05.678Z", members, chain);
    text.pop_back();
    const auto line = audit::parse_line(text);
    if (!line) continue;
    const audit::Position begin{.file = 1, .offset = sequence, .sequence = sequence - 1};
    CHECK(lines.take(*line, text, begin, out) == audit::VaultLines::Taken::kTaken);
  }
  lines.close_before("9999", out);
  CHECK(!lines.oldest_pending());
  check_lines(out);
  return 0;
}
