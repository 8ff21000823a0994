#include "base/encoding.h"
#include "base/time_format.h"
#include "base/version.h"
#include "engine/sys/shares.h"
#include "engine/sys/sys_engine.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;

constexpr std::int64_t kDefaultShares = 5;  // Vault's.
constexpr std::int64_t kDefaultThreshold = 3;

}  // namespace

namespace shares {

Result<SecretBytes> decode(const SecretBytes& text) {
  if (auto hex = hex_decode_secret(text.reveal()); hex.ok()) return hex;
  if (auto base64 = base64_decode_secret(text.reveal()); base64.ok()) return base64;
  return Error{Code::kInvalid, "'key' must be a valid hex or base64 string"};
}

Result<SecretBytes> given(const Call& call) {
  const SecretBytes text = call.fields().secret("key");
  if (text.empty() || call.fields().text("nonce").empty()) {
    return Error{Code::kInvalid, "'key' and 'nonce' must be specified in request body as JSON"};
  }
  return decode(text);
}

void append(json::Writer& writer, std::span<const SecretBytes> shares, Kind kind) {
  SecretBytes text;
  writer.key(kind == Kind::kRecovery ? "recovery_keys" : "keys").begin_array();
  for (const SecretBytes& share : shares) {
    text.clear();
    append_hex(text, share.reveal());
    writer.string(text.reveal());
  }
  writer.end_array().key(kind == Kind::kRecovery ? "recovery_keys_base64" : "keys_base64").begin_array();
  for (const SecretBytes& share : shares) {
    text.clear();
    append_base64(text, share.reveal());
    writer.string(text.reveal());
  }
  writer.end_array();
}

}  // namespace shares

void SysEngine::append_cluster(json::Writer& writer) const {
  const std::string id = format_uuid(node_.barrier().store_id());
  writer.key("cluster_name");
  writer.string(facts_.cluster_name.empty() ? "keyhold-cluster-" + id.substr(0, 8) : facts_.cluster_name);
  writer.key("cluster_id").string(id);
}

Reply SysEngine::status_reply(const core::SealStatus& status) const {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("type").string(status.type);
  writer.key("initialized").boolean(status.initialized);
  writer.key("sealed").boolean(status.sealed);
  writer.key("t").number(status.threshold);
  writer.key("n").number(status.shares);
  writer.key("progress").number(status.progress);
  writer.key("nonce").string(status.nonce);
  writer.key("version").string(kVaultApiVersion);
  writer.key("build_date").string("");
  writer.key("migration").boolean(status.migration);
  if (!status.sealed) append_cluster(writer);
  writer.key("recovery_seal").boolean(status.recovery_seal);
  writer.key("storage_type").string(facts_.storage_type);
  writer.end_object();
  return reply;
}

Result<Reply> SysEngine::read_init(Call&) {
  Reply reply;
  json::Writer(reply.data).begin_object().key("initialized").boolean(node_.seal_status().initialized).end_object();
  return reply;
}

Result<Reply> SysEngine::init(Call& call) {
  // Ignoring these would show in clear what the caller wants encrypted.
  if (!call.fields().string_list("pgp_keys").empty() || !call.fields().string_list("recovery_pgp_keys").empty() || !call.fields().text("root_token_pgp_key").empty()) {
    return Error{Code::kInvalid, "shares and root token are not encrypted: leave out pgp_keys, recovery_pgp_keys and root_token_pgp_key"};
  }
  if (call.request().wrap_ttl_s) return Error{Code::kInvalid, "there is nothing yet to wrap the shares with: leave out X-Vault-Wrap-TTL"};
  const bool recovery = node_.seal_status().recovery_seal;
  const std::string_view of_shares = recovery ? "recovery_shares" : "secret_shares";
  const std::string_view of_threshold = recovery ? "recovery_threshold" : "secret_threshold";
  for (const std::string_view other : {recovery ? "secret_shares" : "recovery_shares", recovery ? "secret_threshold" : "recovery_threshold"}) {
    if (call.fields().integer(other) == 0) continue;
    return Error{Code::kInvalid, std::string(other) + (recovery ? " has no meaning: this server unseals itself and has recovery keys"
                                                                : " has no meaning: this server is unsealed by its key shares")};
  }
  const std::int64_t count = call.fields().integer(of_shares, kDefaultShares);
  const std::int64_t threshold = call.fields().integer(of_threshold, kDefaultThreshold);
  if (count < 1 || count > 255 || threshold < 1 || threshold > count) {
    return Error{Code::kInvalid, std::string(of_shares) + " must be 1 to 255 and " + std::string(of_threshold) + " 1 to that"};
  }
  TRY_ASSIGN(const auto made, node_.initialize(static_cast<int>(count), static_cast<int>(threshold)));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  if (recovery) {
    shares::append(writer, {});
    shares::append(writer, made.shares, shares::Kind::kRecovery);
    // The keys are there whatever comes of this; it is tried again at start, and by sys/unseal.
    static_cast<void>(node_.auto_unseal());
  } else {
    shares::append(writer, made.shares);
  }
  writer.key("root_token").string(made.root_token.reveal()).end_object();
  return reply;
}

Result<Reply> SysEngine::unseal(Call& call) {
  if (call.fields().boolean("reset")) {
    node_.reset_unseal();
    return status_reply(node_.seal_status());
  }
  const core::SealStatus before = node_.seal_status();
  if (before.recovery_seal && !before.migration) {
    TRY_ASSIGN(const core::SealStatus status, node_.auto_unseal());
    return status_reply(status);
  }
  const SecretBytes text = call.fields().secret("key");
  if (text.empty()) return Error{Code::kInvalid, "'key' must be specified in request body as JSON, or 'reset' set to true"};
  using enum core::SealManager::Migration;
  const auto migration = call.fields().boolean("migrate") ? kMigrate : kNone;
  TRY_ASSIGN(const SecretBytes share, shares::decode(text));
  TRY_ASSIGN(const core::SealStatus status, node_.unseal(share, migration));
  return status_reply(status);
}

Result<Reply> SysEngine::seal(Call&) {
  node_.seal();
  return Reply::none();
}

Result<Reply> SysEngine::seal_status(Call&) { return status_reply(node_.seal_status()); }

Result<Reply> SysEngine::health(Call& call) {
  Reply reply;
  reply.state = node_.state();
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("initialized").boolean(reply.state != core::NodeState::kUninitialized);
  writer.key("sealed").boolean(reply.state != core::NodeState::kActive);
  writer.key("standby").boolean(false);
  writer.key("performance_standby").boolean(false);
  writer.key("replication_performance_mode").string("disabled");
  writer.key("replication_dr_mode").string("disabled");
  writer.key("server_time_utc").number(call.now() / 1000);
  writer.key("version").string(kVaultApiVersion);
  if (reply.state == core::NodeState::kActive) append_cluster(writer);
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
