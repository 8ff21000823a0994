#include "core/wrapping.h"

#include "base/time_format.h"
#include "core/config.h"
#include "core/cubbyhole.h"
#include "core/policy/policy_name.h"
#include "core/record.h"
#include "core/secret_write.h"

namespace keyhold::core::wrapping {
namespace {

constexpr std::string_view kName = "response";
constexpr std::int64_t kTtlMaxS = std::int64_t{10} * 365 * 24 * 3600;

bool is_wrapping_token(const records::Token& token) {
  return token.policies_size() == 1 && token.policies(0) == kWrappingPolicyName;
}

std::string name_of(const records::Token& token) { return cubbyhole::folder_of(token.liveness()).append(kName); }

/// Of the token in an auth answer, or "".
std::string accessor_in(std::string_view auth) {
  const auto document = json::Document::parse(auth);
  if (!document.ok()) return {};
  const auto accessor = document->root().find("accessor");
  auto text = accessor ? accessor->as_string() : Result<std::string>(std::string());
  return text.ok() ? std::move(*text) : std::string();
}

/// What the journal holds of a wrapping: whoever has the token finds by its hash who made it and who used it.
std::string audit_members(const WrapInfo& info, const audit::Redactor& redactor) {
  std::string out("\"wrap_info\":{\"ttl\":");
  out.append(std::to_string(info.ttl_s)).append(",\"token\":\"").append(redactor.hash(info.token.reveal()));
  out.append("\",\"accessor\":\"").append(info.accessor);
  out.append("\",\"creation_time\":\"").append(format_rfc3339(info.created_ms)).append("\"");
  if (!info.wrapped_accessor.empty()) out.append(",\"wrapped_accessor\":\"").append(info.wrapped_accessor).append("\"");
  return out.append("}");
}

/// Makes the token and puts `record` aside for it.
Result<std::unique_ptr<WrapInfo>> put_aside(Call& call, const SecretBytes& record, std::string creation_path,
                                            std::int64_t ttl_s) {
  if (ttl_s < 1 || ttl_s > kTtlMaxS) {
    return Error{Code::kInvalid, "the time to live of a wrapping token must be between a second and ten years"};
  }
  TokenSpec spec;
  spec.namespace_id = call.namespace_id();
  spec.policies.emplace_back(kWrappingPolicyName);
  spec.path = creation_path;
  spec.ttl_s = ttl_s;
  spec.explicit_max_ttl_s = ttl_s;
  spec.num_uses = 1;
  spec.has_dependents = true;
  TRY_ASSIGN(NewToken made, call.session().tokens.create(call.tx(), std::move(spec), call.rng()));

  const std::string name = name_of(made.record);
  secrets::Head head = secrets::open_head(call.tx(), {kCubbyholeMount, call.namespace_id(), name}, nullptr, call.now(), call.rng());
  secrets::NewContent content;
  content.bytes = record.reveal();
  content.kind = records::Version::BINARY;
  secrets::put_version(call.tx(), kCubbyholeMount, head, content, {}, call.session().fingerprints, call.now(), call.rng());

  auto info = std::make_unique<WrapInfo>();
  info->token = std::move(made.token);
  info->accessor = std::move(made.accessor);
  info->ttl_s = ttl_s;
  info->created_ms = made.record.created_ms();
  info->creation_path = std::move(creation_path);
  return info;
}

/// Whatever is wrong with a wrapping token, its bearer is told no more than that it is none.
Error told(const Error& error) { return error.code == Code::kDenied ? no_such_token() : error; }

/// The record, which goes with the commit.
Result<SecretBytes> take_record(Call& call, const records::Token& token) {
  TRY_ASSIGN(const auto head, secrets::find(call.tx(), kCubbyholeMount, name_of(token)));
  const auto* version = head == nullptr ? nullptr : secrets::current_version(*head);
  if (version == nullptr) return no_such_token();
  TRY_ASSIGN(const auto content, secrets::content(call.tx(), kCubbyholeMount, *head, *version, call.session().redactor));
  SecretBytes record = SecretBytes::copy_of(content.reveal());
  secrets::purge(call.tx(), kCubbyholeMount, *head, call.now());
  // The end of the token leaves a job to empty its cubbyhole. That is done already.
  call.tx().erase(keys::token_job(call.namespace_id(), token.liveness()));
  return record;
}

}  // namespace

Error no_such_token() { return {Code::kInvalid, "wrapping token is not valid or does not exist"}; }

Result<Reply> wrap(Call& call, Reply reply, Payload payload, std::int64_t ttl_s) {
  if (reply.wrap_info != nullptr || reply.data.empty() || reply.outcome != Reply::Outcome::kFound) return reply;
  if (reply.payload.value_or(payload) == Payload::kBytes) return Error{Code::kInvalid, "this answer cannot be wrapped: ask without X-Vault-Wrap-TTL"};
  records::WrappedReply header;
  header.set_namespace_id(call.namespace_id());
  header.set_is_auth(reply.payload.value_or(payload) == Payload::kAuth);
  header.set_lease_duration_s(reply.lease_duration_s);
  for (const std::string& warning : reply.warnings) header.add_warnings(warning);
  if (header.is_auth()) header.set_wrapped_accessor(accessor_in(reply.data.reveal()));
  TRY_ASSIGN(auto info, put_aside(call, encode_record(header, reply.data.reveal()), std::string(call.path()), ttl_s));
  info->wrapped_accessor = header.wrapped_accessor();

  Reply wrapped;
  wrapped.warnings = std::move(reply.warnings);
  wrapped.field_warnings = std::move(reply.field_warnings);
  wrapped.audit_members = std::move(reply.audit_members);
  if (!wrapped.audit_members.empty()) wrapped.audit_members.push_back(',');
  wrapped.audit_members.append(audit_members(*info, call.session().redactor));
  wrapped.wrap_info = std::move(info);
  return wrapped;
}

Result<Reply> Taken::reply() const {
  TRY_ASSIGN(const RecordParts parts, split_record(record_.reveal()));
  records::WrappedReply header;
  TRY(parse_header(parts.header, header));
  Reply reply = Reply::of(SecretBytes::copy_of(parts.content));
  reply.payload = header.is_auth() ? Payload::kAuth : Payload::kSecret;
  reply.lease_duration_s = header.lease_duration_s();
  reply.warnings.assign(header.warnings().begin(), header.warnings().end());
  return reply;
}

Result<Reply> Taken::rewrap(Call& call) const {
  TRY_ASSIGN(const RecordParts parts, split_record(record_.reveal()));
  records::WrappedReply header;
  TRY(parse_header(parts.header, header));
  Reply reply;
  TRY_ASSIGN(reply.wrap_info, put_aside(call, record_, token_->path(), token_->creation_ttl_s()));
  reply.wrap_info->wrapped_accessor = header.wrapped_accessor();
  reply.audit_members = audit_members(*reply.wrap_info, call.session().redactor);
  return reply;
}

Result<Taken> take(Call& call, const SecretBytes& token) {
  Taken taken;
  const TokenStore& tokens = call.session().tokens;
  if (token.empty() || tokens.id_of(token.reveal()) == call.principal().token_id) {
    taken.token_ = call.principal().token;  // Its use was taken when the caller was let in.
    if (!is_wrapping_token(*taken.token_)) return no_such_token();
  } else {
    auto state = tokens.find_presented(call.tx(), call.namespace_id(), token.reveal());
    if (!state.ok()) return told(state.error());
    taken.token_ = state->record;
    if (!is_wrapping_token(*taken.token_)) return no_such_token();
    // It may have been used up since it was found.
    if (auto used = tokens.use(call.tx(), *state); !used.ok()) return told(used.error());
  }
  TRY_ASSIGN(taken.record_, take_record(call, *taken.token_));
  return taken;
}

Result<std::shared_ptr<const records::Token>> look(Call& call, const SecretBytes& token) {
  const SecretBytes& shown = token.empty() ? call.request().credential.token : token;
  auto state = call.session().tokens.find_presented(call.tx(), call.namespace_id(), shown.reveal());
  if (!state.ok()) return told(state.error());
  if (!is_wrapping_token(*state->record)) return no_such_token();
  return state->record;
}

}  // namespace keyhold::core::wrapping
