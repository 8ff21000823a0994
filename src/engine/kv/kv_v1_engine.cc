#include "engine/kv/kv_v1_engine.h"

#include <algorithm>
#include <optional>

#include "base/time_format.h"

namespace keyhold::engine {
namespace {

/// What the secret itself says of its use: its field "ttl", or else "lease". nullopt: nothing that can be understood.
std::optional<std::int64_t> own_ttl_s(std::string_view content) {
  // Most secrets say nothing, and need no parsing.
  const auto mentions = [content](std::string_view text) { return content.find(text) != std::string_view::npos; };
  if (!mentions("ttl\"") && !mentions("lease\"") && !mentions("\\u")) return std::nullopt;
  const auto document = json::Document::parse(content);
  if (!document.ok()) return std::nullopt;
  auto field = document->root().find("ttl");
  if (!field) field = document->root().find("lease");
  if (!field) return std::nullopt;
  if (const auto seconds = core::weak_integer(*field)) return seconds;
  if (!field->is_string()) return std::nullopt;
  const auto duration_s = parse_duration_s(field->as_string().value());
  return duration_s.ok() ? std::optional(*duration_s) : std::nullopt;
}

}  // namespace

Result<core::Reply> KvV1Engine::read(core::Call& call) {
  TRY_ASSIGN(core::Reply reply, plain::read(call, {}));
  if (reply.outcome != core::Reply::Outcome::kFound) return reply;
  const auto [default_s, max_s] = core::ttl_bounds(call.mount().record);
  std::int64_t ttl_s = own_ttl_s(reply.data.reveal()).value_or(0);
  if (ttl_s <= 0) ttl_s = default_s;
  if (ttl_s > max_s) {
    reply.warnings.push_back("TTL of \"" + format_duration_s(ttl_s) + "\" exceeded the effective max_ttl of \"" +
                             format_duration_s(max_s) + "\"; TTL value is capped accordingly");
  }
  reply.lease_duration_s = std::min(ttl_s, max_s);
  return reply;
}

}  // namespace keyhold::engine
