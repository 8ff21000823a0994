#include "cli/mount_fields.h"

#include <array>
#include <chrono>
#include <thread>

#include "cli/flag_fields.h"
#include "cli/render.h"

namespace keyhold::cli {
namespace {

using Kind = FlagField::Kind;
using Takes = Flag::Takes;

constexpr int kMovePolls = 600;
constexpr auto kMovePollWait = std::chrono::milliseconds(100);

constexpr std::array kConfigFields{FlagField{"default-lease-ttl", "default_lease_ttl"},
                                   FlagField{"max-lease-ttl", "max_lease_ttl"},
                                   FlagField{"force-no-cache", "force_no_cache", Kind::kTruth},
                                   FlagField{"listing-visibility", "listing_visibility"},
                                   FlagField{"token-type", "token_type"},
                                   FlagField{"audit-non-hmac-request-keys", "audit_non_hmac_request_keys", Kind::kList},
                                   FlagField{"audit-non-hmac-response-keys", "audit_non_hmac_response_keys", Kind::kList},
                                   FlagField{"passthrough-request-headers", "passthrough_request_headers", Kind::kList},
                                   FlagField{"allowed-response-headers", "allowed_response_headers", Kind::kList}};
constexpr std::array kDescription{FlagField{"description", "description"}};
constexpr std::array kSwitches{FlagField{"local", "local", Kind::kTruth}, FlagField{"seal-wrap", "seal_wrap", Kind::kTruth}};

constexpr Flag kDescriptionFlag{.name = "description", .value_name = "TEXT", .help = "For people"};
constexpr Flag kDefaultTtl{.name = "default-lease-ttl", .value_name = "DURATION", .help = "Life time of leases and tokens"};
constexpr Flag kMaxTtl{.name = "max-lease-ttl", .value_name = "DURATION", .help = "The longest one"};
constexpr Flag kNoCache{.name = "force-no-cache", .help = "Do not cache what it holds", .takes = Takes::kNothing};
constexpr Flag kVisibility{.name = "listing-visibility", .value_name = "WHO", .help = "unauth: strangers may know that it is there; else hidden"};
constexpr Flag kTokenType{.name = "token-type", .value_name = "TYPE", .help = "Of the tokens that an auth method gives out"};
constexpr Flag kAuditRequest{.name = "audit-non-hmac-request-keys", .value_name = "LIST", .help = "Fields that stand clear in the journal", .takes = Takes::kValues};
constexpr Flag kAuditResponse{.name = "audit-non-hmac-response-keys", .value_name = "LIST", .help = "The same of answers", .takes = Takes::kValues};
constexpr Flag kPassHeaders{.name = "passthrough-request-headers", .value_name = "LIST", .help = "Headers that it may see", .takes = Takes::kValues};
constexpr Flag kAllowHeaders{.name = "allowed-response-headers", .value_name = "LIST", .help = "Headers that it may send", .takes = Takes::kValues};
constexpr Flag kOptions{.name = "options", .value_name = "KEY=VALUE", .help = "An option of its own; may be repeated", .takes = Takes::kValues};
constexpr Flag kVersion{.name = "version", .value_name = "NUMBER", .help = "Of a KV engine: 2 keeps versions"};

constexpr std::array kEnableFlags{
    Flag{.name = "path", .value_name = "PATH", .help = "Where; its type if not given"}, kDescriptionFlag, kVersion, kOptions, kDefaultTtl, kMaxTtl,
    kNoCache, kVisibility, kTokenType, kAuditRequest, kAuditResponse, kPassHeaders, kAllowHeaders,
    Flag{.name = "local", .help = "Of this cluster alone", .takes = Takes::kNothing},
    Flag{.name = "seal-wrap", .help = "Accepted for Vault's sake: the barrier encrypts everything", .takes = Takes::kNothing}};
constexpr std::array kTuneFlags{kDescriptionFlag, kVersion, kOptions, kDefaultTtl, kMaxTtl, kNoCache, kVisibility, kTokenType, kAuditRequest, kAuditResponse,
                                kPassHeaders, kAllowHeaders};

Result<void> append_options(json::Writer& writer, const Arguments& arguments, std::string_view version) {
  if (version.empty() && !arguments.has("options")) return {};
  writer.key("options").begin_object();
  if (!version.empty()) writer.key("version").string(version);
  TRY(append_pairs(writer, arguments, "options"));
  writer.end_object();
  return {};
}

std::string ttl_text(const json::Value& config, std::string_view name) {
  const auto value = config.find(name);
  const auto seconds = value ? value->as_int() : Result<std::int64_t>(Error{});
  if (!seconds.ok()) return {};
  return *seconds == 0 ? "system" : human_duration(*seconds);
}

void print_detailed(Session& session, const json::Value& mounts) {
  Table table({"Path", "Type", "Accessor", "Default TTL", "Max TTL", "Options", "Description", "UUID"});
  for (const auto& [path, mount] : sorted_members(mounts)) {
    const auto config = mount.find("config");
    std::vector<SecretBytes> cells;
    cells.push_back(SecretBytes::copy_of(path));
    cells.push_back(member_text(mount, "type"));
    cells.push_back(member_text(mount, "accessor"));
    cells.push_back(SecretBytes::copy_of(config ? ttl_text(*config, "default_lease_ttl") : ""));
    cells.push_back(SecretBytes::copy_of(config ? ttl_text(*config, "max_lease_ttl") : ""));
    const auto options = mount.find("options");
    cells.push_back(options && !options->is_null() ? table_text(*options) : SecretBytes::copy_of("map[]"));
    cells.push_back(member_text(mount, "description"));
    cells.push_back(member_text(mount, "uuid"));
    table.row(std::move(cells));
  }
  session.print_table(table);
}

}  // namespace

std::span<const Flag> enable_flags() { return kEnableFlags; }
std::span<const Flag> tune_flags() { return kTuneFlags; }

Result<SecretBytes> enable_body(const Session& session, std::string_view type) {
  const Arguments& arguments = session.arguments();
  std::string_view version = arguments.value("version");
  if (type == "kv-v1" || type == "kv-v2") {
    version = type.substr(4);
    type = "kv";
  }
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("type").string(type);
  TRY(append_fields(writer, arguments, kDescription));
  TRY(append_fields(writer, arguments, kSwitches));
  TRY(append_options(writer, arguments, version));
  writer.key("config").begin_object();
  TRY(append_fields(writer, arguments, kConfigFields));
  writer.end_object().end_object();
  return body;
}

Result<SecretBytes> tune_body(const Session& session) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  TRY(append_fields(writer, session.arguments(), kDescription));
  TRY(append_fields(writer, session.arguments(), kConfigFields));
  TRY(append_options(writer, session.arguments(), session.flag("version")));
  writer.end_object();
  return body;
}

