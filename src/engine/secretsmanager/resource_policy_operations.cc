// Policies on secrets.
#include "core/iam_access.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
namespace iam = core::iam;
using namespace secretsmanager;
using core::Call;
using core::Reply;

constexpr std::size_t kPolicyBytesMax = 20480;

Result<iam::Policy> parse(const std::string& text) {
  if (text.empty() || text.size() > kPolicyBytesMax) return invalid_parameter("ResourcePolicy must be 1 to 20480 characters long.");
  auto policy = iam::parse_policy(text, iam::PolicyKind::kResource);
  if (!policy.ok()) return Error{Code::kInvalid, "This resource policy can't be used: " + policy.error().message, "MalformedPolicyDocumentException"};
  return policy;
}

/// Requests look for policies on the secrets of a mount only once there has been one.
void note_policies(Call& call) {
  if (call.mount().record.has_resource_policies()) return;
  core::records::Mount record = call.mount().record;
  record.set_has_resource_policies(true);
  call.tx().put(core::keys::mount(record.namespace_id(), record.id()), core::encode_record(record));
}

}  // namespace

Result<Reply> SecretsManager::get_resource_policy(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  const secrets::Head& head = *found;
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_identity(writer, call, head);
  if (!head.resource_policy().empty()) writer.key("ResourcePolicy").string(head.resource_policy());
  writer.end_object();
  return reply;
}

Result<Reply> SecretsManager::put_resource_policy(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  std::string text = call.fields().text("ResourcePolicy");
  TRY_ASSIGN(const iam::Policy policy, parse(text));
  if (call.fields().boolean("BlockPublicPolicy") && iam::is_public(policy)) {
    return Error{Code::kInvalid, "The resource policy grants access to everybody, which BlockPublicPolicy forbids.", "PublicPolicyException"};
  }
  secrets::Head head = *found;
  note_policies(call);
  head.set_resource_policy(std::move(text));
  save_changed(call, head);
  return identity_reply(call, head);
}

Result<Reply> SecretsManager::delete_resource_policy(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  secrets::Head head = *found;
  head.clear_resource_policy();
  save_changed(call, head);
  return identity_reply(call, head);
}

Result<Reply> SecretsManager::validate_resource_policy(Call& call) {
  if (call.fields().has("SecretId")) TRY(living_secret(call));
  Reply reply;
  json::Writer writer(reply.data);
  std::vector<std::string> errors;
  const auto policy = parse(call.fields().text("ResourcePolicy"));
  if (!policy.ok() && policy.error().name == "InvalidParameterException") return policy.error();
  writer.begin_object().key("PolicyValidationPassed").boolean(policy.ok() && !iam::is_public(*policy));
  writer.key("ValidationErrors").begin_array();
  const auto append = [&writer](std::string_view check, std::string_view message) {
    writer.begin_object().key("CheckName").string(check).key("ErrorMessage").string(message).end_object();
  };
  if (!policy.ok()) append("POLICY_SYNTAX", policy.error().message);
  if (policy.ok() && iam::is_public(*policy)) append("PUBLIC_ACCESS", "It grants access to everybody.");
  if (policy.ok()) {
    for (const std::string& warning : iam::warnings_of(*policy)) append("WARNING", warning);
  }
  writer.end_array().end_object();
  return reply;
}

}  // namespace keyhold::engine
