#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// HCL 1, the language of Vault's policies and configuration files, and the JSON form of it. Not for secrets: values are
/// plain strings.
namespace keyhold::hcl {

struct Limits {
  std::size_t text_bytes_max = 1024 * 1024;  // Twice the largest stored policy.
  std::size_t depth_max = 16;                // Objects and lists within each other; Vault's own files need 4.
  std::size_t nodes_max = 20'000;            // Items and values: a policy of 3,000 paths.
};

struct Position {
  std::uint32_t line = 1;    // From 1.
  std::uint32_t column = 1;  // From 1, in bytes.
};

enum class Kind : std::uint8_t { kString, kNumber, kBool, kList, kObject };

struct Item;

/// The inside of an object, or a whole text: its items in order.
///
/// An item with a plain value (not an object) is the only one of its key; items with objects may repeat, as blocks do.
struct Body {
  Position at;
  std::vector<Item> items;

  /// The first item with this key, or nullptr.
  const Item* find(std::string_view key) const;
};

struct Value {
  Kind kind = Kind::kString;
  Position at;
  std::string text;          // kString: its characters. kNumber: as written. kBool: "true" or "false".
  std::vector<Value> list;   // kList.
  Body body;                 // kObject.

  bool is_true() const { return kind == Kind::kBool && text == "true"; }
  /// Of a whole number in decimal or 0x notation. errors: kInvalid.
  Result<std::int64_t> as_int() const;
};

struct Label {
  std::string text;
  Position at;
};

/// `key = value`, or a block: `key "label" … { … }`, whose value is an object.
struct Item {
  std::string key;
  Position at;
  std::vector<Label> labels;
  Value value;
};

/// A block with as many labels as were asked for. Points into the Body it came from.
struct Block {
  Position at;
  std::vector<Label> labels;
  const Body* body = nullptr;
};

/// Why a text was refused, for callers that word their own errors.
struct Failure {
  Position at;
  std::string reason;
};

/// Where the byte at `offset` of a text stands.
Position position_of(std::string_view text, std::size_t offset);

/// kInvalid, "line L, column C: reason".
Error error_at(Position at, std::string_view reason);

/// Parses a text; one that starts with '{' is read as JSON (strictly, but a null member counts as absent).
///
/// errors   kInvalid with line, column and reason, never with the text of a value. Refused are, beside what is not HCL:
///          invalid UTF-8, NUL bytes, numbers with a leading zero (octal to some, decimal to others), a plain value
///          given twice, and texts over the limits. `failure`, if given, is set with the error.
Result<Body> parse(std::string_view text, const Limits& limits = {}, Failure* failure = nullptr);

/// Reads an item as blocks with `label_count` labels. Labels missing before the braces are the keys of the objects inside, and a list
/// stands for each of its objects: `path "a" {}`, `path = { "a" = {} }`, {"path": {"a": {}}} and {"path": [{"a": {}}]} are one.
///
/// errors   kInvalid when the shape does not fit.
Result<std::vector<Block>> blocks_of(const Item& item, std::size_t label_count, Failure* failure = nullptr);

}  // namespace keyhold::hcl
