#include "auth/token/token_answer.h"

#include "base/time_format.h"

namespace keyhold::auth {
namespace {

void append_metadata(json::Writer& writer, const core::records::Token& token) {
  if (token.metadata().empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [name, value] : token.metadata()) writer.key(name).string(value);
  writer.end_object();
}

std::string_view type_word(const core::records::Token& token) {
  return token.type() == core::records::Token::BATCH ? "batch" : "service";
}

/// Which are there only when there is something to tell.
void append_optional(json::Writer& writer, const core::TokenState& state) {
  const core::records::Token& token = *state.record;
  if (!token.bound_cidrs().empty()) writer.key("bound_cidrs").strings(token.bound_cidrs());
  if (token.period_s() != 0) writer.key("period").number(token.period_s());
  if (!token.role().empty()) writer.key("role").string(token.role());
  if (state.life != nullptr && state.life->renewed_ms() != 0) {
    writer.key("last_renewal").string(format_rfc3339(state.life->renewed_ms()));
    writer.key("last_renewal_time").number(state.life->renewed_ms() / 1000);
  }
}

}  // namespace

void append_auth(json::Writer& writer, const AuthAnswer& answer) {
  const core::records::Token& record = answer.record;
  writer.begin_object();
  writer.key("client_token").string(answer.token);
  writer.key("accessor").string(record.accessor());
  writer.key("policies").strings(record.policies());
  writer.key("token_policies").strings(record.policies());
  append_metadata(writer.key("metadata"), record);
  writer.key("lease_duration").number(answer.lease_s);
  writer.key("renewable").boolean(record.renewable());
  writer.key("entity_id").string("");
  writer.key("token_type").string(type_word(record));
  writer.key("orphan").boolean(record.orphan());
  writer.key("mfa_requirement").null();
  writer.key("num_uses").number(answer.num_uses);
  writer.end_object();
}

Result<core::Reply> lookup_answer(const core::Call& call, const core::TokenState& state, std::string_view token) {
  const core::records::Token& record = *state.record;
  const UnixMillis expires_ms = state.expires_ms();
  TRY_ASSIGN(const std::int64_t uses_left, call.session().tokens.uses_left(call.tx(), state));
  core::Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("accessor").string(record.accessor());
  writer.key("creation_time").number(record.created_ms() / 1000);
  writer.key("creation_ttl").number(record.creation_ttl_s());
  writer.key("display_name").string(record.display_name());
  writer.key("entity_id").string("");
  writer.key("expire_time");
  if (expires_ms == 0) {
    writer.null();
  } else {
    writer.string(format_rfc3339(expires_ms));
  }
  writer.key("explicit_max_ttl").number(record.explicit_max_ttl_s());
  writer.key("id").string(token);
  if (expires_ms != 0) writer.key("issue_time").string(format_rfc3339(record.created_ms()));
  append_metadata(writer.key("meta"), record);
  writer.key("num_uses").number(uses_left);
  writer.key("orphan").boolean(record.orphan());
  writer.key("path").string(record.path());
  writer.key("policies").strings(record.policies());
  writer.key("renewable").boolean(record.renewable());
  writer.key("ttl").number(expires_ms == 0 ? 0 : (expires_ms - call.now()) / 1000);
  writer.key("type").string(type_word(record));
  append_optional(writer, state);
  writer.end_object();
  return reply;
}

}  // namespace keyhold::auth
