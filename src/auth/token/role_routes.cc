#include <algorithm>

#include "auth/token/new_policies.h"
#include "auth/token/token_auth.h"
#include "auth/token/token_role.h"
#include "core/keys.h"
#include "core/policy/cidr.h"
#include "core/stored_names.h"

namespace keyhold::auth {
namespace {

using core::Call;
using core::FieldValues;
using core::Reply;
using core::records::TokenRole;

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kListMax = 256;  // Entries of one list, so that a role fits its record with room to spare.

bool is_word(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/// Letters, digits, '_', and '-' or '.' inside.
bool is_name(std::string_view name) {
  if (name.empty() || !is_word(name.front()) || !is_word(name.back())) return false;
  return std::all_of(name.begin(), name.end(), [](char byte) { return is_word(byte) || byte == '-' || byte == '.'; });
}

std::string role_key(const Call& call, std::string_view name) { return core::keys::token_role(call.namespace_id(), name); }

/// Lower case, each once: patterns are not names, so they are not checked as such.
std::vector<std::string> patterns(const std::vector<std::string>& given) {
  std::vector<std::string> normal;
  for (std::string pattern : given) {
    std::transform(pattern.begin(), pattern.end(), pattern.begin(),
                   [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte; });
    if (std::find(normal.begin(), normal.end(), pattern) == normal.end()) normal.push_back(std::move(pattern));
  }
  std::sort(normal.begin(), normal.end());
  return normal;
}

Result<void> replace(google::protobuf::RepeatedPtrField<std::string>& list, std::vector<std::string> with) {
  if (with.size() > kListMax) return Error{Code::kInvalid, "a list of the role is too long"};
  list.Assign(with.begin(), with.end());
  return {};
}

Result<void> set_policies(TokenRole& role, const FieldValues& fields) {
  if (fields.has("allowed_policies")) {
    TRY(replace(*role.mutable_allowed_policies(), in_order(fields.policy_names("allowed_policies"))));
  }
  if (fields.has("disallowed_policies")) {
    TRY(replace(*role.mutable_disallowed_policies(), in_order(fields.policy_names("disallowed_policies"))));
  }
  if (fields.has("allowed_policies_glob")) {
    TRY(replace(*role.mutable_allowed_policies_glob(), patterns(fields.string_list("allowed_policies_glob"))));
  }
  if (fields.has("disallowed_policies_glob")) {
    TRY(replace(*role.mutable_disallowed_policies_glob(), patterns(fields.string_list("disallowed_policies_glob"))));
  }
  if (fields.has("allowed_entity_aliases")) {
    TRY(replace(*role.mutable_allowed_entity_aliases(), patterns(fields.string_list("allowed_entity_aliases"))));
  }
  return {};
}

Result<void> set_kind(TokenRole& role, const FieldValues& fields) {
  if (fields.has("orphan")) role.set_orphan(fields.boolean("orphan"));
  if (fields.has("renewable")) role.set_renewable(fields.boolean("renewable"));
  if (fields.has("token_no_default_policy")) role.set_no_default_policy(fields.boolean("token_no_default_policy"));
  if (fields.has("path_suffix")) {
    std::string suffix = fields.text("path_suffix");
    if (!suffix.empty() && (suffix.size() > kNameBytesMax || !is_name(suffix) || suffix.find("..") != std::string::npos)) {
      return Error{Code::kInvalid, "given role path suffix contains invalid characters"};
    }
    role.set_path_suffix(std::move(suffix));
  }
  if (fields.has("token_type")) {
    const std::string type = fields.text("token_type");
    for (const std::string_view known : {"service", "batch", "default-service", "default-batch"}) {
      if (type == known) role.set_token_type(type);
    }
    if (role.token_type() != type) return Error{Code::kInvalid, "invalid 'token_type' value"};
  }
  if (fields.has("token_num_uses")) {
    if (fields.integer("token_num_uses") < 0) return Error{Code::kInvalid, "'token_num_uses' cannot be negative"};
    role.set_num_uses(fields.integer("token_num_uses"));
  }
  return {};
}

void warn_of_both(std::string_view name, std::string_view older, std::vector<std::string>& warnings) {
  warnings.push_back("Both '" + std::string(name) + "' and deprecated '" + std::string(older) +
                     "' value supplied, ignoring the deprecated value");
}

/// A field that has an older name, which gives way to the newer one.
struct Renamed {
  std::string_view name;
  std::string_view older;
};

/// Which of the two names was used, or neither.
std::optional<std::string_view> given_as(const FieldValues& fields, const Renamed& field, std::vector<std::string>& warnings) {
  if (fields.has(field.name)) {
    if (fields.has(field.older)) warn_of_both(field.name, field.older, warnings);
    return field.name;
  }
  if (fields.has(field.older)) return field.older;
  return std::nullopt;
}

Result<void> set_bounds(TokenRole& role, const Call& call, std::vector<std::string>& warnings) {
  const FieldValues& fields = call.fields();
  constexpr Renamed kPeriod{"token_period", "period"};
  constexpr Renamed kExplicitMax{"token_explicit_max_ttl", "explicit_max_ttl"};
  constexpr Renamed kCidrs{"token_bound_cidrs", "bound_cidrs"};
  if (const auto name = given_as(fields, kPeriod, warnings)) {
    role.set_period_s(fields.duration_s(*name));
    role.set_older_period(*name == kPeriod.older);
  }
  if (const auto name = given_as(fields, kExplicitMax, warnings)) {
    role.set_explicit_max_ttl_s(fields.duration_s(*name));
    role.set_older_explicit_max_ttl(*name == kExplicitMax.older);
  }
  if (const auto name = given_as(fields, kCidrs, warnings)) {
    const std::vector<std::string> blocks = fields.string_list(*name);
    TRY(core::CidrList::parse(blocks));
    if (blocks.size() > core::TokenStore::kBoundCidrsMax) return Error{Code::kInvalid, "too many bound CIDRs"};
    TRY(replace(*role.mutable_bound_cidrs(), blocks));
    role.set_older_bound_cidrs(*name == kCidrs.older);
  }
  const std::int64_t max_s = core::ttl_bounds(call.mount().record).max_s;
  if (role.explicit_max_ttl_s() > max_s) {
    warnings.push_back("Given explicit max TTL of " + std::to_string(role.explicit_max_ttl_s()) +
                       " is greater than system/mount allowed value of " + std::to_string(max_s) +
                       " seconds; tokens made through this role live no longer than that");
  }
  return {};
}

Result<void> check_batch(const TokenRole& role) {
  if (role.token_type() != "batch") return {};
  const auto cannot = [](std::string_view what) {
    return Error{Code::kInvalid, "'token_type' cannot be 'batch' when role is set to generate " + std::string(what)};
  };
  if (!role.orphan()) return cannot("non-orphan tokens");
  if (role.period_s() != 0) return cannot("periodic tokens");
  if (role.renewable()) return cannot("renewable tokens");
  if (role.explicit_max_ttl_s() != 0) return cannot("tokens with an explicit max TTL");
  return {};
}

}  // namespace

Result<std::shared_ptr<const TokenRole>> find_role(const Call& call, std::string_view name) {
  return call.tx().load<TokenRole>(role_key(call, name));
}

Result<bool> TokenAuth::role_exists(Call& call) {
  TRY_ASSIGN(const auto role, find_role(call, call.fields().text("role_name")));
  return role != nullptr;
}

Result<Reply> TokenAuth::write_role(Call& call) {
  const std::string name = call.fields().text("role_name");
  if (name.size() > kNameBytesMax || !is_name(name)) return Error{Code::kInvalid, "the role's name has a character that is not allowed"};
  TRY_ASSIGN(const auto before, find_role(call, name));
  TokenRole role;
  if (before != nullptr) {
    role = *before;
  } else {
    role.set_namespace_id(call.namespace_id());
    role.set_name(name);
    role.set_renewable(true);
    role.set_token_type("default-service");
  }
  Reply reply = Reply::none();
  TRY(set_policies(role, call.fields()));
  TRY(set_kind(role, call.fields()));
  TRY(set_bounds(role, call, reply.warnings));
  TRY(check_batch(role));
  call.tx().put(role_key(call, name), core::encode_record(role));
  return reply;
}

Result<Reply> TokenAuth::read_role(Call& call) {
  TRY_ASSIGN(const auto role, find_role(call, call.fields().text("role_name")));
  if (role == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("allowed_entity_aliases").strings(role->allowed_entity_aliases());
  writer.key("allowed_policies").strings(role->allowed_policies());
  writer.key("allowed_policies_glob").strings(role->allowed_policies_glob());
  writer.key("disallowed_policies").strings(role->disallowed_policies());
  writer.key("disallowed_policies_glob").strings(role->disallowed_policies_glob());
  writer.key("explicit_max_ttl").number(role->older_explicit_max_ttl() ? role->explicit_max_ttl_s() : 0);
  writer.key("name").string(role->name());
  writer.key("orphan").boolean(role->orphan());
  writer.key("path_suffix").string(role->path_suffix());
  writer.key("period").number(role->older_period() ? role->period_s() : 0);
  writer.key("renewable").boolean(role->renewable());
  writer.key("token_explicit_max_ttl").number(role->explicit_max_ttl_s());
  writer.key("token_no_default_policy").boolean(role->no_default_policy());
  writer.key("token_period").number(role->period_s());
  writer.key("token_type").string(role->token_type());
  if (role->num_uses() > 0) writer.key("token_num_uses").number(role->num_uses());
  if (!role->bound_cidrs().empty()) {
    writer.key("token_bound_cidrs").strings(role->bound_cidrs());
    if (role->older_bound_cidrs()) writer.key("bound_cidrs").strings(role->bound_cidrs());
  }
  writer.end_object();
  return reply;
}

Result<Reply> TokenAuth::remove_role(Call& call) {
  call.tx().erase(role_key(call, call.fields().text("role_name")));
  return Reply::none();
}

Result<Reply> TokenAuth::list_roles(Call& call) {
  TRY_ASSIGN(const auto names, core::names_below(call, role_key(call, {})));
  return core::listed(names);
}

}  // namespace keyhold::auth
