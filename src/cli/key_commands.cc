// operator rekey, rotate, key-status and generate-root: the keys of an open store.
#include <array>

#include "base/encoding.h"
#include "base/scalar.h"
#include "cli/render.h"
#include "cli/session.h"
#include "crypto/random.h"

namespace keyhold::cli {
namespace {

using client::ApiAnswer;
using Takes = Flag::Takes;

/// Where the members of an answer are: in `data`, else at the top.
Result<json::Value> members_of(const ApiAnswer& answer) {
  if (const auto data = answer.data(); data && data->is_object()) return *data;
  if (const auto root = answer.root()) return *root;
  return foreign_answer();
}

struct Row {
  std::string_view shown, member;
};

/// In the table format the rows that are there, else all of it.
Result<int> print_members(Session& session, const json::Value& members, std::span<const Row> rows) {
  if (session.wants_field()) return session.print_field(members);
  if (session.format() != Format::kTable) return session.print_value(members);
  Table table({"Key", "Value"});
  for (const Row& row : rows) {
    if (SecretBytes text = member_text(members, row.member); !text.empty()) table.row(row.shown, std::move(text));
  }
  session.print_table(table);
  return kExitDone;
}

/// "progress" out of "required" as "1/3".
SecretBytes with_progress(const json::Value& members, std::string_view required) {
  SecretBytes progress = member_text(members, "progress");
  progress.push_back('/');
  progress.append(member_text(members, required).reveal());
  return progress;
}

/// The nonce of -nonce, else of the attempt in hand. "" when there is none, or only one that others began.
struct Attempt {
  bool started = false;
  std::string nonce;
};

Result<Attempt> attempt_in_hand(Session& session, const std::string& path) {
  if (!session.flag("nonce").empty()) return Attempt{true, std::string(session.flag("nonce"))};
  TRY_ASSIGN(const auto answer, session.look({.path = path}));
  TRY_ASSIGN(const auto members, members_of(answer));
  return Attempt{member_is_true(members, "started"), std::string(member_text(members, "nonce").reveal())};
}

/// What a share is given for; said aloud, so that those who hold shares can compare it.
Result<std::string> nonce_of(Session& session, const std::string& path) {
  TRY_ASSIGN(const Attempt attempt, attempt_in_hand(session, path));
  if (!attempt.started) return usage_error("there is nothing in hand to give a key for: begin with -init");
  if (attempt.nonce.empty()) return usage_error("somebody else began it: name it with -nonce, as its -init printed it");
  if (session.flag("nonce").empty()) session.err().line("Operation nonce: " + attempt.nonce);
  session.err().flush();
  return attempt.nonce;
}

Result<ApiAnswer> give_share(Session& session, const std::string& status_path, const std::string& path) {
  TRY_ASSIGN(const std::string nonce, nonce_of(session, status_path));
  TRY_ASSIGN(const SecretBytes key, session.secret_argument(session.argument(0), "Unseal Key (will be hidden): "));
  SecretBytes body;
  json::Writer(body).begin_object().key("key").string(key.reveal()).key("nonce").string(nonce).end_object();
  return session.call({.method = "PUT", .path = path, .body = &body});
}

Result<int> cancel(Session& session, const std::string& path, std::string_view what) {
  TRY_ASSIGN(const Attempt attempt, attempt_in_hand(session, path));
  SecretBytes body;
  json::Writer(body).begin_object().key("nonce").string(attempt.nonce).end_object();
  TRY(session.call({.method = "DELETE", .path = path, .body = attempt.nonce.empty() ? nullptr : &body}));
  return session.success("Canceled " + std::string(what) + " (if it was started)");
}

// rotate, key-status

Result<int> key_status(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.path = "sys/key-status"}));
  TRY_ASSIGN(const auto members, members_of(answer));
  if (session.wants_field() || session.format() != Format::kTable) return session.print_answer(answer);
  const auto line = [&](std::string_view label, std::string_view name) {
    session.out().print(label);
    session.out().line(member_text(members, name).reveal());
  };
  line("Key Term            ", "term");
  line("Install Time        ", "install_time");
  line("Encryption Count    ", "encryptions");
  return kExitDone;
}

Result<int> rotate(Session& session) {
  TRY(session.call({.method = "PUT", .path = "sys/rotate"}));
  if (session.format() == Format::kTable && !session.wants_field()) {
    TRY(session.success("Rotated key\n"));
  }
  return key_status(session);
}

// rekey

/// The routes of -target: "sys/rekey/" or "sys/rekey-recovery-key/".
Result<std::string> rekey_base(const Session& session) {
  const std::string_view target = session.arguments().value("target", "barrier");
  if (target == "barrier") return std::string("sys/rekey/");
  if (target == "recovery") return std::string("sys/rekey-recovery-key/");
  return usage_error("-target is barrier or recovery");
}

