#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/audit/redactor.h"
#include "core/config.h"
#include "core/field_values.h"
#include "core/policy/cidr.h"
#include "core/policy/compiled_policies.h"
#include "core/request.h"
#include "core/resource_policies.h"
#include "core/route.h"
#include "core/sealed_text.h"
#include "core/signing_keys.h"
#include "core/temporary_keys.h"
#include "core/token.h"
#include "core/transaction.h"
#include "crypto/random.h"

namespace keyhold::core {

/// Who was let in. Immutable; kept while the token's record and the policies stay the same.
struct Principal {
  std::string token_id;
  std::shared_ptr<const records::Token> token;
  CompiledPolicies policies;
  std::vector<std::shared_ptr<const iam::Policy>> iam;  // Beside them, of AWS's language.
  CidrList bound_cidrs;       // From where it may be used.
  std::string audit_members;  // Its part of an audit record, rendered once.

  bool root() const { return policies.root(); }
};

class LastReads;
class KeyCeremonies;

/// What needs the keys of an unsealed barrier. Dropped, and its keys wiped, when the node seals.
struct Session {
  TokenStore tokens;
  audit::Redactor redactor;
  crypto::HmacSha256 fingerprints;
  TemporaryKeys temporary_keys;
  std::unique_ptr<SigningKeys> signing_keys;
  std::unique_ptr<ResourcePolicies> resource_policies;
  std::unique_ptr<LastReads> last_reads;
  std::unique_ptr<KeyCeremonies> ceremonies;  // Of key holders, as far as they have come.
  SealedText pages;  // Where the next page of a list begins, as clients are given it.
};

/// One run of one request, as its handler sees it. Lives during the run only.
///
/// threads   One.
class Call {
 public:
  struct Parts {
    const Request& request;
    const Config* config;            // nullptr while sealed, like tx, session, mount and principal.
    const MountPoint* mount;
    std::string_view path;
    const FieldValues& fields;
    const Principal* principal;      // nullptr on an unauthenticated route, unless it takes a token and there was one.
    const Session* session;
    Transaction* tx;
    const std::vector<Target>* targets;  // Of an operation by name; filled before its handler runs.
    const Clock& clock;
    crypto::Rng& rng;
  };
  explicit Call(const Parts& parts) : parts_(parts), now_ms_(parts.clock.now_ms()) {}

  Transaction& tx() const { return *parts_.tx; }
  const Config& config() const { return *parts_.config; }
  bool has_mount() const { return parts_.mount != nullptr; }
  const MountPoint& mount() const { return *parts_.mount; }
  keys::MountId mount_id() const { return parts_.mount->record.id(); }
  keys::NamespaceId namespace_id() const { return parts_.request.namespace_id; }
  const Principal& principal() const { return *parts_.principal; }
  bool has_principal() const { return parts_.principal != nullptr; }
  const Session& session() const { return *parts_.session; }
  const FieldValues& fields() const { return parts_.fields; }
  /// Of an operation by name, in its handler: what was authorised, as this very run found it.
  const Target& target() const {
    CHECK(!parts_.targets->empty());
    return parts_.targets->front();
  }
  std::string_view path() const { return parts_.path; }
  const Request& request() const { return parts_.request; }
  UnixMillis now() const { return now_ms_; }  // One moment for the whole run.
  crypto::Rng& rng() const { return parts_.rng; }

 private:
  Parts parts_;
  UnixMillis now_ms_;
};

}  // namespace keyhold::core
