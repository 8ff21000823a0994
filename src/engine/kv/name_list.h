#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/call.h"
#include "core/route.h"
#include "core/secret.h"

/// Lists and scans of secrets' names, alike for all engines that keep them.
namespace keyhold::engine {

inline constexpr core::Field kFolderField{.name = "path",
                                          .source = core::FieldSource::kPath,
                                          .audit = core::Audit::kClear,
                                          .help = "The folder; empty = all of the mount."};
inline constexpr core::Field kAfterField{.name = "after",
                                         .source = core::FieldSource::kQuery,
                                         .audit = core::Audit::kClear,
                                         .help = "Begin after this name, which need not be there."};
inline constexpr core::Field kLimitField{.name = "limit",
                                         .type = core::FieldType::kInteger,
                                         .source = core::FieldSource::kQuery,
                                         .audit = core::Audit::kClear,
                                         .help = "At most so many names; 0 = all."};
inline constexpr std::array kListFields{kFolderField, kAfterField, kLimitField};

template <typename Engine>
constexpr core::Route<Engine> listing(core::Operation operation, std::string_view path,
                                      Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help) {
  const bool scans = operation == core::Operation::kScan;
  return {.info = {.operation = operation,
                   .path = path,
                   .access = scans ? core::Capability::kScan : core::Capability::kList,
                   .fields = kListFields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kSecret,
                   .help = help},
          .handler = handler};
}

/// The names that the fields of kListFields ask for. `folder` is where the mount's names begin: empty, or ending with a slash.
Result<std::vector<std::string>> names_asked_for(core::Call& call, std::string folder, core::secrets::Depth depth);

/// Answers them as "keys"; not found when there are none.
Result<core::Reply> list_names(core::Call& call, std::string folder, core::secrets::Depth depth);

void append_keys(json::Writer& writer, const std::vector<std::string>& names);

}  // namespace keyhold::engine
