#pragma once

#include <array>
#include <string>

#include "core/call.h"
#include "core/route.h"

/// Secrets of one version each, whose content is the request's body: what kv version 1 and cubbyholes have in common.
/// `folder` is where the caller's names begin in the mount: empty, or ending with a slash.
///
/// source   Vault API, secret/kv/kv-v1 and secret/cubbyhole.
namespace keyhold::engine::plain {

inline constexpr core::Field kPathField{.name = "path",
                                        .source = core::FieldSource::kPath,
                                        .audit = core::Audit::kClear,
                                        .help = "Name of the secret."};
inline constexpr std::array kPathFields{kPathField};
inline constexpr std::array kWriteFields{kPathField,
                                         core::Field{.name = "data",
                                                     .type = core::FieldType::kObject,
                                                     .source = core::FieldSource::kWholeBody,
                                                     .help = "The content: all of the body."}};

Result<core::Reply> read(core::Call& call, const std::string& folder);
Result<core::Reply> write(core::Call& call, const std::string& folder);
Result<core::Reply> erase(core::Call& call, const std::string& folder);
Result<bool> exists(core::Call& call, const std::string& folder);

}  // namespace keyhold::engine::plain
