#include <algorithm>

#include "auth/token/new_policies.h"
#include "auth/token/token_answer.h"
#include "auth/token/token_auth.h"
#include "auth/token/token_role.h"
#include "core/policy/policy_name.h"

namespace keyhold::auth {
namespace {

using core::Call;
using core::Reply;
using core::TokenSpec;
using core::records::Token;
using core::records::TokenRole;

/// As Vault has them: letters, digits and '-'; every other character becomes one '-'.
std::string display_name(std::string_view given) {
  if (given.empty()) return "token";
  std::string name = "token-";
  for (const char byte : given) {
    const auto unsigned_byte = static_cast<unsigned char>(byte);
    const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-';
    const bool continues = unsigned_byte >= 0x80 && unsigned_byte < 0xc0;  // The rest of a character in UTF-8.
    if (plain) {
      name.push_back(byte);
    } else if (!continues) {
      name.push_back('-');
    }
  }
  if (name.ends_with('-')) name.pop_back();
  return name;
}

/// The lesser of two bounds of which 0 means none.
std::int64_t lesser(std::int64_t a, std::int64_t b) { return a == 0 || (b != 0 && b < a) ? b : a; }

Result<Token::Type> token_type(const Call& call, const TokenRole* role) {
  std::string type = call.fields().text("type");
  if (role != nullptr) {
    const std::string& wanted = role->token_type();
    if (wanted == "service" || wanted == "batch") type = wanted;
    if (wanted == "default-batch" && type.empty()) type = "batch";
  }
  if (type.empty() || type == "service") return Token::SERVICE;
  if (type == "batch") return Token::BATCH;
  return Error{Code::kInvalid, "invalid 'token_type' value"};
}

Result<void> check_batch(const Call& call) {
  const auto cannot = [](std::string_view what) {
    return Error{Code::kInvalid, "batch tokens cannot have \"" + std::string(what) + "\" set"};
  };
  if (call.fields().duration_s("explicit_max_ttl") != 0) return cannot("explicit_max_ttl");
  if (call.fields().integer("num_uses") != 0) return cannot("num_uses");
  if (call.fields().duration_s("period") != 0) return cannot("period");
  return {};
}

Result<void> check_caller(const Call& call) {
  const Token& parent = *call.principal().token;
  if (parent.type() == Token::BATCH) return Error{Code::kInvalid, "batch tokens cannot create more tokens"};
  // Else it would escape its limit.
  if (parent.num_uses() > 0) return Error{Code::kInvalid, "restricted use token cannot generate child tokens"};
  return {};
}

Result<void> check_entity_alias(const Call& call, const TokenRole* role) {
  if (call.fields().text("entity_alias").empty()) return {};
  if (role == nullptr) return Error{Code::kInvalid, "'entity_alias' is only allowed in combination with token role"};
  return Error{Code::kInvalid, "'entity_alias' is not offered yet: there are no entities"};
}

void set_parent(TokenSpec& spec, const core::Principal& caller) {
  const Token& parent = *caller.token;
  spec.parent = caller.token_id;
  spec.ancestors.push_back(parent.liveness());
  spec.ancestors.insert(spec.ancestors.end(), parent.ancestors().begin(), parent.ancestors().end());
}

/// Whether it has a parent, and from where it may be used.
Result<void> set_place(TokenSpec& spec, const Call& call, const TokenRole* role, bool orphan, bool sudo) {
  const Token& parent = *call.principal().token;
  if (role != nullptr) {
    orphan = role->orphan();
    spec.bound_cidrs.assign(role->bound_cidrs().begin(), role->bound_cidrs().end());
  } else if (call.fields().boolean("no_parent")) {
    if (!sudo) return Error{Code::kInvalid, "root or sudo privileges required to create orphan token"};
    orphan = true;
  }
  if (orphan) return {};
  set_parent(spec, call.principal());
  if (role == nullptr) spec.bound_cidrs.assign(parent.bound_cidrs().begin(), parent.bound_cidrs().end());
  return {};
}

Result<void> set_uses(TokenSpec& spec, const Call& call, const TokenRole* role) {
  spec.num_uses = call.fields().integer("num_uses");
  if (spec.num_uses < 0) return Error{Code::kInvalid, "number of uses cannot be negative"};
  // A batch token has nowhere to count.
  if (role != nullptr && spec.type == Token::SERVICE) spec.num_uses = lesser(spec.num_uses, role->num_uses());
  return {};
}

/// Its times, with a warning for each that was made shorter.
Result<void> set_times(TokenSpec& spec, const Call& call, const TokenRole* role, bool sudo, std::vector<std::string>& warnings) {
  const core::FieldValues& fields = call.fields();
  spec.explicit_max_ttl_s = fields.duration_s("explicit_max_ttl");
  spec.period_s = fields.duration_s("period");
  if (spec.period_s > 0 && !sudo) return Error{Code::kInvalid, "root or sudo privileges required to create periodic token"};
  const std::int64_t asked_s = fields.has("ttl") ? fields.duration_s("ttl") : fields.duration_s("lease");
  if (role != nullptr && spec.type == Token::SERVICE) {
    const auto merge = [&warnings](std::int64_t& asked, std::int64_t of_role, std::string_view what) {
      const bool both = asked != 0 && of_role != 0;
      asked = lesser(asked, of_role);
      if (!both) return;
      warnings.push_back(std::string(what) + " specified both during creation call and in role; using the lesser value of " +
                         std::to_string(asked) + " seconds");
    };
    merge(spec.explicit_max_ttl_s, role->explicit_max_ttl_s(), "Explicit max TTL");
    merge(spec.period_s, role->period_s(), "Period");
  }
  const bool root = spec.policies.size() == 1 && spec.policies.front() == core::kRootPolicyName;
  if (spec.period_s > 0 || asked_s > 0 || !root) {
    const core::TtlWish wish{asked_s, spec.period_s, spec.explicit_max_ttl_s, call.now()};
    TRY_ASSIGN(core::GrantedTtl granted, core::grant_ttl(wish, core::ttl_bounds(call.mount().record), call.now()));
    spec.ttl_s = granted.left_s(call.now());
    std::move(granted.warnings.begin(), granted.warnings.end(), std::back_inserter(warnings));
  } else {
    spec.ttl_s = spec.explicit_max_ttl_s;
  }
  if (spec.ttl_s != 0) return {};
  if (call.principal().token->creation_ttl_s() != 0) {
    return Error{Code::kInvalid, "expiring root tokens cannot create non-expiring root tokens"};
  }
  spec.renewable = false;
  spec.bound_cidrs.clear();
  return {};
}

void warn_of_unknown(const Call& call, const TokenSpec& spec, std::vector<std::string>& warnings) {
  for (const std::string& name : spec.policies) {
    if (name == core::kRootPolicyName || call.config().policy(call.namespace_id(), name) != nullptr) continue;
    if (!call.config().policy_unusable(call.namespace_id(), name)) warnings.push_back("Policy \"" + name + "\" does not exist");
  }
}

Result<Reply> make(Call& call, const TokenRole* role, bool orphan) {
  TRY(check_caller(call));
  TRY(check_entity_alias(call, role));
  const bool sudo = call.principal().policies.allows(call.path(), core::Capability::kSudo);
  Reply reply;
  TokenSpec spec;
  spec.namespace_id = call.namespace_id();
  TRY_ASSIGN(spec.type, token_type(call, role));
  if (spec.type == Token::BATCH) TRY(check_batch(call));
  spec.path = call.path();
  if (role != nullptr) {
    spec.role = role->name();
    if (!role->path_suffix().empty()) spec.path += "/" + role->path_suffix();
  }
  spec.mount_id = call.mount_id();
  spec.lease_path = spec.path.substr(call.mount().record.path().size());
  spec.display_name = display_name(call.fields().text("display_name"));
  spec.metadata = call.fields().string_map("meta");
  spec.renewable = spec.type == Token::SERVICE && call.fields().boolean("renewable", true) && (role == nullptr || role->renewable());
  spec.chosen = call.fields().secret("id");
  if (!spec.chosen.empty() && !sudo) return Error{Code::kInvalid, "root or sudo privileges required to specify token id"};
  TRY_ASSIGN(spec.policies, new_policies(call, role, sudo));
  if (spec.type == Token::BATCH && spec.policies == std::vector<std::string>{std::string(core::kRootPolicyName)}) {
    return Error{Code::kInvalid, "batch tokens cannot be root tokens"};
  }
  TRY(set_uses(spec, call, role));
  TRY(set_place(spec, call, role, orphan, sudo));
  TRY(set_times(spec, call, role, sudo, reply.warnings));
  warn_of_unknown(call, spec, reply.warnings);

  TRY_ASSIGN(const core::NewToken made, call.session().tokens.create(call.tx(), std::move(spec), call.rng()));
  json::Writer writer(reply.data);
  append_auth(writer, {made.record, made.token.reveal(), made.record.creation_ttl_s(), made.record.num_uses()});
  reply.audit_members = "\"accessor\":\"" + made.accessor + "\"";
  return reply;
}

}  // namespace

Result<Reply> TokenAuth::create(Call& call) { return make(call, nullptr, false); }

Result<Reply> TokenAuth::create_orphan(Call& call) { return make(call, nullptr, true); }

Result<Reply> TokenAuth::create_with_role(Call& call) {
  TRY_ASSIGN(const auto role, find_role(call, call.fields().text("role_name")));
  if (role == nullptr) return Error{Code::kInvalid, "unknown role"};
  return make(call, role.get(), false);
}

}  // namespace keyhold::auth
