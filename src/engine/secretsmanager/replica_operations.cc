// Regions in which a secret can be read too. All regions are this one store, so that a replica is a view of the very secret: it is
// read there, and written where it was first made.
#include <algorithm>

#include "core/secret_write.h"
#include "engine/secretsmanager/errors.h"
#include "engine/secretsmanager/inputs.h"
#include "engine/secretsmanager/secret_id.h"
#include "engine/secretsmanager/secret_reply.h"
#include "engine/secretsmanager/secrets_manager.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;
using namespace secretsmanager;
using core::Call;
using core::Reply;

Reply status(const Call& call, const secrets::Head& head) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("ARN").string(arn_of(call, head));
  append_replicas(writer, head);
  writer.end_object();
  return reply;
}

/// False: there was none.
bool drop_replica(secrets::Head& head, std::string_view region) {
  auto& replicas = *head.mutable_replicas();
  const auto kept = std::remove_if(replicas.begin(), replicas.end(), [&](const auto& replica) { return replica.region() == region; });
  const bool found = kept != replicas.end();
  replicas.erase(kept, replicas.end());
  if (replicas.empty()) head.clear_primary_region();
  return found;
}

}  // namespace

Result<Reply> SecretsManager::replicate_secret_to_regions(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  TRY_ASSIGN(const auto replicas, replicas_of(call));
  if (replicas.empty()) return invalid_parameter("You must provide AddReplicaRegions.");
  TRY(check_primary(call, *found));
  secrets::Head head = *found;
  add_replicas(head, replicas, region_of(call), call.now());
  save_changed(call, head);
  return status(call, head);
}

Result<Reply> SecretsManager::remove_regions_from_replication(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  const auto regions = call.fields().string_list("RemoveReplicaRegions");
  if (regions.empty()) return invalid_parameter("You must provide RemoveReplicaRegions.");
  TRY(check_primary(call, *found));
  secrets::Head head = *found;
  for (const std::string& region : regions) {
    if (!drop_replica(head, region)) return invalid_parameter("Invalid replica region.");
  }
  save_changed(call, head);
  return status(call, head);
}

Result<Reply> SecretsManager::stop_replication_to_replica(Call& call) {
  TRY_ASSIGN(const auto found, living_secret(call));
  secrets::Head head = *found;
  if (!drop_replica(head, region_of(call))) {
    return invalid_request("This region has no replica of the secret: StopReplicationToReplica must be called in a replica's region.");
  }
  save_changed(call, head);
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("ARN").string(arn_of(call, head)).end_object();
  return reply;
}

}  // namespace keyhold::engine
