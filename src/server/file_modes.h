#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "server/config/config.h"

namespace keyhold::server {

/// Who else can read or change the files that the configuration names, and itself, which was read at `config_path`.
///
/// The store's folder, the journal's and keys of seals are checked by whoever opens them, and refused when open to others.
///
/// returns   One sentence each, for the operator: a TLS key that all users can read; a file that its group can write, or that
///           belongs to a user who is neither root nor the server's.
/// errors    kInvalid: a file that all users can write.
Result<std::vector<std::string>> check_file_modes(const Config& config, const std::string& config_path);

}  // namespace keyhold::server
