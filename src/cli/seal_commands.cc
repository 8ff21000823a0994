// status, operator init, unseal and seal.
#include <algorithm>
#include <array>

#include "base/scalar.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;

constexpr int kSealed = 2;
constexpr std::int64_t kSharesMade = 5, kSharesNeeded = 3;  // Vault's.

/// The rows of Vault's own status, in its order.
void print_status_table(Session& session, const json::Value& status) {
  Table table({"Key", "Value"});
  const auto row = [&](std::string_view shown, std::string_view name) {
    if (status.find(name)) table.row(shown, member_text(status, name));
  };
  row("Seal Type", "type");
  row("Initialized", "initialized");
  row("Sealed", "sealed");
  row("Total Shares", "n");
  row("Threshold", "t");
  if (member_is_true(status, "sealed") && member_is_true(status, "initialized")) {
    SecretBytes progress = member_text(status, "progress");
    progress.push_back('/');
    progress.append(member_text(status, "t").reveal());
    table.row("Unseal Progress", std::move(progress));
    row("Unseal Nonce", "nonce");
  }
  if (member_is_true(status, "migration")) row("Seal Migration in Progress", "migration");
  row("Version", "version");
  row("Build Date", "build_date");
  row("Storage Type", "storage_type");
  row("Cluster Name", "cluster_name");
  row("Cluster ID", "cluster_id");
  if (status.find("ha_enabled")) {
    row("HA Enabled", "ha_enabled");
  } else {
    table.row({"HA Enabled", "false"});
  }
  session.print_table(table);
}

Result<int> print_status(Session& session, const client::ApiAnswer& answer) {
  const auto status = answer.root();
  if (!status) return foreign_answer();
  if (session.wants_field()) return session.print_field(*status);
  if (session.format() == Format::kRaw) return session.print_answer(answer);
  if (session.format() != Format::kTable) return session.print_value(*status);
  print_status_table(session, *status);
  return kExitDone;
}

Result<int> status(Session& session) {
  auto answer = session.call({.path = "sys/seal-status"});
  if (!answer.ok()) {
    Error error = std::move(answer).error();
    if (error.name == client::kRemote) error.name = {};  // As in Vault: 2 says that it is sealed, and nothing else.
    return error;
  }
  TRY(print_status(session, *answer));
  return member_is_true(*answer->root(), "sealed") ? kSealed : kExitDone;
}

// operator init

Result<std::int64_t> count_flag(const Session& session, std::string_view name, std::int64_t otherwise) {
  if (!session.arguments().has(name)) return otherwise;
  const auto number = parse_integer(session.flag(name));
  if (!number || *number < 1) return usage_error("-" + std::string(name) + " is a number from 1 on");
  return *number;
}

/// The members that Vault's own command prints.
SecretBytes init_json(const json::Value& made, std::int64_t shares, std::int64_t threshold) {
  SecretBytes out;
  json::Writer writer(out);
  const auto list = [&](std::string_view name, std::string_view from) {
    const auto keys = made.find(from);
    writer.key(name).raw(keys ? keys->raw() : "[]");
  };
  writer.begin_object();
  list("unseal_keys_b64", "keys_base64");
  list("unseal_keys_hex", "keys");
  writer.key("unseal_shares").number(shares).key("unseal_threshold").number(threshold);
  list("recovery_keys_b64", "recovery_keys_base64");
  list("recovery_keys_hex", "recovery_keys");
  const auto recovery = made.find("recovery_keys_base64");
  writer.key("recovery_keys_shares").number(recovery && recovery->is_array() ? static_cast<std::int64_t>(recovery->size()) : 0);
  writer.key("recovery_keys_threshold").number(recovery && recovery->is_array() && recovery->size() > 0 ? threshold : 0);
  const auto token = made.find("root_token");
  writer.key("root_token").raw(token ? token->raw() : "\"\"").end_object();
  return out;
}

void print_keys(Session& session, const json::Value& made, std::string_view member, std::string_view title) {
  const auto keys = made.find(member);
  for (std::size_t i = 0; keys && keys->is_array() && i < keys->size(); ++i) {
    session.out().print(std::string(title) + " " + std::to_string(i + 1) + ": ");
    session.out().line(plain_text(keys->at(i)).reveal());
  }
}

Result<int> print_init(Session& session, const json::Value& made, std::int64_t shares, std::int64_t threshold) {
  if (session.wants_field() || session.format() != Format::kTable) {
    const SecretBytes json = init_json(made, shares, threshold);
    auto document = json::Document::parse(json.reveal());
    CHECK(document.ok());
    return session.wants_field() ? session.print_field(document->root()) : session.print_value(document->root());
  }
  Output& out = session.out();
  print_keys(session, made, "keys_base64", "Unseal Key");
  print_keys(session, made, "recovery_keys_base64", "Recovery Key");
  out.print("\nInitial Root Token: ");
  out.line(member_text(made, "root_token").reveal());
  const std::string needed = std::to_string(threshold);
  if (const auto recovery = made.find("recovery_keys_base64"); recovery && recovery->is_array() && recovery->size() > 0) {
    out.line("\nKeyhold is initialised, and unseals itself. The " + std::to_string(shares) + " recovery keys are shown this once and stored nowhere: give\n"
             "each to another person. " + needed + " of them allow what no token may do alone, such as a new root token.\n\n"
             "Next: `keyhold login` with the root token.");
    return kExitDone;
  }
  out.line("\nKeyhold is initialised with " + std::to_string(shares) + " key shares, " + needed + " of which unseal it. They are shown this once and\n"
           "stored nowhere: give each to another person. Whenever the server starts or is sealed, " + needed + " of them are\n"
           "needed; without them what it holds cannot be read again by anybody.\n\n"
           "Next: `keyhold operator unseal`, " + needed + " times, then `keyhold login` with the root token.");
  return kExitDone;
}

