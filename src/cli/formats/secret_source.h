#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/formats/secret_fields.h"

namespace keyhold::cli {

enum class SourceFormat : std::uint8_t { kEnv, kJson, kYaml, kKubernetes, kVault };

/// "env", "json", "yaml", "k8s", "vault". nullopt: another name.
std::optional<SourceFormat> source_format_named(std::string_view name);

/// One secret of a source.
struct SourceSecret {
  std::string name{};             // Below the path that the source goes to; "" for that path itself.
  std::vector<Fields> contents{};  // At least one; older versions before the current one, which is last.
};

/// What a source holds.
struct Source {
  SourceFormat format = SourceFormat::kEnv;
  std::vector<SourceSecret> secrets{};
  std::vector<std::string> warnings{};  // For people; no values.
};

/// What a text is, by the file's name or else by how it begins. Never kVault.
SourceFormat guess_format(std::string_view file_name, std::string_view text);

/// Reads a file of any format but kVault. One Secret of a manifest has the name "", several have theirs, behind their namespaces when these differ.
///
/// errors   kInvalid, kTooLarge: why the text is refused; no values.
Result<Source> read_source(SourceFormat format, std::string_view text);

}  // namespace keyhold::cli