Result<int> print_rekey(Session& session, const ApiAnswer& answer) {
  TRY_ASSIGN(const auto members, members_of(answer));
  if (session.wants_field() || session.format() != Format::kTable) return print_members(session, members, {});
  Table table({"Key", "Value"});
  const auto row = [&](std::string_view shown, std::string_view name) {
    if (SecretBytes text = member_text(members, name); !text.empty()) table.row(shown, std::move(text));
  };
  row("Nonce", "nonce");
  row("Started", "started");
  if (member_is_true(members, "started")) {
    const bool verifies = !members.find("required");
    table.row(verifies ? "Verification Progress" : "Rekey Progress", with_progress(members, verifies ? "t" : "required"));
    row("New Shares", "n");
    row("New Threshold", "t");
    row("Verification Required", "verification_required");
    row("Verification Nonce", "verification_nonce");
  }
  session.print_table(table);
  return kExitDone;
}

Result<int> print_new_keys(Session& session, const json::Value& members) {
  if (session.wants_field() || session.format() != Format::kTable) return print_members(session, members, {});
  const auto keys = members.find("keys_base64");
  for (std::size_t i = 0; keys && i < keys->size(); ++i) {
    session.out().print("Key " + std::to_string(i + 1) + ": ");
    session.out().line(plain_text(keys->at(i)).reveal());
  }
  session.out().print("\nOperation nonce: ");
  session.out().line(member_text(members, "nonce").reveal());
  if (member_is_true(members, "verification_required")) {
    session.out().print("\nThe new keys count once they are verified: give them with\n`keyhold operator rekey -verify -nonce=");
    session.out().print(member_text(members, "verification_nonce").reveal());
    session.out().line("`. Until then the old ones do.");
  } else {
    session.out().line("\nThese keys are shown this once and stored nowhere; those from before are worth nothing any more.");
  }
  return kExitDone;
}

Result<int> rekey_init(Session& session, const std::string& base) {
  const auto count = [&session](std::string_view name, std::int64_t otherwise) -> Result<std::int64_t> {
    if (!session.arguments().has(name)) return otherwise;
    const auto number = parse_integer(session.flag(name));
    if (!number || *number < 1) return usage_error("-" + std::string(name) + " is a number from 1 on");
    return *number;
  };
  TRY_ASSIGN(const auto shares, count("key-shares", 5));
  TRY_ASSIGN(const auto threshold, count("key-threshold", std::min<std::int64_t>(3, shares)));
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("secret_shares").number(shares).key("secret_threshold").number(threshold);
  writer.key("require_verification").boolean(session.arguments().on("verify")).end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = base + "init", .body = &body}));
  return print_rekey(session, answer);
}

Result<int> rekey(Session& session) {
  const Arguments& arguments = session.arguments();
  TRY_ASSIGN(const std::string base, rekey_base(session));
  if (arguments.on("init")) return rekey_init(session, base);
  const bool verify = arguments.on("verify");
  const std::string attempt = base + (verify ? "verify" : "init");
  if (arguments.on("cancel")) return cancel(session, attempt, verify ? "rekey verification" : "rekeying");
  if (arguments.on("status")) {
    TRY_ASSIGN(const auto answer, session.call({.path = attempt}));
    return print_rekey(session, answer);
  }
  TRY_ASSIGN(const auto answer, give_share(session, attempt, base + (verify ? "verify" : "update")));
  TRY_ASSIGN(const auto members, members_of(answer));
  if (!member_is_true(members, "complete")) return print_rekey(session, answer);
  if (verify) return session.success("Rekey verification successful. The new keys count from now on.");
  return print_new_keys(session, members);
}

// generate-root

const std::string kRootPath = "sys/generate-root/";

/// How a root token's making shows.
constexpr std::array kRootRows{Row{"Nonce", "nonce"}, Row{"Started", "started"}, Row{"Progress", "progress"}, Row{"Complete", "complete"},
                               Row{"OTP", "otp"}, Row{"OTP Length", "otp_length"}, Row{"Encoded Token", "encoded_token"}};

Result<int> print_root(Session& session, const ApiAnswer& answer) {
  TRY_ASSIGN(const auto members, members_of(answer));
  if (session.wants_field() || session.format() != Format::kTable) return print_members(session, members, {});
  Table table({"Key", "Value"});
  for (const Row& row : kRootRows) {
    SecretBytes text = row.member == "progress" ? with_progress(members, "required") : member_text(members, row.member);
    if (!text.empty()) table.row(row.shown, std::move(text));
  }
  session.print_table(table);
  return kExitDone;
}

/// The token out of its encoded form and the pad, without asking the server.
Result<int> decode(Session& session) {
  TRY_ASSIGN(const SecretBytes pad, session.secret_argument(session.flag("otp"), "OTP (will be hidden): "));
  std::string encoded(session.flag("decode"));
  while (encoded.size() % 4 != 0) encoded.push_back('=');
  auto token = base64_decode_secret(encoded);
  if (!token.ok() || token->size() != pad.size()) return usage_error("-decode takes the encoded token, with the OTP that the attempt began with");
  const auto bytes = token->writable();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(bytes[i] ^ pad.reveal()[i]);
  if (session.format() != Format::kTable) {
    SecretBytes json;
    json::Writer(json).begin_object().key("token").string(token->reveal()).end_object();
    return session.print_json(json);
  }
  session.out().line(token->reveal());
  return kExitDone;
}

