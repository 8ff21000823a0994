#include "base/hcl.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/json.h"
#include "base/utf8.h"

namespace keyhold::hcl {
namespace {

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
bool is_letter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_'; }
bool is_name(char byte) { return is_letter(byte) || is_digit(byte) || byte == '-' || byte == '.'; }

Error report(Position at, std::string_view reason, Failure* failure) {
  if (failure != nullptr) *failure = {at, std::string(reason)};
  return error_at(at, reason);
}

/// The first byte that is NUL or no UTF-8, or npos.
std::size_t find_bad_byte(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = utf8::sequence_bytes(text.substr(at));
    if (bytes == 0 || text[at] == '\0') return at;
    at += bytes;
  }
  return std::string_view::npos;
}

/// The position of the later of two items that may not stand in one body.
std::optional<Position> find_duplicate(const Body& body) {
  std::vector<const Item*> items;
  items.reserve(body.items.size());
  for (const Item& item : body.items) items.push_back(&item);
  std::stable_sort(items.begin(), items.end(), [](const Item* a, const Item* b) { return a->key < b->key; });
  for (std::size_t index = 1; index < items.size(); ++index) {
    const Item& earlier = *items[index - 1];
    const Item& later = *items[index];
    if (earlier.key != later.key) continue;
    if (earlier.value.kind != Kind::kObject || later.value.kind != Kind::kObject) return later.at;
  }
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits) : text_(text), limits_(limits) {}

  bool run(Body& body) {
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (text_.starts_with(kByteOrderMark)) at_ = line_begin_ = kByteOrderMark.size();
    return take_items(body) && (at_ == text_.size() || fail("a closing brace without an opening one"));
  }

  const Failure& failure() const { return failure_; }

 private:
  bool fail(const char* reason) { return fail_at(position(), reason); }
  bool fail_at(Position at, const char* reason) {
    failure_ = {at, reason};
    return false;
  }

  Position position() const {
    return {line_, static_cast<std::uint32_t>(1 + at_ - line_begin_)};
  }
  bool done() const { return at_ == text_.size(); }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  bool count_node() { return ++nodes_ <= limits_.nodes_max || fail("too many items"); }
  bool enter() { return ++depth_ <= limits_.depth_max || fail("nested too deep"); }

  void take_newline() {
    ++at_;
    ++line_;
    line_begin_ = at_;
  }

