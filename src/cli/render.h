#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/secret_bytes.h"
#include "cli/table.h"

/// Values of JSON in the forms that people and scripts read. Numbers stay as they were received.
namespace keyhold::cli {

using Member = std::pair<std::string, json::Value>;

/// The members of an object in order of their names; none of what is no object.
std::vector<Member> sorted_members(const json::Value& object);

/// As Go prints it, which is what Vault's tables show: `text`, `1.5`, `<nil>`, `[a b]`, `map[a:1 b:2]`.
SecretBytes table_text(const json::Value& value);

/// As a script wants it: a string's characters, anything else as JSON.
SecretBytes plain_text(const json::Value& value);

/// The table_text() of a member; empty when it is absent or null.
SecretBytes member_text(const json::Value& object, std::string_view name);
bool member_is_true(const json::Value& object, std::string_view name);

/// Indented by two spaces; members of inner objects in order of their names, those of the outermost as they stand. No newline at the end.
void append_pretty_json(SecretBytes& out, const json::Value& value);

/// Block style, the same order; strings in double quotes unless they are plain words. A newline at the end.
void append_yaml(SecretBytes& out, const json::Value& value);

/// "768h", "1h30m", "0s".
std::string human_duration(std::int64_t seconds);

/// Whether Vault's tables show the number of this name as a time.
bool is_duration_name(std::string_view name);

/// Rows "name, value" in order of names.
void add_rows(Table& table, const json::Value& object);

/// Columns that add_rows() of this object takes, as far as headings go by it.
std::size_t rows_width(const json::Value& object);

}  // namespace keyhold::cli
