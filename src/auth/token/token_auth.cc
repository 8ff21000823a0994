#include "auth/token/token_auth.h"

#include <algorithm>

#include "base/time_format.h"
#include "core/policy/policy.h"

namespace keyhold::auth {
namespace {

using core::Call;
using core::Reply;
using core::TokenStore;

constexpr std::string_view kRootPolicy = "root";
constexpr std::string_view kDefaultPolicy = "default";

void append_metadata(json::Writer& writer, const core::records::Token& token) {
  if (token.metadata().empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [name, value] : token.metadata()) writer.key(name).string(value);
  writer.end_object();
}

/// The policies a new token gets: normalised before anything is decided about their names (CVE-2025-5999, -64761).
Result<std::vector<std::string>> new_policies(const Call& call, bool sudo) {
  const auto& own = call.principal().token->policies();
  std::vector<std::string> policies;
  for (std::string& name : call.fields().policy_names("policies")) {
    if (std::find(policies.begin(), policies.end(), name) == policies.end()) policies.push_back(std::move(name));
  }
  if (policies.empty()) policies.assign(own.begin(), own.end());
  const auto has = [](const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  if (has(policies, kRootPolicy) && !call.principal().root()) {
    return Error{Code::kInvalid, "root tokens may not be created without parent token being root"};
  }
  if (!sudo) {
    for (const std::string& name : policies) {
      if (name != kDefaultPolicy && !has(own, name)) {
        return Error{Code::kInvalid, "child policies must be subset of parent"};
      }
    }
  }
  if (!has(policies, kRootPolicy) && !has(policies, kDefaultPolicy) && !call.fields().boolean("no_default_policy")) {
    policies.emplace_back(kDefaultPolicy);
  }
  std::sort(policies.begin(), policies.end());
  return policies;
}

}  // namespace

Result<Reply> TokenAuth::create(Call& call) {
  const auto& parent = *call.principal().token;
  const bool sudo = call.principal().root() || call.principal().policies.allows(call.path(), core::Capability::kSudo);
  core::TokenSpec spec;
  spec.namespace_id = call.namespace_id();
  TRY_ASSIGN(spec.policies, new_policies(call, sudo));
  spec.path = call.path();
  spec.chosen = call.fields().secret("id");
  if (!spec.chosen.empty() && !call.principal().root()) {
    return Error{Code::kInvalid, "root or sudo privileges required to specify token id"};
  }
  const std::string display_name = call.fields().text("display_name");
  spec.display_name = display_name.empty() ? "token" : "token-" + display_name;
  spec.metadata = call.fields().string_map("meta");
  spec.explicit_max_ttl_s = call.fields().duration_s("explicit_max_ttl");
  spec.renewable = call.fields().boolean("renewable", true);
  if (call.fields().boolean("no_parent")) {
    if (!sudo) return Error{Code::kInvalid, "root or sudo privileges required to create orphan token"};
  } else {
    spec.ancestors.push_back(parent.liveness());
    spec.ancestors.insert(spec.ancestors.end(), parent.ancestors().begin(), parent.ancestors().end());
  }
  const bool root = std::find(spec.policies.begin(), spec.policies.end(), kRootPolicy) != spec.policies.end();
  spec.ttl_s = call.fields().duration_s("ttl");
  if (spec.ttl_s < 0 || spec.explicit_max_ttl_s < 0) return Error{Code::kInvalid, "ttl must be positive"};
  if (spec.ttl_s == 0 && !root) spec.ttl_s = TokenStore::kDefaultTtlS;
  if (spec.ttl_s == 0) spec.ttl_s = spec.explicit_max_ttl_s;
  if (spec.ttl_s == 0 && root && parent.expires_ms() != 0) {
    return Error{Code::kInvalid, "expiring root tokens cannot create non-expiring root tokens"};
  }
  spec.ttl_s = std::min(spec.ttl_s, TokenStore::kMaxTtlS);
  if (spec.explicit_max_ttl_s != 0) spec.ttl_s = std::min(spec.ttl_s, spec.explicit_max_ttl_s);
  if (spec.ttl_s == 0) spec.renewable = false;

  TRY_ASSIGN(const core::NewToken made, call.session().tokens.create(call.tx(), std::move(spec), call.now(), call.rng()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("client_token").string(made.token.reveal());
  writer.key("accessor").string(made.accessor);
  writer.key("policies").strings(made.record.policies());
  writer.key("token_policies").strings(made.record.policies());
  append_metadata(writer.key("metadata"), made.record);
  writer.key("lease_duration").number(made.record.creation_ttl_s());
  writer.key("renewable").boolean(made.record.renewable());
  writer.key("entity_id").string("");
  writer.key("token_type").string("service");
  writer.key("orphan").boolean(made.record.orphan());
  writer.key("mfa_requirement").null();
  writer.key("num_uses").number(0);
  writer.end_object();
  reply.audit_members = "\"accessor\":\"" + made.accessor + "\"";
  return reply;
}

Result<Reply> TokenAuth::lookup_self(Call& call) {
  const auto& token = *call.principal().token;
  const std::int64_t left_ms = token.expires_ms() == 0 ? 0 : token.expires_ms() - call.now();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("accessor").string(token.accessor());
  writer.key("creation_time").number(token.created_ms() / 1000);
  writer.key("creation_ttl").number(token.creation_ttl_s());
  writer.key("display_name").string(token.display_name());
  writer.key("entity_id").string("");
  writer.key("expire_time");
  if (token.expires_ms() == 0) {
    writer.null();
  } else {
    writer.string(format_rfc3339(token.expires_ms()));
  }
  writer.key("explicit_max_ttl").number(token.explicit_max_ttl_s());
  writer.key("id").string(call.request().credential.token.reveal());
  if (token.expires_ms() != 0) writer.key("issue_time").string(format_rfc3339(token.created_ms()));
  append_metadata(writer.key("meta"), token);
  writer.key("num_uses").number(0);
  writer.key("orphan").boolean(token.orphan());
  writer.key("path").string(token.path());
  writer.key("policies").strings(token.policies());
  writer.key("renewable").boolean(token.renewable());
  writer.key("ttl").number(left_ms / 1000);
  writer.key("type").string("service");
  writer.end_object();
  return reply;
}

Result<Reply> TokenAuth::revoke_self(Call& call) {
  TRY(call.session().tokens.revoke(call.tx(), call.namespace_id(), call.principal().token_id));
  return Reply::none();
}

}  // namespace keyhold::auth
