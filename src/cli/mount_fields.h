#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/session.h"

/// What engines for secrets and auth methods have in common.
namespace keyhold::cli {

std::span<const Flag> enable_flags();
std::span<const Flag> tune_flags();

/// The body that mounts `type`: "kv-v2" is "kv" of version 2.
Result<SecretBytes> enable_body(const Session& session, std::string_view type);
Result<SecretBytes> tune_body(const Session& session);

/// All mounts of an answer to sys/mounts or sys/auth.
Result<int> print_mounts(Session& session, const client::ApiAnswer& answer);

/// Moves what is at one path to another, and waits until it is there.
Result<int> move_mount(Session& session, std::string_view from, std::string_view to, std::string_view what);

}  // namespace keyhold::cli
