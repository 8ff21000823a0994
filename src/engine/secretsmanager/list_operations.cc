// Telling of secrets without their values.
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/listing.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {

using namespace secretsmanager;
using core::Call;
using core::Reply;

namespace {

constexpr std::int64_t kListMax = 100;

}  // namespace

Result<Reply> SecretsManager::describe_secret(Call& call) {
  TRY_ASSIGN(const auto found, present_secret(call));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  TRY(append_summary(writer, call, *found, "VersionIdsToStages"));
  append_replicas(writer, *found);
  writer.end_object();
  return reply;
}

Result<Reply> SecretsManager::list_secrets(Call& call) {
  TRY_ASSIGN(const std::size_t results_max, max_results(call.fields(), kListMax));
  TRY_ASSIGN(const Page page, list_page(call, results_max, Listed::kVisible));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("SecretList").begin_array();
  for (const auto& head : page.heads) {
    writer.begin_object();
    TRY(append_summary(writer, call, *head, "SecretVersionsToStages"));
    writer.end_object();
  }
  writer.end_array();
  if (!page.next_token.empty()) writer.key("NextToken").string(page.next_token);
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
