#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::engine {

/// A route that changes something and has nothing to tell of it.
template <typename Engine>
constexpr core::Route<Engine> change_route(std::string_view path, core::Access access, std::span<const core::Field> fields,
                                           Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = access,
                   .fields = fields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kNone,
                   .trailing_slash = core::TrailingSlash::kIgnored,
                   .help = help},
          .handler = handler};
}

/// A route that tells something from the store.
template <typename Engine>
constexpr core::Route<Engine> look_route(core::Operation operation, std::string_view path, core::Access access,
                                         std::span<const core::Field> fields,
                                         Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help) {
  return {.info = {.operation = operation,
                   .path = path,
                   .access = access,
                   .fields = fields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kSecret,
                   .help = help},
          .handler = handler};
}

/// The part of "sys/" that is about leases. What has a lease today are tokens: the id of a token's lease is the path that made it and,
/// behind a slash, "h" and the token's id in hexadecimal.
///
/// One object; it has no state.
/// source   Vault API, sys/leases.
class LeaseRoutes {
 public:
  Result<core::Reply> lookup(core::Call& call);
  Result<core::Reply> list(core::Call& call);
  Result<core::Reply> renew(core::Call& call);
  Result<core::Reply> revoke(core::Call& call);
  Result<core::Reply> revoke_prefix(core::Call& call);
  Result<core::Reply> irrevocable(core::Call& call);
  Result<core::Reply> count_irrevocable(core::Call& call);
  Result<core::Reply> tidy(core::Call& call);

 private:
  static constexpr core::Field kLeaseId{.name = "lease_id", .audit = core::Audit::kClear, .help = "Id of the lease."};
  static constexpr core::Field kPathLeaseId{.name = "url_lease_id",
                                            .source = core::FieldSource::kPath,
                                            .audit = core::Audit::kClear,
                                            .help = "Id of the lease."};
  static constexpr core::Field kIncrement{.name = "increment",
                                          .type = core::FieldType::kDuration,
                                          .audit = core::Audit::kClear,
                                          .help = "Life time from now on."};
  static constexpr core::Field kSync{.name = "sync",
                                     .type = core::FieldType::kBoolean,
                                     .audit = core::Audit::kClear,
                                     .help = "Kept for clients: a lease has ended when the answer comes."};
  static constexpr core::Field kPrefix{.name = "prefix",
                                       .source = core::FieldSource::kPath,
                                       .audit = core::Audit::kClear,
                                       .help = "Path below which the leases are."};
  static constexpr core::Field kType{.name = "type",
                                     .source = core::FieldSource::kQuery,
                                     .audit = core::Audit::kClear,
                                     .help = "irrevocable: those whose revocation fails."};
  static constexpr std::array kLookupFields{kLeaseId};
  static constexpr std::array kRenewFields{kLeaseId, kIncrement};
  static constexpr std::array kPathRenewFields{kPathLeaseId, kIncrement};
  static constexpr std::array kRevokeFields{kLeaseId, kSync};
  static constexpr std::array kPathRevokeFields{kPathLeaseId, kSync};
  static constexpr std::array kListFields{kPrefix};
  static constexpr std::array kRevokePrefixFields{kPrefix, kSync};
  static constexpr std::array kTypeFields{kType};

  static constexpr core::Access kUpdate{core::Capability::kUpdate};
  static constexpr core::Access kUpdateWithSudo = core::Access::with_sudo(core::Capability::kUpdate);
  static constexpr core::Access kListWithSudo = core::Access::with_sudo(core::Capability::kList);
  static constexpr std::string_view kRenewHelp = "Move the end of a lease on; a token is renewed by auth/token/renew.";
  static constexpr std::string_view kRevokeHelp = "End a lease.";
  static constexpr std::string_view kRevokePrefixHelp = "End all leases below a path.";

 public:
  static constexpr std::array kRoutes{
      look_route(core::Operation::kUpdate, "leases/lookup", kUpdate, kLookupFields, &LeaseRoutes::lookup, "When a lease ends."),
      look_route(core::Operation::kList, "leases/lookup/{prefix...}", kListWithSudo, kListFields, &LeaseRoutes::list,
           "Leases below a path."),
      look_route(core::Operation::kRead, "leases", core::Capability::kRead, kTypeFields, &LeaseRoutes::irrevocable,
           "Leases whose revocation fails."),
      look_route(core::Operation::kRead, "leases/count", core::Capability::kRead, kTypeFields, &LeaseRoutes::count_irrevocable,
           "How many leases there are whose revocation fails."),
      change_route("leases/renew", kUpdate, kRenewFields, &LeaseRoutes::renew, kRenewHelp),
      change_route("leases/renew/{url_lease_id...}", kUpdate, kPathRenewFields, &LeaseRoutes::renew, kRenewHelp),
      change_route("leases/revoke", kUpdate, kRevokeFields, &LeaseRoutes::revoke, kRevokeHelp),
      change_route("leases/revoke/{url_lease_id...}", kUpdate, kPathRevokeFields, &LeaseRoutes::revoke, kRevokeHelp),
      change_route("leases/revoke-prefix/{prefix...}", kUpdateWithSudo, kRevokePrefixFields, &LeaseRoutes::revoke_prefix,
             kRevokePrefixHelp),
      change_route("leases/revoke-force/{prefix...}", kUpdateWithSudo, kRevokePrefixFields, &LeaseRoutes::revoke_prefix,
             kRevokePrefixHelp),
      change_route("leases/tidy", kUpdate, {}, &LeaseRoutes::tidy, "Look for leases that have ended and are still there."),
      // Where these were before.
      change_route("renew", kUpdate, kRenewFields, &LeaseRoutes::renew, kRenewHelp),
      change_route("renew/{url_lease_id...}", kUpdate, kPathRenewFields, &LeaseRoutes::renew, kRenewHelp),
      change_route("revoke", kUpdate, kRevokeFields, &LeaseRoutes::revoke, kRevokeHelp),
      change_route("revoke/{url_lease_id...}", kUpdate, kPathRevokeFields, &LeaseRoutes::revoke, kRevokeHelp),
      change_route("revoke-prefix/{prefix...}", kUpdateWithSudo, kRevokePrefixFields, &LeaseRoutes::revoke_prefix, kRevokePrefixHelp),
      change_route("revoke-force/{prefix...}", kUpdateWithSudo, kRevokePrefixFields, &LeaseRoutes::revoke_prefix, kRevokePrefixHelp),
  };
};

}  // namespace keyhold::engine