Result<int> init_status(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = "sys/init"}));
  const auto status = answer.root();
  if (!status) return foreign_answer();
  const bool initialized = member_is_true(*status, "initialized");
  if (session.format() != Format::kTable) {
    TRY(session.print_value(*status));
  } else {
    session.out().line(initialized ? "Keyhold is initialised" : "Keyhold is not initialised");
  }
  return initialized ? kExitDone : kExitRemote;
}

/// How many shares are made, and how many of them are needed.
struct Shares {
  std::int64_t made, needed;
};

Result<Shares> shares_of(const Session& session, const std::string& kind) {
  TRY_ASSIGN(const auto made, count_flag(session, kind + "-shares", kSharesMade));
  TRY_ASSIGN(const auto needed, count_flag(session, kind + "-threshold", std::min(kSharesNeeded, made)));
  return Shares{made, needed};
}

Result<int> init(Session& session) {
  if (session.arguments().on("status")) return init_status(session);
  TRY_ASSIGN(const auto status, session.look({.path = "sys/seal-status"}));
  // A server that unseals itself has shares for recovery, and no others.
  const bool recovery = status.root() && member_is_true(*status.root(), "recovery_seal");
  TRY_ASSIGN(const Shares keys, shares_of(session, "key"));
  TRY_ASSIGN(const Shares recovery_keys, shares_of(session, "recovery"));
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  if (!recovery || session.arguments().has("key-shares") || session.arguments().has("key-threshold")) {
    writer.key("secret_shares").number(keys.made).key("secret_threshold").number(keys.needed);
  }
  if (recovery || session.arguments().has("recovery-shares") || session.arguments().has("recovery-threshold")) {
    writer.key("recovery_shares").number(recovery_keys.made).key("recovery_threshold").number(recovery_keys.needed);
  }
  writer.end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = "sys/init", .body = &body}));
  const auto made = answer.root();
  if (!made) return foreign_answer();
  const Shares& used = recovery ? recovery_keys : keys;
  return print_init(session, *made, used.made, used.needed);
}

// operator unseal, operator seal

Result<int> unseal(Session& session) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  if (session.arguments().on("reset")) {
    writer.key("reset").boolean(true);
  } else {
    TRY_ASSIGN(const SecretBytes key, session.secret_argument(session.argument(0), "Unseal Key (will be hidden): "));
    writer.key("key").string(key.reveal());
    if (session.arguments().on("migrate")) writer.key("migrate").boolean(true);
  }
  writer.end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = "sys/unseal", .body = &body}));
  return print_status(session, answer);
}

Result<int> seal(Session& session) {
  TRY(session.call({.method = "PUT", .path = "sys/seal"}));
  return session.success("Keyhold is sealed.");
}

constexpr std::array kInitFlags{
    Flag{.name = "key-shares", .value_name = "NUMBER", .help = "Shares to make; 5 if not given", .alias = "n"},
    Flag{.name = "key-threshold", .value_name = "NUMBER", .help = "Shares that unseal; 3 if not given", .alias = "t"},
    Flag{.name = "recovery-shares", .value_name = "NUMBER", .help = "The same of a server that unseals itself"},
    Flag{.name = "recovery-threshold", .value_name = "NUMBER", .help = "Recovery keys that are needed"},
    Flag{.name = "status", .help = "Only tell whether it is initialised: exit code 0 if so, else 2", .takes = Takes::kNothing}};
constexpr std::array kUnsealFlags{Flag{.name = "reset", .help = "Forget the keys given so far", .takes = Takes::kNothing},
                                  Flag{.name = "migrate", .help = "Move to the seal that is configured", .takes = Takes::kNothing}};

constexpr std::array kCommands{
    Command{.name = "status",
            .group = Group::kOperation,
            .help = "Tell whether the server is sealed\n\nThe exit code is 0 when it is unsealed, 2 when it is sealed, 1 when it does not answer.",
            .example = "keyhold status",
            .talks = Talks::kUnknown,
            .run = status},
    Command{.name = "operator init",
            .group = Group::kOperation,
            .help = "Initialise a new server: make its keys and a root token",
            .example = "keyhold operator init -key-shares=3 -key-threshold=2",
            .flags = kInitFlags,
            .talks = Talks::kUnknown,
            .run = init},
    Command{.name = "operator unseal",
            .group = Group::kOperation,
            .arguments = "[KEY]",
            .help = "Give one key share, until there are enough\n\nWithout KEY it is asked for and not shown, or read from standard input: as an argument "
                    "others on this machine may see it.",
            .example = "keyhold operator unseal",
            .flags = kUnsealFlags,
            .arguments_max = 1,
            .talks = Talks::kUnknown,
            .run = unseal},
    Command{.name = "operator seal",
            .group = Group::kOperation,
            .help = "Seal the server at once: it forgets its keys and answers nothing",
            .example = "keyhold operator seal",
            .run = seal},
};

}  // namespace

std::span<const Command> seal_commands() { return kCommands; }

}  // namespace keyhold::cli