  /// Skips white space and comments.
  bool skip_space() {
    while (!done()) {
      const char byte = peek();
      if (byte == '\n') {
        take_newline();
      } else if (byte == ' ' || byte == '\t' || byte == '\r') {
        ++at_;
      } else if (byte == '#' || (byte == '/' && peek(1) == '/')) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (byte == '/' && peek(1) == '*') {
        if (!skip_block_comment()) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool skip_block_comment() {
    const Position start = position();
    for (at_ += 2; !done();) {
      if (peek() == '*' && peek(1) == '/') {
        at_ += 2;
        return true;
      }
      if (peek() == '\n') {
        take_newline();
      } else {
        ++at_;
      }
    }
    return fail_at(start, "a comment without an end");
  }

  /// Up to a closing brace or the end of the text.
  bool take_items(Body& body) {
    body.at = position();
    for (;;) {
      if (!skip_space()) return false;
      if (done() || peek() == '}') break;
      if (!take_item(body.items.emplace_back())) return false;
      if (!skip_space()) return false;
      if (depth_ > 0 && peek() == ',') ++at_;
    }
    const auto duplicate = find_duplicate(body);
    return !duplicate || fail_at(*duplicate, "an attribute given twice");
  }

  bool take_item(Item& item) {
    if (!count_node()) return false;
    item.at = position();
    if (!take_name(item.key)) return false;
    for (;;) {
      if (!skip_space()) return false;
      if (peek() == '=') {
        if (!item.labels.empty()) return fail("an opening brace is missing");
        ++at_;
        return skip_space() && take_value(item.value);
      }
      if (peek() == '{') return take_value(item.value);
      if (peek() != '"' && !is_letter(peek())) return fail("an equals sign or opening brace is missing");
      if (!count_node()) return false;
      Label label{.text = {}, .at = position()};
      if (!take_name(label.text)) return false;
      item.labels.push_back(std::move(label));
    }
  }

  bool take_name(std::string& name) {
    if (peek() == '"') return take_string(name);
    if (!is_letter(peek())) return fail("a name is missing");
    name = take_word();
    return true;
  }

  std::string_view take_word() {
    const std::size_t from = at_;
    while (!done() && is_name(peek())) ++at_;
    return text_.substr(from, at_ - from);
  }

  bool take_value(Value& value) {
    if (!count_node()) return false;
    value.at = position();
    const char first = peek();
    if (first == '{') return take_object(value);
    if (first == '[') return take_list(value);
    if (first == '"') return take_string(value.text);
    if (first == '<') return take_heredoc(value.text);
    if (first == '-' || is_digit(first)) return take_number(value);
    const std::string_view word = is_letter(first) ? take_word() : std::string_view();
    if (word != "true" && word != "false") return fail_at(value.at, "a value is missing (strings need quotes)");
    value.kind = Kind::kBool;
    value.text = word;
    return true;
  }

  bool take_object(Value& value) {
    value.kind = Kind::kObject;
    if (!enter()) return false;
    ++at_;
    if (!take_items(value.body)) return false;
    if (done()) return fail_at(value.at, "a brace without a closing one");
    ++at_;
    --depth_;
    return true;
  }

  bool take_list(Value& value) {
    value.kind = Kind::kList;
    if (!enter()) return false;
    ++at_;
    for (;;) {
      if (!skip_space()) return false;
      if (peek() == ']') break;
      if (done()) return fail_at(value.at, "a bracket without a closing one");
      if (!take_value(value.list.emplace_back()) || !skip_space()) return false;
      if (peek() == ',') {
        ++at_;
      } else if (peek() != ']') {
        return fail("a comma or closing bracket is missing");
      }
    }
    ++at_;
    --depth_;
    return true;
  }

  bool take_digits() {
    if (!is_digit(peek())) return fail("a digit is missing");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool take_number(Value& value) {
    value.kind = Kind::kNumber;
    const std::size_t from = at_;
    if (peek() == '-') ++at_;
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X')) {
      at_ += 2;
      const std::size_t digits = at_;
      while (is_digit(peek()) || (peek() >= 'a' && peek() <= 'f') || (peek() >= 'A' && peek() <= 'F')) ++at_;
      if (at_ == digits) return fail("a digit is missing");
    } else {
      if (peek() == '0' && is_digit(peek(1))) return fail("a number with a leading zero");
      if (!take_digits()) return false;
      if (peek() == '.') {
        ++at_;
        if (!take_digits()) return false;
      }
      if (peek() == 'e' || peek() == 'E') {
        ++at_;
        if (peek() == '+' || peek() == '-') ++at_;
        if (!take_digits()) return false;
      }
    }
    if (is_name(peek())) return fail("a number with letters (durations need quotes)");
    value.text = text_.substr(from, at_ - from);
    return true;
  }

  bool take_string(std::string& out) {
    const Position start = position();
    for (++at_; !done() && peek() != '\n';) {
      const std::size_t stop = std::min(text_.find_first_of("\"\\\n", at_), text_.size());
      out.append(text_.substr(at_, stop - at_));
      at_ = stop;
      if (peek() == '"') {
        ++at_;
        return true;
      }
      if (peek() == '\\' && !take_escape(out)) return false;
    }
    return fail_at(start, "a string without a closing quote");
  }

  bool take_escape(std::string& out) {
    constexpr std::string_view kNames = "abfnrtv\\\"";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\\"";
    const char name = peek(1);
    if (const std::size_t index = kNames.find(name); index != std::string_view::npos) {
      out += kMeanings[index];
      at_ += 2;
      return true;
    }
    switch (name) {
      case 'x': return take_character(out, 2, 2, 16);
      case 'u': return take_character(out, 2, 4, 16);
      case 'U': return take_character(out, 2, 8, 16);
      default: return is_digit(name) ? take_character(out, 1, 3, 8) : fail("an unknown escape");
    }
  }

  /// An escape that gives a character by number: `digits` digits, `skip` bytes on.
  bool take_character(std::string& out, std::size_t skip, std::size_t digits, int base) {
    const std::string_view number = text_.substr(std::min(at_ + skip, text_.size()), digits);
    std::uint32_t point = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), point, base);
    if (error != std::errc() || end != number.data() + number.size() || number.size() != digits) {
      return fail("an incomplete escape");
    }
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    const bool byte_only = digits < 4 && point >= 0x80;  // \x and octal give bytes, which alone are no UTF-8.
    if (point == 0 || point > 0x10FFFF || surrogate || byte_only) return fail("an escape that is no character");
    char bytes[4];
    out.append(bytes, utf8::encode(point, bytes));
    at_ += skip + digits;
    return true;
  }

  /// <<NAME, lines, NAME; after <<-NAME the closing line's indent is taken off all lines if all of them have it.
  bool take_heredoc(std::string& out) {
    const Position start = position();
    if (peek(1) != '<') return fail("a value is missing (strings need quotes)");
    at_ += 2;
    const bool unindent = peek() == '-';
    if (unindent) ++at_;
    const std::size_t from = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    const std::string_view marker = text_.substr(from, at_ - from);
    if (marker.empty()) return fail("a here-document without a marker");
    if (peek() == '\r') ++at_;
    if (peek() != '\n') return fail("a here-document's marker ends its line");

    std::vector<std::string_view> lines;
    while (peek() == '\n') {
      take_newline();
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      std::string_view line = text_.substr(at_, end - at_);
      if (line.ends_with('\r')) line.remove_suffix(1);
      const std::string_view indent = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
      at_ = end;
      if (line.substr(indent.size()) == marker) {
        append_lines(out, lines, unindent ? indent : std::string_view());
        return true;
      }
      lines.push_back(line);
    }
    return fail_at(start, "a here-document without an end");
  }

  static void append_lines(std::string& out, const std::vector<std::string_view>& lines, std::string_view indent) {
    const bool all = std::all_of(lines.begin(), lines.end(), [&](auto line) { return line.starts_with(indent); });
    for (const std::string_view line : lines) {
      out += all ? line.substr(indent.size()) : line;
      out += '\n';
    }
  }

  const std::string_view text_;
  const Limits limits_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  std::size_t line_begin_ = 0;
  std::size_t nodes_ = 0;
  std::size_t depth_ = 0;
  Failure failure_;
};

/// Turns a JSON document into a Body. The document's own limits bound the recursion.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : text_(text) {
    for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
      line_begins_.push_back(at + 1);
    }
  }

  bool read(const json::Value& object, Body& body) {
    body.at = position(object.raw());
    for (std::size_t index = 0; index < object.size(); ++index) {
      const json::Value member = object.at(index);
      if (member.is_null()) continue;
      Item& item = body.items.emplace_back();
      item.key = object.key_at(index);
      item.at = position(object.key_raw(index));
      if (has_nul(item.key)) return fail(item.at, "a NUL character");
      if (!read(member, item.value)) return false;
    }
    return true;
  }

  const Failure& failure() const { return failure_; }

 private:
  static bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

  bool fail(Position at, const char* reason) {
    failure_ = {at, reason};
    return false;
  }

  Position position(std::string_view span) const {
    const auto offset = static_cast<std::size_t>(span.data() - text_.data());
    const auto line = std::prev(std::upper_bound(line_begins_.begin(), line_begins_.end(), offset));
    return {static_cast<std::uint32_t>(1 + (line - line_begins_.begin())),
            static_cast<std::uint32_t>(1 + offset - *line)};
  }

  bool read(const json::Value& from, Value& value) {
    value.at = position(from.raw());
    switch (from.kind()) {
      case json::Kind::kNull: return fail(value.at, "null in a list");
      case json::Kind::kBool:
        value.kind = Kind::kBool;
        value.text = from.raw();
        return true;
      case json::Kind::kNumber:
        value.kind = Kind::kNumber;
        value.text = from.raw();
        return true;
      case json::Kind::kString:
        value.text = std::move(from.as_string()).value();
        return !has_nul(value.text) || fail(value.at, "a NUL character");
      case json::Kind::kArray:
        value.kind = Kind::kList;
        value.list.resize(from.size());
        for (std::size_t index = 0; index < from.size(); ++index) {
          if (!read(from.at(index), value.list[index])) return false;
        }
        return true;
      case json::Kind::kObject: value.kind = Kind::kObject; return read(from, value.body);
    }
    return false;
  }

  const std::string_view text_;
  std::vector<std::size_t> line_begins_{0};
  Failure failure_;
};

