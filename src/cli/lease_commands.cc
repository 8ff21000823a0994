// lease: leases.
#include <array>

#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

SecretBytes lease_body(const Session& session, bool with_increment) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("lease_id").string(session.argument(0));
  if (with_increment && session.arguments().has("increment")) writer.key("increment").string(session.flag("increment"));
  writer.end_object();
  return body;
}

Result<int> lookup(Session& session) {
  const SecretBytes body = lease_body(session, false);
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = "sys/leases/lookup", .body = &body}));
  return session.print_answer(answer);
}

Result<int> renew(Session& session) {
  const SecretBytes body = lease_body(session, true);
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = "sys/leases/renew", .body = &body}));
  return session.print_answer(answer);
}

Result<int> revoke(Session& session) {
  const Arguments& arguments = session.arguments();
  const std::string id(session.argument(0));
  const bool force = arguments.on("force"), prefix = arguments.on("prefix");
  if (force && !prefix) return usage_error("-force goes with -prefix");
  if (prefix) {
    TRY(session.call({.method = "PUT", .path = (force ? "sys/leases/revoke-force/" : "sys/leases/revoke-prefix/") + clean_path(id)}));
    return session.success("Revoked any leases with prefix: " + id);
  }
  SecretBytes body;
  json::Writer(body).begin_object().key("lease_id").string(id).key("sync").boolean(arguments.on("sync")).end_object();
  TRY(session.call({.method = "PUT", .path = "sys/leases/revoke", .body = &body}));
  return arguments.on("sync") ? session.success("Revoked lease: " + id) : session.line("All revocation operations queued successfully!");
}

constexpr std::array kRenewFlags{Flag{.name = "increment", .value_name = "DURATION", .help = "For how long from now on", .alias = "i"}};
constexpr std::array kRevokeFlags{Flag{.name = "prefix", .help = "All leases whose ids begin so", .takes = Takes::kNothing},
                                  Flag{.name = "force", .help = "With -prefix: forget them even if they cannot be revoked", .takes = Takes::kNothing, .alias = "f"},
                                  Flag{.name = "sync", .help = "Wait until it is revoked", .takes = Takes::kNothing}};

constexpr std::array kCommands{
    Command{.name = "lease lookup",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Tell when a lease ends",
            .example = "keyhold lease lookup auth/token/create/h0123",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = lookup},
    Command{.name = "lease renew",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "Move a lease's end on",
            .example = "keyhold lease renew -increment=1h database/creds/app/0123",
            .flags = kRenewFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = renew},
    Command{.name = "lease revoke",
            .group = Group::kAccess,
            .arguments = "ID",
            .help = "End a lease, or with -prefix all below a path",
            .example = "keyhold lease revoke -prefix auth/token/create/",
            .flags = kRevokeFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = revoke},
};

}  // namespace

std::span<const Command> lease_commands() { return kCommands; }

}  // namespace keyhold::cli
