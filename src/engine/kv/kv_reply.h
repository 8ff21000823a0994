#pragma once

#include <string>

#include "base/json.h"
#include "core/secret.h"

/// How kv version 2 tells of secrets.
namespace keyhold::engine {

/// What every answer about one version carries. `full` adds what writes and reads also say of the secret.
enum class Detail { kVersionOnly, kWithSecret };
void append_version(json::Writer& writer, const core::secrets::Head& head, const core::secrets::Version& version,
                    Detail detail);

/// All that is known of a secret but its content. `last_read`: nullptr = it was never read.
void append_metadata(json::Writer& writer, const core::secrets::Head& head, const core::records::LastRead* last_read);
/// The members of an object that say when it was last read.
void append_last_read(json::Writer& writer, const core::records::LastRead& last);

/// For the audit record.
std::string audit_version(const core::secrets::Version& version);

}  // namespace keyhold::engine