Result<int> generate_otp(Session& session) {
  TRY_ASSIGN(const auto answer, session.look({.path = kRootPath + "attempt"}));
  TRY_ASSIGN(const auto members, members_of(answer));
  const auto length = members.find("otp_length");
  const auto size = length ? length->as_int() : Result<std::int64_t>(Error{});
  if (!size.ok() || *size < 1 || *size > 1024) return Error{Code::kInternal, "the server does not say how long an OTP is", client::kRemote};
  crypto::OsRng rng;
  session.out().value(rng.base62(static_cast<std::size_t>(*size)).reveal());
  return kExitDone;
}

Result<int> generate_root(Session& session) {
  const Arguments& arguments = session.arguments();
  if (arguments.has("decode")) return decode(session);
  if (arguments.on("generate-otp")) return generate_otp(session);
  if (arguments.on("cancel")) return cancel(session, kRootPath + "attempt", "root token generation");
  if (arguments.on("status")) {
    client::Query query;
    if (!session.flag("nonce").empty()) query.emplace_back("nonce", session.flag("nonce"));
    TRY_ASSIGN(const auto answer, session.call({.path = kRootPath + "attempt", .query = query}));
    return print_root(session, answer);
  }
  if (arguments.on("init")) {
    SecretBytes body;
    json::Writer writer(body);
    writer.begin_object();
    if (arguments.has("otp")) {
      TRY_ASSIGN(const SecretBytes pad, session.secret_argument(session.flag("otp"), "OTP (will be hidden): "));
      writer.key("otp").string(pad.reveal());
    }
    writer.end_object();
    TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = kRootPath + "attempt", .body = &body}));
    return print_root(session, answer);
  }
  TRY_ASSIGN(const auto answer, give_share(session, kRootPath + "attempt", kRootPath + "update"));
  return print_root(session, answer);
}

constexpr Flag kInit{.name = "init", .help = "Begin", .takes = Takes::kNothing};
constexpr Flag kStatus{.name = "status", .help = "Tell how far it is", .takes = Takes::kNothing};
constexpr Flag kCancel{.name = "cancel", .help = "Give it up", .takes = Takes::kNothing};
constexpr Flag kNonce{.name = "nonce", .value_name = "NONCE", .help = "Of which attempt; the one in hand if not given"};
constexpr std::array kRekeyFlags{
    kInit, kStatus, kCancel, kNonce,
    Flag{.name = "key-shares", .value_name = "NUMBER", .help = "With -init: shares to make; 5 if not given", .alias = "n"},
    Flag{.name = "key-threshold", .value_name = "NUMBER", .help = "With -init: shares that unseal; 3 if not given", .alias = "t"},
    Flag{.name = "verify", .help = "With -init: the new keys must be given once before they count. Else: it is about that", .takes = Takes::kNothing},
    Flag{.name = "target", .value_name = "WHICH", .help = "barrier, or recovery for a server that unseals itself"}};
constexpr std::array kRootFlags{kInit, kStatus, kCancel, kNonce,
                                Flag{.name = "otp", .value_name = "OTP", .help = "The one-time pad, or - to read it or ask for it"},
                                Flag{.name = "generate-otp", .help = "Print a pad for -init -otp=-", .takes = Takes::kNothing},
                                Flag{.name = "decode", .value_name = "TOKEN", .help = "Print the token out of its encoded form, with -otp"}};

constexpr std::array kCommands{
    Command{.name = "operator rekey",
            .group = Group::kOperation,
            .arguments = "[KEY]",
            .help = "Replace the key shares, share by share\n\nBegin with -init; then those who hold shares give them, one call each. The last one is told the new "
                    "shares.",
            .example = "keyhold operator rekey -init -key-shares=3 -key-threshold=2\nkeyhold operator rekey",
            .flags = kRekeyFlags,
            .arguments_max = 1,
            .run = rekey},
    Command{.name = "operator rotate",
            .group = Group::kOperation,
            .help = "Encrypt by a new key from now on; what is there stays readable",
            .example = "keyhold operator rotate",
            .run = rotate},
    Command{.name = "operator key-status",
            .group = Group::kOperation,
            .help = "Tell since when the encryption key is in use",
            .example = "keyhold operator key-status",
            .run = key_status},
    Command{.name = "operator generate-root",
            .group = Group::kOperation,
            .arguments = "[KEY]",
            .help = "Make a root token, share by share\n\nBegin with -init, which tells a one-time pad (OTP); then those who hold shares give them. The token comes "
                    "encoded: -decode and the pad make it out.",
            .example = "keyhold operator generate-root -init\nkeyhold operator generate-root\nkeyhold operator generate-root -decode=TOKEN -otp=-",
            .flags = kRootFlags,
            .arguments_max = 1,
            .run = generate_root},
};

}  // namespace

std::span<const Command> key_commands() { return kCommands; }

}  // namespace keyhold::cli
