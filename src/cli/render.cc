#include "cli/render.h"

#include <algorithm>

#include "base/scalar.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace keyhold::cli {
namespace {

constexpr std::string_view kYamlIndent = "  ";
constexpr std::size_t kYamlSimpleKeyBytesMax = 128;  // YAML has it at 1,024 characters, escapes among them; a longer one stands after a "?".

void append_table_text(SecretBytes& out, const json::Value& value) {
  if (value.is_null()) {
    out.append("<nil>");
  } else if (value.is_string()) {
    if (const auto text = value.as_secret(); text.ok()) out.append(text->reveal());
  } else if (value.is_array()) {
    out.push_back('[');
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out.push_back(' ');
      append_table_text(out, value.at(i));
    }
    out.push_back(']');
  } else if (value.is_object()) {
    out.append("map[");
    bool first = true;
    for (const auto& [name, member] : sorted_members(value)) {
      if (!first) out.push_back(' ');
      first = false;
      out.append(name);
      out.push_back(':');
      append_table_text(out, member);
    }
    out.push_back(']');
  } else {
    out.append(value.raw());
  }
}

std::vector<Member> members_as_they_stand(const json::Value& object) {
  std::vector<Member> members;
  for (std::size_t i = 0; i < object.size(); ++i) members.emplace_back(object.key_at(i), object.at(i));
  return members;
}

void new_line(SecretBytes& out, std::size_t depth) {
  out.push_back('\n');
  for (std::size_t i = 0; i < depth; ++i) out.append("  ");
}

void append_json(SecretBytes& out, const json::Value& value, std::size_t depth) {
  if ((!value.is_array() && !value.is_object()) || value.size() == 0) {
    out.append(value.is_array() ? "[]" : value.is_object() ? "{}" : value.raw());
    return;
  }
  if (value.is_array()) {
    out.push_back('[');
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out.push_back(',');
      new_line(out, depth + 1);
      append_json(out, value.at(i), depth + 1);
    }
    new_line(out, depth);
    out.push_back(']');
    return;
  }
  out.push_back('{');
  bool first = true;
  for (const auto& [name, member] : depth == 0 ? members_as_they_stand(value) : sorted_members(value)) {
    if (!first) out.push_back(',');
    first = false;
    new_line(out, depth + 1);
    json::append_quoted(out, name);
    out.append(": ");
    append_json(out, member, depth + 1);
  }
  new_line(out, depth);
  out.push_back('}');
}

/// Whether YAML reads it as this very string without quotes (YAML 1.1 and 1.2): a word that is no number, no boolean, no null.
bool is_plain_word(std::string_view text) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '/' || c == '.'; };
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !letter(text.front()) || !std::all_of(text.begin(), text.end(), word)) return false;
  const std::string lower = to_lower(text);
  for (const std::string_view special : {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}) {
    if (lower == special) return false;
  }
  return true;
}

/// Whether YAML 1.1 or 1.2 refuses it even in quotes, or takes it for the end of a line.
bool yaml_needs_escape(char32_t point) {
  return (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029 || point == 0xfeff || point == 0xfffe || point == 0xffff;
}

/// JSON's strings are YAML's, but for a few characters.
void append_yaml_quoted(SecretBytes& out, std::string_view text) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  SecretBytes quoted;
  json::append_quoted(quoted, text);
  std::string_view left = quoted.reveal();
  while (!left.empty()) {
    const std::size_t bytes = std::max<std::size_t>(utf8::sequence_bytes(left), 1);
    const char32_t point = utf8::decode(left.substr(0, bytes));
    if (yaml_needs_escape(point)) {
      out.append("\\u");
      for (int shift = 12; shift >= 0; shift -= 4) out.push_back(kHexDigits[point >> shift & 15]);
    } else {
      out.append(left.substr(0, bytes));
    }
    left.remove_prefix(bytes);
  }
}

void append_yaml_string(SecretBytes& out, std::string_view text) {
  if (is_plain_word(text)) {
    out.append(text);
  } else {
    append_yaml_quoted(out, text);
  }
}