Result<Body> parse_json(std::string_view text, const Limits& limits, Failure* failure) {
  json::Failure refused;
  const json::Limits json_limits{.depth_max = limits.depth_max + 1, .nodes_max = limits.nodes_max};
  auto document = json::Document::parse(text, json_limits, &refused);
  if (!document.ok()) return report(position_of(text, refused.offset_bytes), refused.reason, failure);
  Body body;
  JsonReader reader(text);
  if (!reader.read(document->root(), body)) return report(reader.failure().at, reader.failure().reason, failure);
  return body;
}

class BlockReader {
 public:
  explicit BlockReader(std::size_t label_count) : label_count_(label_count) {}

  bool read(const Value& value, Position at, std::vector<Label>& labels) {
    if (value.kind == Kind::kList) {
      for (const Value& element : value.list) {
        if (element.kind == Kind::kList) return fail(element.at, "a list within a list of blocks");
        if (!read(element, element.at, labels)) return false;
      }
      return true;
    }
    if (value.kind != Kind::kObject) return fail(value.at, "a block is missing");
    if (labels.size() > label_count_) return fail(labels[label_count_].at, "a label too many");
    if (labels.size() == label_count_) {
      blocks_.push_back({at, labels, &value.body});
      return true;
    }
    for (const Item& item : value.body.items) {
      const std::size_t outer = labels.size();
      labels.push_back({item.key, item.at});
      labels.insert(labels.end(), item.labels.begin(), item.labels.end());
      if (!read(item.value, item.at, labels)) return false;
      labels.resize(outer);
    }
    return true;
  }

