#include "base/json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/utf8.h"

namespace keyhold::json {
namespace {

using internal::Node;

// Objects with more members than this find duplicate keys by sorting instead of by pairs.
constexpr std::size_t kPairwiseMembersMax = 16;

/// True for the bytes of a string that stand for themselves: ASCII but controls, quote and backslash.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (int byte = 0x20; byte < 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
  return plain;
}();

bool is_plain(char byte) { return kPlain[static_cast<unsigned char>(byte)]; }
bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/// The first byte from `at` on that is not plain. Eight bytes a step.
const char* skip_plain(const char* at, const char* end) {
  static_assert(std::endian::native == std::endian::little, "the first byte is the lowest");
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHigh = 0x8080808080808080;
  // The high bit of each byte that is below `bound`. Borrows make bits above the lowest one unreliable.
  const auto below = [](std::uint64_t word, std::uint64_t bound) { return (word - kOnes * bound) & ~word & kHigh; };
  while (end - at >= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    const std::uint64_t special =
        below(word, 0x20) | below(word ^ kOnes * '"', 1) | below(word ^ kOnes * '\\', 1) | (word & kHigh);
    if (special != 0) return at + std::countr_zero(special) / 8;
    at += 8;
  }
  while (at != end && is_plain(*at)) ++at;
  return at;
}

int hex_value(char digit) {
  if (is_digit(digit)) return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

/// The UTF-16 unit of four hex digits, or -1. `at` has at least four bytes.
int hex_unit(const char* at) {
  int unit = 0;
  for (int index = 0; index < 4; ++index) {
    const int digit = hex_value(at[index]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

struct Decoded {
  char bytes[4];
  std::size_t size;
  std::size_t taken;  // Bytes of the escape.
};

/// Resolves a valid escape at its backslash.
Decoded decode_escape(const char* at) {
  const auto one = [](char byte) { return Decoded{{byte}, 1, 2}; };
  switch (at[1]) {
    case 'b': return one('\b');
    case 'f': return one('\f');
    case 'n': return one('\n');
    case 'r': return one('\r');
    case 't': return one('\t');
    case 'u': break;
    default: return one(at[1]);
  }
  Decoded result{{}, 0, 6};
  auto point = static_cast<char32_t>(hex_unit(at + 2));
  if (is_high_surrogate(static_cast<int>(point))) {
    point = 0x10000 + ((point - 0xD800) << 10) + static_cast<char32_t>(hex_unit(at + 8) - 0xDC00);
    result.taken = 12;
  }
  result.size = utf8::encode(point, result.bytes);
  return result;
}

/// Hands the characters of a string's inside (validated) to `sink` in pieces.
template <typename Sink>
void decode(std::string_view inside, Sink&& sink) {
  while (!inside.empty()) {
    const std::size_t plain = std::min(inside.find('\\'), inside.size());
    if (plain != 0) sink(inside.substr(0, plain));
    inside.remove_prefix(plain);
    if (inside.empty()) return;
    const Decoded decoded = decode_escape(inside.data());
    sink(std::string_view(decoded.bytes, decoded.size));
    inside.remove_prefix(decoded.taken);
  }
}

std::string_view inside_of(const char* text, const Node& string) {
  return {text + string.begin + 1, string.bytes - 2};
}

bool key_equals(const char* text, const Node& key, std::string_view name) {
  const std::string_view inside = inside_of(text, key);
  if (!key.escaped) return inside == name;
  if (inside.size() < name.size()) return false;  // An escape is longer than what it stands for.
  bool equal = true;
  decode(inside, [&](std::string_view piece) {
    equal = equal && name.starts_with(piece);
    if (equal) name.remove_prefix(piece.size());
  });
  return equal && name.empty();
}

/// Differs for most keys that differ, so that few need comparing. 0 = unknown, for keys with escapes.
std::uint64_t fingerprint(const char* text, const Node& key) {
  if (key.escaped) return 0;
  constexpr std::size_t kLastBytes = 6;
  std::string_view inside = inside_of(text, key);
  std::uint64_t print = inside.size();
  if (inside.size() > kLastBytes) inside.remove_prefix(inside.size() - kLastBytes);
  for (const char byte : inside) print = print << 8 ^ static_cast<unsigned char>(byte);
  return print | std::uint64_t{1} << 63;
}

class Parser {
 public:
  Parser(std::string_view text, const Limits& limits)
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), limits_(limits) {
    pending_.reserve(32);
    nodes_.reserve(32);
  }

  bool run() {
    do {
      if (!take_value()) return false;
    } while (next_element());
    if (reason_ != nullptr) return false;
    skip_space();
    if (at_ != end_) return fail("text after the value");
    nodes_.push_back(pending_.front());
    return true;
  }

  std::vector<Node> take_nodes() { return std::move(nodes_); }
  Failure failure() const { return {static_cast<std::size_t>(at_ - begin_), reason_}; }

 private:
  /// An open container. Its children so far are the pending nodes from `first` on.
  struct Frame {
    Kind kind;
    std::uint32_t begin;
    std::size_t first;
  };

  bool fail(const char* reason) {
    reason_ = reason;
    return false;
  }
  bool fail_at(const char* where, const char* reason) {
    at_ = where;
    return fail(reason);
  }

  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool count_node() { return ++node_count_ <= limits_.nodes_max || fail("too many values"); }

  bool push(Kind kind, const char* from, bool escaped = false) {
    if (!count_node()) return false;
    pending_.push_back(Node{.begin = static_cast<std::uint32_t>(from - begin_),
                            .bytes = static_cast<std::uint32_t>(at_ - from),
                            .kind = kind,
                            .escaped = escaped});
    return true;
  }

  /// Takes a scalar or an empty container, after opening the containers before it.
  bool take_value() {
    for (;;) {
      skip_space();
      if (at_ == end_) return fail("a value is missing");
      switch (*at_) {
        case '"': return take_string();
        case 't': return take_word("true", Kind::kBool);
        case 'f': return take_word("false", Kind::kBool);
        case 'n': return take_word("null", Kind::kNull);
        case '{':
        case '[': break;
        default: return take_number();
      }
      const Kind kind = *at_ == '{' ? Kind::kObject : Kind::kArray;
      if (frames_.size() == limits_.depth_max) return fail("nested too deep");
      if (!count_node()) return false;
      frames_.push_back({kind, static_cast<std::uint32_t>(at_ - begin_), pending_.size()});
      ++at_;
      skip_space();
      if (at_ != end_ && *at_ == closing(kind)) return close();
      if (kind == Kind::kObject && !take_key()) return false;
    }
  }

  /// After a value: closes the containers that end here. True when another element follows.
  bool next_element() {
    while (!frames_.empty()) {
      skip_space();
      if (at_ == end_) return fail("the text ends inside an object or array");
      const Kind kind = frames_.back().kind;
      if (*at_ == ',') {
        ++at_;
        return kind != Kind::kObject || take_key();
      }
      if (*at_ != closing(kind)) return fail("a comma or closing bracket is missing");
      if (!close()) return false;
    }
    return false;
  }

  static char closing(Kind kind) { return kind == Kind::kObject ? '}' : ']'; }

  bool close() {
    ++at_;
    const Frame frame = frames_.back();
    frames_.pop_back();
    const std::size_t children = pending_.size() - frame.first;
    if (frame.kind == Kind::kObject && !keys_differ(frame.first)) return false;
    const Node node{.begin = frame.begin,
                    .bytes = static_cast<std::uint32_t>(at_ - begin_) - frame.begin,
                    .first_child = static_cast<std::uint32_t>(nodes_.size()),
                    .children = static_cast<std::uint32_t>(children),
                    .kind = frame.kind};
    nodes_.insert(nodes_.end(), pending_.begin() + static_cast<std::ptrdiff_t>(frame.first), pending_.end());
    pending_.resize(frame.first);
    pending_.push_back(node);
    return true;
  }

  bool take_key() {
    skip_space();
    if (at_ == end_ || *at_ != '"') return fail("a key is missing");
    if (!take_string()) return false;
    skip_space();
    if (at_ == end_ || *at_ != ':') return fail("a colon is missing");
    ++at_;
    return true;
  }

  bool take_word(std::string_view word, Kind kind) {
    const char* from = at_;
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return fail("an unknown word");
    at_ += word.size();
    return push(kind, from);
  }

  bool take_digits() {
    if (at_ == end_ || !is_digit(*at_)) return false;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return true;
  }

  bool take_number() {
    const char* from = at_;
    if (*at_ == '-') ++at_;
    if (at_ != end_ && *at_ == '0') {
      ++at_;
    } else if (!take_digits()) {
      return fail("a value is missing");
    }
    if (at_ != end_ && *at_ == '.') {
      ++at_;
      if (!take_digits()) return fail("a digit is missing");
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!take_digits()) return fail("a digit is missing");
    }
    return push(Kind::kNumber, from);
  }

  bool take_string() {
    const char* from = at_++;
    bool escaped = false;
    for (;;) {
      at_ = skip_plain(at_, end_);
      if (at_ == end_) return fail("the text ends inside a string");
      if (*at_ == '"') {
        ++at_;
        return push(Kind::kString, from, escaped);
      }
      if (*at_ == '\\') {
        escaped = true;
        if (!take_escape()) return false;
        continue;
      }
      if (static_cast<unsigned char>(*at_) < 0x20) return fail("a control character in a string");
      const std::size_t bytes = utf8::sequence_bytes({at_, static_cast<std::size_t>(end_ - at_)});
      if (bytes == 0) return fail("invalid UTF-8");
      at_ += bytes;
    }
  }

  bool take_escape() {
    const auto left = end_ - at_;
    if (left < 2) return fail("the text ends inside a string");
    if (at_[1] != 'u') {
      if (std::string_view("\"\\/bfnrt").find(at_[1]) == std::string_view::npos) return fail("an unknown escape");
      at_ += 2;
      return true;
    }
    const int unit = left < 6 ? -1 : hex_unit(at_ + 2);
    if (unit < 0) return fail("an incomplete escape");
    if (is_low_surrogate(unit)) return fail("a lone surrogate");
    if (is_high_surrogate(unit)) {
      const bool paired = left >= 12 && at_[6] == '\\' && at_[7] == 'u' && is_low_surrogate(hex_unit(at_ + 8));
      if (!paired) return fail("a lone surrogate");
      at_ += 6;
    }
    at_ += 6;
    return true;
  }

  /// No two of the pending keys (every second node from `first` on) are the same after escapes.
  bool keys_differ(std::size_t first) {
    const std::size_t members = (pending_.size() - first) / 2;
    if (members > kPairwiseMembersMax) return many_keys_differ(first);
    std::array<std::uint64_t, kPairwiseMembersMax> prints;
    for (std::size_t later = 0; later < members; ++later) {
      const Node& key = pending_[first + 2 * later];
      prints[later] = fingerprint(begin_, key);
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        const bool differ = prints[earlier] != prints[later] && prints[earlier] != 0 && prints[later] != 0;
        if (!differ && same_key(pending_[first + 2 * earlier], key)) {
          return fail_at(begin_ + key.begin, "a duplicate key");
        }
      }
    }
    return true;
  }

  bool same_key(const Node& a, const Node& b) const {
    if (!a.escaped) return key_equals(begin_, b, inside_of(begin_, a));
    if (!b.escaped) return key_equals(begin_, a, inside_of(begin_, b));
    SecretBytes name;
    decode(inside_of(begin_, a), [&](std::string_view piece) { name.append(piece); });
    return key_equals(begin_, b, name.reveal());
  }

  bool many_keys_differ(std::size_t first) {
    struct Key {
      std::string_view name;
      std::uint32_t begin;
    };
    std::size_t escaped_bytes = 0;
    for (std::size_t index = first; index < pending_.size(); index += 2) {
      if (pending_[index].escaped) escaped_bytes += pending_[index].bytes;
    }
    SecretBytes names;  // Of the escaped keys. Never grows past the reserve: resolving only shortens.
    names.reserve(escaped_bytes);
    std::vector<Key> keys;
    keys.reserve((pending_.size() - first) / 2);
    for (std::size_t index = first; index < pending_.size(); index += 2) {
      std::string_view name = inside_of(begin_, pending_[index]);
      if (pending_[index].escaped) {
        const std::size_t from = names.size();
        decode(name, [&](std::string_view piece) { names.append(piece); });
        name = names.reveal().substr(from);
      }
      keys.push_back({name, pending_[index].begin});
    }
    std::sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
      if (a.name.size() != b.name.size()) return a.name.size() < b.name.size();
      const int order = a.name.compare(b.name);
      return order != 0 ? order < 0 : a.begin < b.begin;
    });
    const auto same = std::adjacent_find(keys.begin(), keys.end(),
                                         [](const Key& a, const Key& b) { return a.name == b.name; });
    if (same == keys.end()) return true;
    return fail_at(begin_ + std::next(same)->begin, "a duplicate key");
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const Limits limits_;
  std::vector<Node> nodes_;    // Children of the closed containers.
  std::vector<Node> pending_;  // Children of the open ones, outermost first.
  std::vector<Frame> frames_;
  std::size_t node_count_ = 0;
  const char* reason_ = nullptr;
};

Error not_a(const char* what) { return {Code::kInvalid, std::string("not ") + what}; }

template <typename Buffer>
void append_escaped(Buffer& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  const char* from = text.data();
  const char* const end = from + text.size();
  for (const char* at = from;;) {
    at = skip_plain(at, end);
    if (at == end) break;
    const auto byte = static_cast<unsigned char>(*at);
    if (byte >= 0x80) {
      const std::size_t bytes = utf8::sequence_bytes({at, static_cast<std::size_t>(end - at)});
      if (bytes != 0) {
        at += bytes;
        continue;
      }
    }
    out.append(std::string_view(from, static_cast<std::size_t>(at - from)));
    from = ++at;
    switch (byte) {
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      case '\b': out.append("\\b"); break;
      case '\f': out.append("\\f"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      default:
        if (byte < 0x20) {
          const char escape[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 0xF]};
          out.append(std::string_view(escape, sizeof escape));
        } else {
          out.append("\xEF\xBF\xBD");
        }
    }
  }
  out.append(std::string_view(from, static_cast<std::size_t>(end - from)));
}

}  // namespace

