#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/session.h"

namespace keyhold::cli {

/// A path as people name it, "secret/app/db", and the mount that it leads into.
struct MountedPath {
  std::string mount;  // "secret/".
  std::string rest;   // "app/db"; "" at the mount itself.
  int version = 1;    // Of a KV engine.

  /// Of the API: "secret/data/app/db" for the section "data". Version 1 has no sections.
  std::string api_path(std::string_view section) const;
};

/// Asks the server which mount the path leads into; -mount names it instead, and then the path is within it.
///
/// errors   of the server, and what to do when it does not tell.
Result<MountedPath> find_mount(Session& session, std::string_view path);

/// The mount that an answer of sys/internal/ui/mounts/WHOLE tells of. errors: kInternal: it tells of none.
Result<MountedPath> mounted_path(const client::ApiAnswer& answer, const std::string& whole);

/// The fields that an answer to the read of a secret holds, by an engine of this version; nullopt: none, as of a deleted version.
std::optional<json::Value> kv_content(const client::ApiAnswer& answer, int engine_version);

/// The number of the version that an answer to the read of a secret is about, of a deleted one as well; 0 when it does not say.
std::int64_t kv_version(const client::ApiAnswer& answer);

}  // namespace keyhold::cli
