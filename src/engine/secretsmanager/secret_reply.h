#pragma once

#include <string_view>

#include "base/json.h"
#include "core/call.h"
#include "core/secret.h"

/// How AWS Secrets Manager tells of secrets: what is not there is left out, and times are seconds with a fraction.
namespace keyhold::engine::secretsmanager {

/// Seconds since 1970, with milliseconds where there are any: 1700000000.123.
void append_time(json::Writer& writer, std::string_view key, UnixMillis time_ms);

/// The members "ARN" and "Name".
void append_identity(json::Writer& writer, const core::Call& call, const core::secrets::Head& head);

/// An answer of these two alone.
core::Reply identity_reply(const core::Call& call, const core::secrets::Head& head);

/// All that a list and a description have in common; what they call the labels by version is `labels_key`.
Result<void> append_summary(json::Writer& writer, const core::Call& call, const core::secrets::Head& head, std::string_view labels_key);

/// The member "LastAccessedDate": the day, as its beginning. Nothing of what was never read.
void append_last_accessed(json::Writer& writer, UnixMillis read_ms);

/// The member "ReplicationStatus" of a secret with replicas.
void append_replicas(json::Writer& writer, const core::secrets::Head& head);

/// ARN, name, version, content, labels: members of an object that the caller opens and closes. What the journal keeps of them goes to
/// `audited`.
Result<void> append_value(json::Writer& writer, core::Call& call, const core::secrets::Head& head,
                          const core::secrets::Version& version, std::string& audited);
/// What the journal keeps of a version.
std::string audit_version(const core::secrets::Version& version);

}  // namespace keyhold::engine::secretsmanager
