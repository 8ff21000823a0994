#include <fmt/core.h>

#include "auth/access_key/access_key_auth.h"
#include "auth/access_key/sts.h"
#include "auth/token/token_auth.h"
#include "base/json.h"
#include "engine/engines.h"
#include "server/server_command.h"

namespace keyhold::server {
namespace {

std::string_view source_word(core::FieldSource source) {
  switch (source) {
    case core::FieldSource::kPath: return "path";
    case core::FieldSource::kQuery: return "query";
    case core::FieldSource::kBody: return "body";
    case core::FieldSource::kRawBody: return "raw-body";
    case core::FieldSource::kWholeBody: return "whole-body";
  }
  return "";
}

std::string_view type_word(core::FieldType type) {
  switch (type) {
    case core::FieldType::kString: return "string";
    case core::FieldType::kInteger: return "integer";
    case core::FieldType::kBoolean: return "boolean";
    case core::FieldType::kDuration: return "duration";
    case core::FieldType::kStringList: return "string-list";
    case core::FieldType::kPolicyNames: return "policy-names";
    case core::FieldType::kIntegerList: return "integer-list";
    case core::FieldType::kStringMap: return "string-map";
    case core::FieldType::kObject: return "object";
    case core::FieldType::kArray: return "array";
  }
  return "";
}

void append_route(json::Writer& writer, std::string_view engine, const core::RouteInfo& route) {
  writer.begin_object();
  writer.key("engine").string(engine);
  writer.key("operation").string(core::to_string(route.operation));
  writer.key("path").string(route.path);
  writer.key("unauthenticated").boolean(route.access.open());
  if (!route.access.open()) writer.key("capability").string(core::to_string(route.access.capability()));
  writer.key("sudo").boolean(route.access.needs_sudo());
  writer.key("fields").begin_array();
  for (const core::Field& field : route.fields) {
    writer.begin_object();
    writer.key("name").string(field.name);
    writer.key("type").string(type_word(field.type));
    writer.key("in").string(source_word(field.source));
    writer.key("audited").string(field.audit == core::Audit::kClear ? "clear" : "hashed");
    writer.end_object();
  }
  writer.end_array();
  writer.key("help").string(route.help);
  writer.end_object();
}

}  // namespace

int routes_command(const Arguments& arguments) {
  const bool as_json = arguments.on("json");
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_array();
  const auto show = [&](std::string_view engine, const auto& routes) {
    for (const auto& route : routes) {
      const core::RouteInfo& info = route.info;
      if (as_json) {
        append_route(writer, engine, info);
      } else {
        fmt::print("{:<6} {:<7} {:<28} {}\n", engine, core::to_string(info.operation), info.path, info.help);
      }
    }
  };
  engine::Engines::for_each_table(show);
  show("token", auth::TokenAuth::kRoutes);
  show("access-key", auth::AccessKeyAuth::kRoutes);
  show("secretsmanager", engine::SecretsManager::kRoutes);
  show("sts", auth::Sts::kRoutes);
  writer.end_array();
  if (as_json) fmt::print("{}\n", out.reveal());
  return 0;
}

}  // namespace keyhold::server
