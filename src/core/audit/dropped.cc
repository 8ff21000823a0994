#include "core/audit/dropped.h"

#include "base/json.h"
#include "core/audit/text.h"

namespace keyhold::core::audit {

std::string Dropped::members() const {
  std::string out = "\"dropped\":{\"file\":";
  json::append_quoted(out, file.file);
  out += ",\"seq\":" + std::to_string(file.sequence) + ",\"chain\":\"";
  append_hex(out, crypto::as_view(file.chain));
  out += "\",\"bytes\":" + std::to_string(bytes) + ",\"forwarded\":" + (forwarded ? "true" : "false") + "}";
  return out;
}

std::optional<Dropped> Dropped::parse(std::string_view members) {
  const std::string text = "{" + std::string(members) + "}";
  const auto document = json::Document::parse(text);
  if (!document.ok()) return std::nullopt;
  const auto object = document->root().find("dropped");
  if (!object || !object->is_object()) return std::nullopt;
  Dropped dropped;
  auto link = Genesis::Previous::parse(*object);
  const auto bytes = object->find("bytes");
  const auto forwarded = object->find("forwarded");
  if (!link || !bytes || !forwarded || !forwarded->is_bool()) return std::nullopt;
  const auto count = parse_decimal(bytes->raw());
  if (!count) return std::nullopt;
  dropped.file = *std::move(link);
  dropped.bytes = *count;
  dropped.forwarded = forwarded->raw() == "true";
  if (dropped.members() != members) return std::nullopt;
  return dropped;
}

}  // namespace keyhold::core::audit