Result<bool> Value::as_bool() const {
  if (!is_bool()) return not_a("a boolean");
  return raw() == "true";
}

Result<std::int64_t> Value::as_int() const {
  if (!is_number()) return not_a("a number");
  // The number is digits × 10^exponent; all zeros at both ends of the digits are moved out of them.
  std::string_view text = raw();
  const bool negative = text.front() == '-';
  if (negative) text.remove_prefix(1);
  std::int64_t exponent = 0;
  if (const std::size_t mark = text.find_first_of("eE"); mark != std::string_view::npos) {
    constexpr std::int64_t kBeyondAnyText = 1'000'000'000'000;
    std::string_view power = text.substr(mark + 1);
    const bool down = power.front() == '-';
    if (down || power.front() == '+') power.remove_prefix(1);
    for (const char digit : power) exponent = std::min(exponent * 10 + (digit - '0'), kBeyondAnyText);
    if (down) exponent = -exponent;
    text = text.substr(0, mark);
  }
  const std::size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  exponent -= static_cast<std::int64_t>(fraction.size());
  if (fraction.empty()) {
    while (!whole.empty() && whole.back() == '0') {
      whole.remove_suffix(1);
      ++exponent;
    }
  }
  if (whole == "0") whole = {};
  if (whole.empty()) {
    while (!fraction.empty() && fraction.front() == '0') fraction.remove_prefix(1);
  }
  const auto digits = static_cast<std::int64_t>(whole.size() + fraction.size());
  if (digits == 0) return std::int64_t{0};
  if (exponent < 0) return not_a("a whole number");
  constexpr std::int64_t kInt64Digits = 19;
  if (digits + exponent > kInt64Digits) return not_a("in the range of 64 bits");

  std::uint64_t magnitude = 0;  // 19 digits always fit.
  for (const char digit : whole) magnitude = magnitude * 10 + static_cast<std::uint64_t>(digit - '0');
  for (const char digit : fraction) magnitude = magnitude * 10 + static_cast<std::uint64_t>(digit - '0');
  for (; exponent > 0; --exponent) magnitude *= 10;
  const std::uint64_t magnitude_max = std::uint64_t{std::numeric_limits<std::int64_t>::max()} + (negative ? 1 : 0);
  if (magnitude > magnitude_max) return not_a("in the range of 64 bits");
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

Result<double> Value::as_double() const {
  if (!is_number()) return not_a("a number");
  double value = 0;
  const std::string_view text = raw();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return not_a("in the range of a double");
  return value;
}

Result<SecretBytes> Value::as_secret() const {
  if (!is_string()) return not_a("a string");
  const std::string_view inside = inside_of(text_, *node_);
  if (!node_->escaped) return SecretBytes::copy_of(inside);
  SecretBytes characters;
  characters.reserve(inside.size());
  decode(inside, [&](std::string_view piece) { characters.append(piece); });
  return characters;
}

Result<std::string> Value::as_string() const {
  if (!is_string()) return not_a("a string");
  std::string characters;
  decode(inside_of(text_, *node_), [&](std::string_view piece) { characters.append(piece); });
  return characters;
}

Value Value::at(std::size_t index) const {
  CHECK(index < size());
  const std::size_t child = is_object() ? 2 * index + 1 : index;
  return {text_, nodes_, nodes_ + node_->first_child + child};
}

std::string_view Value::key_raw(std::size_t index) const {
  CHECK(is_object() && index < size());
  const Node& key = nodes_[node_->first_child + 2 * index];
  return {text_ + key.begin, key.bytes};
}

std::string Value::key_at(std::size_t index) const {
  const std::string_view quoted = key_raw(index);
  std::string name;
  decode(quoted.substr(1, quoted.size() - 2), [&](std::string_view piece) { name.append(piece); });
  return name;
}

std::optional<Value> Value::find(std::string_view key) const {
  if (!is_object()) return std::nullopt;
  const Node* const first = nodes_ + node_->first_child;
  for (const Node* at = first; at != first + node_->children; at += 2) {
    if (key_equals(text_, *at, key)) return Value(text_, nodes_, at + 1);
  }
  return std::nullopt;
}

Result<Document> Document::parse(std::string_view text, const Limits& limits, Failure* failure) {
  const auto refuse = [failure](const Failure& found) {
    if (failure != nullptr) *failure = found;
    return Error{Code::kInvalid,
                 "invalid JSON at byte " + std::to_string(found.offset_bytes) + ": " + found.reason};
  };
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) return refuse({0, "over 4 GiB"});
  Parser parser(text, limits);
  if (!parser.run()) return refuse(parser.failure());
  return Document(text, parser.take_nodes());
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  append_escaped(out, text);
  out.push_back('"');
}

void append_quoted(SecretBytes& out, std::string_view text) {
  out.push_back('"');
  append_escaped(out, text);
  out.push_back('"');
}

Writer& Writer::string(std::string_view text) {
  separate();
  append_quoted(out_, text);
  return *this;
}

Writer& Writer::number(std::int64_t value) {
  char digits[20];
  const auto written = std::to_chars(digits, digits + sizeof digits, value);
  return raw({digits, static_cast<std::size_t>(written.ptr - digits)});
}

}  // namespace keyhold::json
