#include "engine/sys/key_routes.h"

#include "base/json.h"
#include "base/time_format.h"
#include "core/keyring_rotation.h"

namespace keyhold::engine {

using core::Call;
using core::Reply;
namespace keyring = core::keyring_rotation;

Result<Reply> KeyRoutes::rotate(Call& call) {
  TRY(keyring::rotate(call.tx(), node_.seals()));
  return Reply::none();
}

Result<Reply> KeyRoutes::status(Call& call) {
  TRY_ASSIGN(const auto status, keyring::status(call.tx(), node_.seals(), node_.barrier()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("term").number(status.term);
  writer.key("install_time").string(format_rfc3339(status.installed_ms));
  writer.key("encryptions").number(static_cast<std::int64_t>(status.encryptions));
  writer.end_object();
  return reply;
}

Result<Reply> KeyRoutes::read_config(Call& call) {
  TRY_ASSIGN(const auto config, keyring::config(call.tx()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("max_operations").number(config.max_operations());
  writer.key("interval").number(config.interval_s());
  writer.key("enabled").boolean(!config.disabled());
  writer.end_object();
  return reply;
}

Result<Reply> KeyRoutes::write_config(Call& call) {
  TRY_ASSIGN(auto config, keyring::config(call.tx()));
  config.set_max_operations(call.fields().integer("max_operations", config.max_operations()));
  config.set_interval_s(call.fields().duration_s("interval", config.interval_s()));
  config.set_disabled(!call.fields().boolean("enabled", !config.disabled()));
  TRY(keyring::set_config(call.tx(), config));
  return Reply::none();
}

}  // namespace keyhold::engine