Result<int> print_mounts(Session& session, const client::ApiAnswer& answer) {
  const auto mounts = answer.data();
  if (!mounts || session.format() == Format::kRaw) return session.print_answer(answer);
  if (session.wants_field()) return session.print_field(*mounts);
  if (session.format() != Format::kTable) return session.print_sorted(*mounts);
  if (session.arguments().on("detailed")) {
    print_detailed(session, *mounts);
    return kExitDone;
  }
  Table table({"Path", "Type", "Accessor", "Description"});
  for (const auto& [path, mount] : sorted_members(*mounts)) {
    std::vector<SecretBytes> cells;
    cells.push_back(SecretBytes::copy_of(path));
    for (const std::string_view name : {"type", "accessor", "description"}) cells.push_back(member_text(mount, name));
    table.row(std::move(cells));
  }
  session.print_table(table);
  return kExitDone;
}

Result<int> move_mount(Session& session, std::string_view from, std::string_view to, std::string_view what) {
  SecretBytes body;
  json::Writer(body).begin_object().key("from").string(from).key("to").string(to).end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "POST", .path = "sys/remount", .body = &body}));
  const auto data = answer.data();
  const std::string id(data ? member_text(*data, "migration_id").reveal() : std::string_view());
  const std::string names = std::string(what) + " " + std::string(from) + " to " + std::string(to);
  for (int poll = 0; !id.empty() && poll < kMovePolls; ++poll) {
    TRY_ASSIGN(const auto asked, session.look({.path = "sys/remount/status/" + id}));
    const auto info = asked.data() ? asked.data()->find("migration_info") : std::nullopt;
    const SecretBytes status = info ? member_text(*info, "status") : SecretBytes();
    if (status.reveal() == "success") return session.success("Finished moving " + names + ", with migration ID " + id);
    if (status.reveal() == "failure") return Error{Code::kInternal, "Failure moving " + names + ", with migration ID " + id, client::kRemote};
    std::this_thread::sleep_for(kMovePollWait);
  }
  return session.success("Started moving " + names + (id.empty() ? "" : ", with migration ID " + id));
}

}  // namespace keyhold::cli
