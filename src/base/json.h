#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/secret_bytes.h"

/// Strict JSON (RFC 8259) that keeps every value as the bytes received: nothing is copied, re-formatted or rounded.
/// An own parser because request bodies are secrets (a library's tree would leave copies of them unwiped), content is
/// kept byte for byte, and duplicate keys are refused; its tests compare it with Boost.JSON on every input.
namespace keyhold::json {

enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

struct Limits {
  std::size_t depth_max = limits::kJsonDepthMax;
  std::size_t nodes_max = limits::kJsonNodesMax;
};

/// Where and why a text was refused; the reason never holds the text.
struct Failure {
  std::size_t offset_bytes = 0;
  const char* reason = "";
};

namespace internal {
/// One value or key as a span of the text. The children of a container stand side by side: an array's elements, or an
/// object's keys and values in turn.
struct Node {
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;
  std::uint32_t first_child = 0;
  std::uint32_t children = 0;
  Kind kind = Kind::kNull;
  bool escaped = false;  // A string with at least one escape.
};
}  // namespace internal

/// One value of a Document; a cheap handle that dies with it (moving the Document keeps it alive).
class Value {
 public:
  Kind kind() const { return node_->kind; }
  /// The bytes of this value as received, without surrounding white space. Strings include their quotes.
  std::string_view raw() const { return {text_ + node_->begin, node_->bytes}; }

  bool is_null() const { return kind() == Kind::kNull; }
  bool is_bool() const { return kind() == Kind::kBool; }
  bool is_number() const { return kind() == Kind::kNumber; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_object() const { return kind() == Kind::kObject; }

  /// errors (all): kInvalid when the kind differs or the number does not fit.
  Result<bool> as_bool() const;
  Result<std::int64_t> as_int() const;  // 3 and 3.0 and 3e0, but not 3.5; from the decimal text, never rounded.
  Result<double> as_double() const;
  /// The string's characters with escapes resolved.
  Result<SecretBytes> as_secret() const;
  /// The same for strings that are not secret (names, options).
  Result<std::string> as_string() const;

  /// Elements of an array, values of an object's members, in order; 0 otherwise.
  std::size_t size() const { return is_object() ? node_->children / 2 : node_->children; }
  Value at(std::size_t index) const;            // index < size(). Constant time.
  std::string key_at(std::size_t index) const;  // Of an object's member, escapes resolved.
  std::string_view key_raw(std::size_t index) const;  // The same as received, with its quotes.
  /// The member with this name, compared after escapes are resolved. Linear, by length first.
  std::optional<Value> find(std::string_view key) const;

 private:
  friend class Document;
  Value(const char* text, const internal::Node* nodes, const internal::Node* node)
      : text_(text), nodes_(nodes), node_(node) {}

  const char* text_;
  const internal::Node* nodes_;
  const internal::Node* node_;
};

/// A parsed text. Holds spans into the text, which must outlive it and stay where it is. Move-only.
class Document {
 public:
  /// Refused (kInvalid, with a byte offset and never the text): anything outside RFC 8259, invalid UTF-8, lone surrogate
  /// escapes, duplicate keys in one object (after escapes), text after the value, depth or nodes over the limits.
  /// Time is O(n log n) in the bytes, whatever the text. `failure`, if given, is set with the error.
  static Result<Document> parse(std::string_view text, const Limits& limits = {}, Failure* failure = nullptr);

  Document(Document&&) noexcept = default;
  Document& operator=(Document&&) noexcept = default;

  Value root() const { return {text_, nodes_.data(), nodes_.data() + nodes_.size() - 1}; }

 private:
  Document(std::string_view text, std::vector<internal::Node> nodes)
      : text_(text.data()), nodes_(std::move(nodes)) {}

  const char* text_;
  std::vector<internal::Node> nodes_;  // The root is last.
};

/// Appends JSON to a buffer: commas and escapes are its business, nesting is the caller's.
class Writer {
 public:
  explicit Writer(SecretBytes& out) : out_(out) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  Writer& key(std::string_view name) {
    string(name);
    out_.push_back(':');
    first_ = true;
    return *this;
  }
  Writer& string(std::string_view text);  // Each byte of invalid UTF-8 becomes U+FFFD: never a broken document.
  Writer& number(std::int64_t value);
  Writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  Writer& null() { return raw("null"); }
  /// An array of strings.
  template <typename Strings>
  Writer& strings(const Strings& strings) {
    begin_array();
    for (const auto& text : strings) string(text);
    return end_array();
  }
  /// `json` is one complete JSON value, inserted as it is.
  Writer& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }

 private:
  void separate() {
    if (!first_) out_.push_back(',');
    first_ = false;
  }
  Writer& open(char bracket) {
    separate();
    out_.push_back(bracket);
    first_ = true;
    return *this;
  }
  Writer& close(char bracket) {
    out_.push_back(bracket);
    first_ = false;
    return *this;
  }

  SecretBytes& out_;
  bool first_ = true;  // No comma before the next element.
};

/// Appends `text` as a JSON string with quotes, escaped as Writer does: to a plain buffer for journals and logs, which
/// hold no secrets, or to a secret one.
void append_quoted(std::string& out, std::string_view text);
void append_quoted(SecretBytes& out, std::string_view text);

}  // namespace keyhold::json
