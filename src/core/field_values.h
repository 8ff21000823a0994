#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/route.h"
#include "core/router.h"

namespace keyhold::core {

/// An integer as Vault takes it from JSON: a number, or a string that holds one. nullopt: anything else.
std::optional<std::int64_t> weak_integer(json::Value value);

/// The fields of one request, found and checked against their declared types before any handler runs.
///
/// Holds spans of the request's body and path, which outlive it. Getters of the wrong type, or of a field that the
/// route does not declare, are a CHECK.
/// threads   One at a time.
class FieldValues {
 public:
  /// Values of path fields as the router matched them; query and body as received.
  /// errors: kInvalid, naming the field and what it should be.
  static Result<FieldValues> parse(std::span<const Field> fields, const PathValues& path_values,
                                   const std::vector<std::pair<std::string, std::string>>& query,
                                   std::string_view body);

  /// For protocols that know no weak types: each value of the body must have the very JSON type of its field. errors: kInvalid, naming the field.
  Result<void> check_exact_types() const;

  bool has(std::string_view name) const;
  bool is_null(std::string_view name) const;  // It was given, as null.
  std::string text(std::string_view name) const;  // "" when absent.
  std::string_view path_text(std::string_view name) const;  // Of a path field, without a copy.
  SecretBytes secret(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise = 0) const;
  bool boolean(std::string_view name, bool otherwise = false) const;
  std::int64_t duration_s(std::string_view name, std::int64_t otherwise = 0) const;
  std::vector<std::string> string_list(std::string_view name) const;
  std::vector<std::string> policy_names(std::string_view name) const;  // In their normal form.
  std::vector<std::int64_t> integer_list(std::string_view name) const;
  std::map<std::string, std::string> string_map(std::string_view name) const;
  std::vector<json::Value> elements(std::string_view name) const;  // Of an array.
  /// nullopt when absent or null.
  std::optional<json::Value> object(std::string_view name) const;

  /// Puts `text` in the place of a query field, whether it was there or not: what the caller's policy makes of it.
  void replace(std::string_view name, std::string text);

  /// The raw value for the audit record, or nullopt: JSON of body fields, text of the others.
  struct Raw {
    std::optional<json::Value> json;
    std::string_view text;
  };
  std::optional<Raw> raw(std::string_view name) const;
  /// The whole body, for the audit record. Null value when there was none.
  std::optional<json::Value> body() const;

 private:
  struct Slot {
    const Field* field = nullptr;
    std::optional<json::Value> json;
    std::string_view text;
    bool present = false;
  };
  const Slot* slot(std::string_view name, FieldType type) const;
  static Result<void> check(const Slot& slot);

  std::unique_ptr<const json::Document> document_;  // Kept in place: values point to it.
  std::vector<Slot> slots_;
  std::list<std::string> replaced_;  // Slots point to them.
};

}  // namespace keyhold::core
