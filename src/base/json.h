#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

class Document;

/// One value of a Document; a cheap handle that dies with it.
class Value {
 public:
  Kind kind() const;
  /// The bytes of this value as received, without surrounding white space. Strings include their quotes.
  std::string_view raw() const;

  bool is_null() const { return kind() == Kind::kNull; }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_string() const { return kind() == Kind::kString; }

  /// errors (all): kInvalid when the kind differs or the number does not fit.
  Result<bool> as_bool() const;
  Result<std::int64_t> as_int() const;  // 3 and 3.0 and 3e0, but not 3.5.
  Result<double> as_double() const;
  /// The string's characters with escapes resolved.
  Result<SecretBytes> as_secret() const;
  /// The same for strings that are not secret (names, options).
  Result<std::string> as_string() const;

  /// Elements of an array, values of an object's members, in order; 0 otherwise.
  std::size_t size() const;
  Value at(std::size_t index) const;              // index < size().
  std::string key_at(std::size_t index) const;    // Of an object's member, escapes resolved.
  /// The member with this name, compared after escapes are resolved.
  std::optional<Value> find(std::string_view key) const;

 private:
  friend class Document;
  Value(const Document& document, std::size_t node) : document_(&document), node_(node) {}
  const Document* document_;
  std::size_t node_;
};

/// A parsed text. Holds spans into the text, which must outlive it and stay where it is.
class Document {
 public:
  /// Refused (kInvalid, with a byte offset and never the text): anything outside RFC 8259, invalid UTF-8, lone surrogate
  /// escapes, duplicate keys in one object (after escapes), text after the value, depth or nodes over the limits.
  static Result<Document> parse(std::string_view text, const Limits& limits = {});
  Value root() const;

 private:
  friend class Value;
  struct Node;
  Document();
  // The implementer completes this class (a flat vector of nodes).
};

/// Appends JSON to a buffer: commas and escapes are its business, nesting is the caller's.
class Writer {
 public:
  explicit Writer(SecretBytes& out) : out_(out) {}

  Writer& begin_object();
  Writer& end_object();
  Writer& begin_array();
  Writer& end_array();
  Writer& key(std::string_view name);
  Writer& string(std::string_view text);  // Invalid UTF-8 becomes U+FFFD: never a broken document.
  Writer& number(std::int64_t value);
  Writer& boolean(bool value);
  Writer& null();
  /// `json` is one complete JSON value, inserted as it is.
  Writer& raw(std::string_view json);

 private:
  void separate();
  SecretBytes& out_;
  bool first_ = true;  // No comma before the next element.
};

/// Appends `text` as a JSON string with quotes to a plain buffer (for journals and logs).
void append_quoted(std::string& out, std::string_view text);

}  // namespace keyhold::json
