#include "cli/key_values.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"

namespace keyhold::cli {
namespace {

constexpr json::Limits kLimits{.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax};

Error wrong(std::string text) { return Error{Code::kInvalid, std::move(text)}; }

/// One member: its values as JSON, more than one for a list.
struct Entry {
  std::string key;
  std::vector<SecretBytes> values;
};

class Builder {
 public:
  explicit Builder(const ValueSources& sources) : sources_(sources) {}

  Result<void> add(std::string_view argument) {
    if (argument == "-") {
      TRY_ASSIGN(const SecretBytes text, input("the JSON"));
      return add_object(text, "standard input");
    }
    if (argument.starts_with('@')) {
      TRY_ASSIGN(const SecretBytes text, sources_.file(argument.substr(1)));
      return add_object(text, argument.substr(1));
    }
    const std::size_t equals = argument.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return wrong("after the path come key=value, key=@file, key=- for standard input, or - or @file for all as JSON");
    }
    const std::string_view key = argument.substr(0, equals);
    std::string_view value = argument.substr(equals + 1);
    if (value == "-") {
      TRY_ASSIGN(const SecretBytes text, input(key));
      return add_text(key, text.reveal());
    }
    if (value.starts_with('@')) {
      TRY_ASSIGN(const SecretBytes text, sources_.file(value.substr(1)));
      return add_text(key, text.reveal());
    }
    if (value.starts_with("\\@")) value.remove_prefix(1);
    return add_text(key, value);
  }

  SecretBytes object() const {
    SecretBytes out;
    json::Writer writer(out);
    writer.begin_object();
    for (const Entry& entry : entries_) {
      writer.key(entry.key);
      if (entry.values.size() == 1) {
        writer.raw(entry.values.front().reveal());
        continue;
      }
      writer.begin_array();
      for (const SecretBytes& value : entry.values) writer.raw(value.reveal());
      writer.end_array();
    }
    writer.end_object();
    return out;
  }

 private:
  Result<SecretBytes> input(std::string_view key) {
    if (input_used_) return wrong("standard input is named twice");
    input_used_ = true;
    return sources_.input(key);
  }

  Entry& entry(std::string_view key) {
    const auto found = std::find_if(entries_.begin(), entries_.end(), [key](const Entry& entry) { return entry.key == key; });
    if (found != entries_.end()) return *found;
    entries_.push_back({std::string(key), {}});
    return entries_.back();
  }

  Result<void> add_text(std::string_view key, std::string_view text) {
    if (!valid_utf8(text)) return wrong("the value of " + std::string(key) + " is not text (UTF-8): encode it first, for example in base64");
    if (!valid_utf8(key)) return wrong("a key is not text (UTF-8)");
    SecretBytes quoted;
    json::append_quoted(quoted, text);
    entry(key).values.push_back(std::move(quoted));
    return {};
  }

  Result<void> add_object(const SecretBytes& text, std::string_view source) {
    json::Failure failure;
    auto document = json::Document::parse(text.reveal(), kLimits, &failure);
    if (!document.ok()) {
      return wrong(std::string(source) + " is no JSON: at byte " + std::to_string(failure.offset_bytes) + ", " + failure.reason);
    }
    const json::Value root = document->root();
    if (!root.is_object()) return wrong(std::string(source) + " must be a JSON object");
    for (std::size_t i = 0; i < root.size(); ++i) {
      auto& values = entry(root.key_at(i)).values;
      values.clear();
      values.push_back(SecretBytes::copy_of(root.at(i).raw()));
    }
    return {};
  }

  const ValueSources& sources_;
  std::vector<Entry> entries_;
  bool input_used_ = false;
};

}  // namespace

Result<SecretBytes> object_from(std::span<const std::string_view> arguments, const ValueSources& sources) {
  Builder builder(sources);
  for (const std::string_view argument : arguments) TRY(builder.add(argument));
  return builder.object();
}

}  // namespace keyhold::cli
