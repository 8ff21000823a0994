#include "cli/formats/yaml_reader.h"

#include <yaml.h>

#include <array>
#include <cstring>
#include <set>
#include <string>

#include "base/json.h"
#include "base/limits.h"

namespace keyhold::cli {
namespace {

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

std::string_view characters(const yaml_char_t* text) { return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text); }

/// libyaml's parser. Its own buffers are wiped; copies that it frees while a long scalar grows are not.
class YamlParser {
 public:
  explicit YamlParser(std::string_view text) {
    CHECK(::yaml_parser_initialize(&parser_) == 1);
    ::yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  YamlParser(const YamlParser&) = delete;
  YamlParser& operator=(const YamlParser&) = delete;
  ~YamlParser() {
    wipe(parser_.buffer.start, parser_.buffer.end);
    wipe(parser_.raw_buffer.start, parser_.raw_buffer.end);
    ::yaml_parser_delete(&parser_);
  }

  Result<void> next(yaml_event_t& event) {
    if (::yaml_parser_parse(&parser_, &event) == 1) return {};
    // Its texts are constants.
    const std::string why = parser_.problem == nullptr ? "it cannot be read" : parser_.problem;
    return Error{Code::kInvalid, "line " + std::to_string(parser_.problem_mark.line + 1) + ": " + why};
  }

 private:
  static void wipe(unsigned char* begin, unsigned char* end) {
    if (begin != nullptr) ::explicit_bzero(begin, static_cast<std::size_t>(end - begin));
  }
  yaml_parser_t parser_{};
};

/// One event; its scalar is wiped.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() {
    if (event_.type == YAML_SCALAR_EVENT && event_.data.scalar.value != nullptr) ::explicit_bzero(event_.data.scalar.value, event_.data.scalar.length);
    ::yaml_event_delete(&event_);
  }
  yaml_event_t& get() { return event_; }
  yaml_event_type_t type() const { return event_.type; }
  std::size_t line() const { return event_.start_mark.line + 1; }
  std::string_view scalar() const { return {reinterpret_cast<const char*>(event_.data.scalar.value), event_.data.scalar.length}; }
  bool plain() const { return event_.data.scalar.style == YAML_PLAIN_SCALAR_STYLE; }
  std::string_view tag() const {
    if (event_.type == YAML_SCALAR_EVENT) return characters(event_.data.scalar.tag);
    if (event_.type == YAML_MAPPING_START_EVENT) return characters(event_.data.mapping_start.tag);
    if (event_.type == YAML_SEQUENCE_START_EVENT) return characters(event_.data.sequence_start.tag);
    return {};
  }

 private:
  yaml_event_t event_{};
};

/// What a plain scalar means; "" for a text.
std::string_view json_of_plain(std::string_view text) {
  constexpr std::array<std::string_view, 5> kNull{"", "~", "null", "Null", "NULL"};
  constexpr std::array<std::string_view, 3> kTrue{"true", "True", "TRUE"}, kFalse{"false", "False", "FALSE"};
  for (const std::string_view word : kNull) {
    if (text == word) return "null";
  }
  for (const std::string_view word : kTrue) {
    if (text == word) return "true";
  }
  for (const std::string_view word : kFalse) {
    if (text == word) return "false";
  }
  if (text.front() != '-' && (text.front() < '0' || text.front() > '9')) return {};
  const auto document = json::Document::parse(text);
  return document.ok() && document->root().is_number() && document->root().raw().size() == text.size() ? text : std::string_view();
}

class Converter {
 public:
  explicit Converter(std::string_view text) : parser_(text) {}

  Result<std::vector<SecretBytes>> convert() {
    for (;;) {
      Event event;
      TRY(parser_.next(event.get()));
      if (event.type() == YAML_STREAM_END_EVENT) return std::move(documents_);
      if (event.type() == YAML_DOCUMENT_START_EVENT) {
        TRY(convert_document());
      }
    }
  }

 private:
  struct Container {
    bool mapping = false;
    bool key_comes = false;
    std::set<std::string> keys{};
  };

  static Error wrong(const Event& event, const char* what) { return Error{Code::kInvalid, "line " + std::to_string(event.line()) + ": " + what}; }

  Result<void> convert_document() {
    SecretBytes json;
    json::Writer writer(json);
    for (;;) {
      Event event;
      TRY(parser_.next(event.get()));
      if (event.type() == YAML_DOCUMENT_END_EVENT) break;
      if (++nodes_ > kYamlNodesMax) return Error{Code::kTooLarge, "there are over 1,000,000 values"};
      TRY(add(event, writer));
    }
    documents_.push_back(std::move(json));
    return {};
  }

  Result<void> add(const Event& event, json::Writer& writer) {
    const yaml_event_type_t type = event.type();
    if (type == YAML_ALIAS_EVENT) return wrong(event, "an alias (*name) is not followed: write the value out");
    if (type == YAML_MAPPING_END_EVENT || type == YAML_SEQUENCE_END_EVENT) {
      open_.pop_back();
      type == YAML_MAPPING_END_EVENT ? writer.end_object() : writer.end_array();
      return {};
    }
    if (!open_.empty() && open_.back().key_comes) return add_key(event, writer);
    if (!open_.empty() && open_.back().mapping) open_.back().key_comes = true;
    if (type == YAML_SCALAR_EVENT) return add_scalar(event, writer);
    const bool mapping = type == YAML_MAPPING_START_EVENT;
    const std::string_view tag = event.tag();
    if (!tag.empty() && tag != std::string(kTagPrefix) + (mapping ? "map" : "seq")) return wrong(event, "a tag that has no meaning here");
    if (open_.size() == limits::kJsonDepthMax) return wrong(event, "it is nested too deeply");
    open_.push_back({mapping, mapping});
    mapping ? writer.begin_object() : writer.begin_array();
    return {};
  }

  Result<void> add_key(const Event& event, json::Writer& writer) {
    if (event.type() != YAML_SCALAR_EVENT) return wrong(event, "a key must be a text");
    if (!event.tag().empty() && event.tag() != std::string(kTagPrefix) + "str") return wrong(event, "a tag that has no meaning here");
    if (event.plain() && event.scalar() == "<<") return wrong(event, "<< is not followed: write the keys out");
    if (event.plain() && json_of_plain(event.scalar()) == "null") return wrong(event, "a key must be a text");
    if (!open_.back().keys.emplace(event.scalar()).second) return wrong(event, "the key was there before");
    open_.back().key_comes = false;
    writer.key(event.scalar());
    return {};
  }

  static Result<void> add_scalar(const Event& event, json::Writer& writer) {
    std::string_view tag = event.tag();
    if (tag.starts_with(kTagPrefix)) tag.remove_prefix(kTagPrefix.size());
    const bool any = tag.empty(), text = tag == "str" || tag == "!";
    if (!any && !text && tag != "int" && tag != "float" && tag != "bool" && tag != "null") return wrong(event, "a tag that has no meaning here");
    const std::string_view json = event.plain() && !text ? json_of_plain(event.scalar()) : std::string_view();
    json.empty() ? writer.string(event.scalar()) : writer.raw(json);
    return {};
  }

  YamlParser parser_;
  std::vector<Container> open_;
  std::size_t nodes_ = 0;
  std::vector<SecretBytes> documents_;
};

}  // namespace

Result<std::vector<SecretBytes>> yaml_to_json(std::string_view text) { return Converter(text).convert(); }

}  // namespace keyhold::cli