void append_yaml_scalar(SecretBytes& out, const json::Value& value) {
  if (value.is_string()) {
    if (const auto text = value.as_secret(); text.ok()) append_yaml_string(out, text->reveal());
  } else {
    out.append(value.is_array() ? "[]" : value.is_object() ? "{}" : value.raw());
  }
}

/// Writes from where a value begins: after "key:" or "-", or at the start of a line.
void append_yaml_value(SecretBytes& out, const json::Value& value, std::size_t depth, bool on_new_line) {
  const auto indent = [&out, depth] {
    for (std::size_t i = 0; i < depth; ++i) out.append(kYamlIndent);
  };
  if ((!value.is_array() && !value.is_object()) || value.size() == 0) {
    if (!on_new_line) out.push_back(' ');
    append_yaml_scalar(out, value);
    out.push_back('\n');
    return;
  }
  if (!on_new_line) out.push_back('\n');
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      indent();
      out.push_back('-');
      append_yaml_value(out, value.at(i), depth + 1, false);
    }
    return;
  }
  for (const auto& [name, member] : depth == 0 ? members_as_they_stand(value) : sorted_members(value)) {
    indent();
    const bool simple = name.size() <= kYamlSimpleKeyBytesMax;
    if (!simple) out.append("? ");
    append_yaml_string(out, name);
    if (!simple) {
      out.push_back('\n');
      indent();
    }
    out.push_back(':');
    append_yaml_value(out, member, depth + 1, false);
  }
}

}  // namespace

std::vector<Member> sorted_members(const json::Value& object) {
  if (!object.is_object()) return {};
  std::vector<Member> members = members_as_they_stand(object);
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.first < b.first; });
  return members;
}

SecretBytes table_text(const json::Value& value) {
  SecretBytes text;
  append_table_text(text, value);
  return text;
}

SecretBytes plain_text(const json::Value& value) {
  if (value.is_string()) {
    if (auto text = value.as_secret(); text.ok()) return std::move(*text);
  }
  return SecretBytes::copy_of(value.raw());
}

SecretBytes member_text(const json::Value& object, std::string_view name) {
  const auto value = object.is_object() ? object.find(name) : std::nullopt;
  return value && !value->is_null() ? table_text(*value) : SecretBytes();
}

bool member_is_true(const json::Value& object, std::string_view name) {
  const auto value = object.is_object() ? object.find(name) : std::nullopt;
  return value && value->raw() == "true";
}

void append_pretty_json(SecretBytes& out, const json::Value& value) { append_json(out, value, 0); }

void append_yaml(SecretBytes& out, const json::Value& value) { append_yaml_value(out, value, 0, true); }

std::string human_duration(std::int64_t seconds) {
  std::string text = format_duration_s(seconds);
  if (text.ends_with("m0s")) text.resize(text.size() - 2);
  if (text.ends_with("h0m")) text.resize(text.size() - 2);
  return text;
}

bool is_duration_name(std::string_view name) {
  for (const std::string_view word : {"period", "ttl", "duration"}) {
    if (name == word || (name.ends_with(word) && name[name.size() - word.size() - 1] == '_')) return true;
  }
  return name == "lease_max" || name == "ttl_max";
}

void add_rows(Table& table, const json::Value& object) {
  for (const auto& [name, value] : sorted_members(object)) {
    SecretBytes text = table_text(value);
    if (is_duration_name(name) && value.is_number()) {
      if (const auto seconds = value.as_int(); seconds.ok()) text = SecretBytes::copy_of(human_duration(*seconds));
    }
    table.row(name, std::move(text));
  }
}

std::size_t rows_width(const json::Value& object) {
  std::size_t widest = 0;
  for (const auto& [name, value] : sorted_members(object)) widest = std::max(widest, name.size());
  return widest + 4 + 5;  // The gap, and the heading "Value".
}

}  // namespace keyhold::cli
