#include "core/audit/redactor.h"

#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

constexpr std::string_view kPrefix = "hmac-sha256:";

}  // namespace

struct Redactor::Budget {
  std::size_t values = 0;
  std::size_t bytes_end = 0;  // Of the output.
};

std::string Redactor::hash(std::string_view value) const {
  std::string text(kPrefix);
  append_hex(text, crypto::as_view(hmac_(value)));
  return text;
}

void Redactor::append_hash(std::string& out, std::string_view value) const {
  out.append("\"").append(kPrefix);
  append_hex(out, crypto::as_view(hmac_(value)));
  out.push_back('"');
}

void Redactor::append_redacted(std::string& out, json::Value value) const {
  const std::size_t begin = out.size();
  Budget budget{.values = kValuesMax, .bytes_end = begin + kBytesMax};
  if (append_within(out, value, 0, budget)) return;
  out.resize(begin);
  append_hash(out, value.raw());
}

/// False when the budget is used up; what was appended is then of no use.
bool Redactor::append_within(std::string& out, const json::Value& value, std::size_t depth, Budget& budget) const {
  if (budget.values == 0 || out.size() > budget.bytes_end) return false;
  --budget.values;
  switch (value.kind()) {
    case json::Kind::kNull: out.append("null"); return true;
    case json::Kind::kBool:
    case json::Kind::kNumber: append_hash(out, value.raw()); return true;
    case json::Kind::kString: {
      const auto text = value.as_secret();
      append_hash(out, text.ok() ? text->reveal() : value.raw());
      return true;
    }
    case json::Kind::kArray:
    case json::Kind::kObject: break;
  }
  if (depth == kDepthMax) {
    append_hash(out, value.raw());
    return true;
  }
  const bool object = value.kind() == json::Kind::kObject;
  out.push_back(object ? '{' : '[');
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (i > 0) out.push_back(',');
    if (object) {
      json::append_quoted(out, value.key_at(i));
      out.push_back(':');
    }
    if (!append_within(out, value.at(i), depth + 1, budget)) return false;
  }
  out.push_back(object ? '}' : ']');
  return out.size() <= budget.bytes_end;
}

}  // namespace keyhold::core::audit