  std::vector<Block> take_blocks() { return std::move(blocks_); }
  const Failure& failure() const { return failure_; }

 private:
  bool fail(Position at, const char* reason) {
    failure_ = {at, reason};
    return false;
  }

  const std::size_t label_count_;
  std::vector<Block> blocks_;
  Failure failure_;
};

}  // namespace

const Item* Body::find(std::string_view key) const {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.key == key; });
  return found == items.end() ? nullptr : &*found;
}

Result<std::int64_t> Value::as_int() const {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const bool hexadecimal = digits.starts_with("0x") || digits.starts_with("0X");
  if (hexadecimal) digits.remove_prefix(2);
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, hexadecimal ? 16 : 10);
  const std::uint64_t magnitude_max = std::uint64_t{std::numeric_limits<std::int64_t>::max()} + (negative ? 1 : 0);
  if (kind != Kind::kNumber || error != std::errc() || end != digits.data() + digits.size() || magnitude > magnitude_max) {
    return error_at(at, "not a whole number of 64 bits");
  }
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

Position position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t newline = before.rfind('\n');
  const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
  return {static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<std::uint32_t>(1 + offset - line_begin)};
}

Error error_at(Position at, std::string_view reason) {
  std::string message = "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": ";
  message += reason;
  return {Code::kInvalid, std::move(message)};
}

Result<Body> parse(std::string_view text, const Limits& limits, Failure* failure) {
  if (text.size() > limits.text_bytes_max) return report({}, "a text over the size limit", failure);
  if (const std::size_t bad = find_bad_byte(text); bad != std::string_view::npos) {
    return report(position_of(text, bad), "a byte that is no UTF-8 text", failure);
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return parse_json(text, limits, failure);
  Body body;
  Parser parser(text, limits);
  if (!parser.run(body)) return report(parser.failure().at, parser.failure().reason, failure);
  return body;
}

Result<std::vector<Block>> blocks_of(const Item& item, std::size_t label_count, Failure* failure) {
  BlockReader reader(label_count);
  std::vector<Label> labels = item.labels;
  if (!reader.read(item.value, item.at, labels)) return report(reader.failure().at, reader.failure().reason, failure);
  return reader.take_blocks();
}

}  // namespace keyhold::hcl
