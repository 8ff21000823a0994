#include "engine/sys/wrapping_routes.h"

#include "base/time_format.h"
#include "core/wrapping.h"

namespace keyhold::engine {

using core::Call;
using core::Reply;
namespace wrapping = core::wrapping;

/// The Gate wraps the answer.
Result<Reply> WrappingRoutes::wrap(Call& call) {
  if (!call.request().wrap_ttl_s) {
    return Error{Code::kInvalid, "endpoint requires response wrapping to be used: send the header X-Vault-Wrap-TTL"};
  }
  const auto data = call.fields().object("data");
  return Reply::of(SecretBytes::copy_of(data ? data->raw() : "{}"));
}

Result<Reply> WrappingRoutes::unwrap(Call& call) {
  TRY_ASSIGN(const auto taken, wrapping::take(call, call.fields().secret("token")));
  TRY_ASSIGN(Reply reply, taken.reply());
  if (const auto data = json::Document::parse(reply.data.reveal()); data.ok()) {
    call.session().redactor.append_redacted(reply.audit_members.append("\"data\":"), data->root());
  }
  return reply;
}

Result<Reply> WrappingRoutes::rewrap(Call& call) {
  TRY_ASSIGN(const auto taken, wrapping::take(call, call.fields().secret("token")));
  return taken.rewrap(call);
}

Result<Reply> WrappingRoutes::lookup(Call& call) {
  const bool named = call.request().operation == core::Operation::kUpdate;
  TRY_ASSIGN(const auto token, wrapping::look(call, named ? call.fields().secret("token") : SecretBytes()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("creation_path").string(token->path());
  writer.key("creation_time").string(format_rfc3339(token->created_ms()));
  writer.key("creation_ttl").number(token->creation_ttl_s());
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
