#include "core/open_api.h"

#include <algorithm>
#include <map>
#include <optional>

#include "base/version.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kMergePatch = "application/merge-patch+json";
constexpr std::string_view kJson = "application/json";

std::string_view type_of(FieldType type) {
  switch (type) {
    case FieldType::kString: return "string";
    case FieldType::kInteger:
    case FieldType::kDuration: return "integer";
    case FieldType::kBoolean: return "boolean";
    case FieldType::kStringList:
    case FieldType::kPolicyNames:
    case FieldType::kIntegerList:
    case FieldType::kArray: return "array";
    case FieldType::kStringMap:
    case FieldType::kObject: return "object";
  }
  return "string";
}

/// Vault's names for what JSON's types leave open; empty = nothing.
std::string_view format_of(FieldType type) {
  switch (type) {
    case FieldType::kDuration: return "seconds";
    case FieldType::kStringMap: return "kvpairs";
    case FieldType::kObject: return "map";
    case FieldType::kInteger: return "int64";
    case FieldType::kString:
    case FieldType::kBoolean:
    case FieldType::kStringList:
    case FieldType::kPolicyNames:
    case FieldType::kIntegerList:
    case FieldType::kArray: return "";
  }
  return "";
}

void append_schema(json::Writer& writer, const Field& field) {
  writer.begin_object().key("type").string(type_of(field.type));
  if (const std::string_view format = format_of(field.type); !format.empty()) writer.key("format").string(format);
  if (type_of(field.type) == "array") {
    writer.key("items").begin_object();
    writer.key("type").string(field.type == FieldType::kIntegerList ? "integer" : "string").end_object();
  }
  writer.end_object();
}

void append_parameter(json::Writer& writer, const Field& field, std::string_view in) {
  writer.begin_object();
  writer.key("name").string(field.name).key("in").string(in).key("description").string(field.help);
  if (in == "path") writer.key("required").boolean(true);
  append_schema(writer.key("schema"), field);
  writer.end_object();
}

bool raw_body(const RouteInfo& route) {
  return std::any_of(route.fields.begin(), route.fields.end(),
                     [](const Field& field) { return field.source == FieldSource::kRawBody; });
}

bool whole_body(const RouteInfo& route) {
  return std::any_of(route.fields.begin(), route.fields.end(),
                     [](const Field& field) { return field.source == FieldSource::kWholeBody; });
}

bool has_body(const RouteInfo& route) {
  if (route.operation != Operation::kUpdate && route.operation != Operation::kPatch) return false;
  return whole_body(route) || raw_body(route) || std::any_of(route.fields.begin(), route.fields.end(),
                                          [](const Field& field) { return field.source == FieldSource::kBody; });
}

void append_request_body(json::Writer& writer, const RouteInfo& route) {
  writer.key("requestBody").begin_object().key("content").begin_object();
  if (raw_body(route)) {
    writer.key("application/octet-stream").begin_object().key("schema").begin_object();
    writer.key("type").string("string").key("format").string("binary").end_object().end_object().end_object().end_object();
    return;
  }
  writer.key(route.operation == Operation::kPatch ? kMergePatch : kJson).begin_object().key("schema").begin_object();
  writer.key("type").string("object");
  if (whole_body(route)) {
    writer.key("additionalProperties").boolean(true);
  } else {
    writer.key("properties").begin_object();
    for (const Field& field : route.fields) {
      if (field.source == FieldSource::kBody) append_schema(writer.key(field.name), field);
    }
    writer.end_object();
  }
  writer.end_object().end_object().end_object().end_object();
}

/// Of words joined by hyphens, whatever stands between them.
std::string operation_id(std::string_view verb, std::string_view path) {
  std::string id(verb);
  bool word = false;
  for (const char byte : path) {
    const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
    if (letter && !word) id.push_back('-');
    if (letter) id.push_back(byte);
    word = letter;
  }
  if (path.ends_with('/')) id.append("-folder");
  return id;
}

std::string_view method_of(Operation operation) {
  switch (operation) {
    case Operation::kRead:
    case Operation::kList:
    case Operation::kScan:
    case Operation::kHelp: return "get";
    case Operation::kCall: break;
    case Operation::kUpdate: return "post";
    case Operation::kPatch: return "patch";
    case Operation::kDelete: return "delete";
  }
  return "get";
}

/// One path of the document: what the tables say of it, by method. A list and a scan share theirs.
struct PathItem {
  std::map<std::string_view, std::vector<const BoundRoute*>> by_method;
};

std::string tag_of(const DescribedMount& mount) {
  if (mount.path == "sys/") return "system";
  return mount.path.starts_with("auth/") ? "auth" : "secrets";
}

void append_operation(json::Writer& writer, const std::vector<const BoundRoute*>& routes, std::string_view path,
                      const std::string& tag) {
  const RouteInfo& route = *routes.front()->info;
  writer.begin_object();
  writer.key("operationId").string(operation_id(to_string(route.operation), path));
  writer.key("summary").string(route.help);
  writer.key("tags").begin_array().string(tag).end_array();
  writer.key("parameters").begin_array();
  for (const BoundRoute* each : routes) {
    if (!of_folder(each->info->operation)) continue;
    writer.begin_object().key("name").string(to_string(each->info->operation)).key("in").string("query");
    writer.key("description").string(each->info->help).key("required").boolean(routes.size() == 1);
    writer.key("schema").begin_object().key("type").string("string").key("enum").begin_array().string("true").end_array();
    writer.end_object().end_object();
  }
  for (const Field& field : route.fields) {
    if (field.source == FieldSource::kQuery) append_parameter(writer, field, "query");
  }
  writer.end_array();
  if (has_body(route)) append_request_body(writer, route);
  writer.key("responses").begin_object();
  const bool empty = route.reply == Payload::kNone;
  writer.key(empty ? "204" : "200").begin_object().key("description").string(empty ? "Done." : "OK.").end_object();
  writer.end_object().end_object();
}

/// "{name...}" is "{name}" here.
std::string without_dots(std::string_view path) {
  std::string plain(path);
  for (std::size_t at = 0; (at = plain.find("...}")) != std::string::npos;) plain.erase(at, 3);
  return plain;
}

std::string mount_parameter(const DescribedMount& mount) {
  std::string name;
  for (const char byte : mount.type) name.push_back(byte == '-' ? '_' : byte);
  return name + "_mount_path";
}

/// Where the engine is, as the document has it: what every namespace has once is where it is.
std::string described_prefix(const DescribedMount& mount, MountPaths paths) {
  const bool fixed = mount.path == "sys/" || mount.path == "cubbyhole/" || mount.path == "auth/token/";
  if (paths == MountPaths::kActual || fixed) return "/" + mount.path;
  return std::string(mount.path.starts_with("auth/") ? "/auth/{" : "/{") + mount_parameter(mount) + "}/";
}

void append_path(json::Writer& writer, const std::string& path, const PathItem& item, const DescribedMount& mount) {
  const std::vector<const BoundRoute*>& any = item.by_method.begin()->second;
  const auto some = [&item](auto&& is) {
    return std::any_of(item.by_method.begin(), item.by_method.end(), [&is](const auto& entry) {
      return std::any_of(entry.second.begin(), entry.second.end(), [&is](const BoundRoute* route) { return is(*route); });
    });
  };
  writer.key(path).begin_object();
  writer.key("description").string(any.front()->info->help);
  if (some([](const BoundRoute& route) { return route.info->access.needs_sudo(); })) writer.key("x-vault-sudo").boolean(true);
  if (some([](const BoundRoute& route) { return route.info->access.open(); })) writer.key("x-vault-unauthenticated").boolean(true);
  if (some([](const BoundRoute& route) { return route.exists != nullptr; })) writer.key("x-vault-createSupported").boolean(true);
  writer.key("parameters").begin_array();
  if (const std::string name = mount_parameter(mount); path.find("{" + name + "}") != std::string::npos) {
    writer.begin_object().key("name").string(name).key("in").string("path").key("required").boolean(true);
    writer.key("description").string("Where the engine is mounted.");
    writer.key("schema").begin_object().key("type").string("string").end_object().end_object();
  }
  for (const Field& field : any.front()->info->fields) {
    if (field.source == FieldSource::kPath) append_parameter(writer, field, "path");
  }
  writer.end_array();
  for (const auto& [method, routes] : item.by_method) append_operation(writer.key(method), routes, path, tag_of(mount));
  writer.end_object();
}

std::string heading(std::string_view path) { return std::string(path) + "\n" + std::string(path.size(), '-') + "\n\n"; }

std::string_view source_word(FieldSource source) {
  switch (source) {
    case FieldSource::kPath: return "in the path";
    case FieldSource::kQuery: return "in the query";
    case FieldSource::kBody: return "in the body";
    case FieldSource::kRawBody: return "the body, as it is";
    case FieldSource::kWholeBody: return "the body";
  }
  return "";
}

}  // namespace

void append_open_api(json::Writer& writer, std::span<const DescribedMount> mounts, MountPaths paths) {
  writer.begin_object();
  writer.key("openapi").string("3.0.2");
  writer.key("info").begin_object();
  writer.key("title").string("Keyhold, the API of HashiCorp Vault");
  writer.key("description").string("Every path that the caller's token reaches, below /v1.");
  writer.key("version").string(kVersion);
  writer.key("license").begin_object().key("name").string("Apache-2.0").end_object();
  writer.end_object();
  writer.key("servers").begin_array().begin_object().key("url").string("/v1").end_object().end_array();
  writer.key("paths").begin_object();
  std::map<std::string, bool> written;  // Mounts of one type share their paths when those are generic.
  for (const DescribedMount& mount : mounts) {
    std::map<std::string, PathItem> items;
    for (const BoundRoute* route : mount.routes) {
      std::string path = described_prefix(mount, paths) + without_dots(route->info->path);
      if (of_folder(route->info->operation) && !path.ends_with('/')) path.push_back('/');
      items[std::move(path)].by_method[method_of(route->info->operation)].push_back(route);
    }
    for (const auto& [path, item] : items) {
      if (written.emplace(path, true).second) append_path(writer, path, item, mount);
    }
  }
  writer.end_object();
  writer.key("components").begin_object().key("securitySchemes").begin_object();
  writer.key("token").begin_object().key("type").string("apiKey").key("in").string("header");
  writer.key("name").string("X-Vault-Token").end_object().end_object().end_object();
  writer.key("security").begin_array().begin_object().key("token").begin_array().end_array().end_object().end_array();
  writer.end_object();
}

std::string help_of_mount(const DescribedMount& mount) {
  std::string text = heading(mount.path) + "An engine of type \"" + mount.type + "\". Its paths:\n";
  for (const BoundRoute* route : mount.routes) {
    text += "\n    " + std::string(to_string(route->info->operation)) + " " + std::string(route->info->path) + "\n        " +
            std::string(route->info->help) + "\n";
  }
  return text + "\nAsk for help on one of them for its fields.\n";
}

std::string help_of_path(const DescribedMount& mount) {
  std::string text = heading(mount.path + std::string(mount.routes.front()->info->path));
  for (const BoundRoute* bound : mount.routes) {
    const RouteInfo* route = bound->info;
    text += std::string(to_string(route->operation)) + ": " + std::string(route->help) + "\n";
    for (const Field& field : route->fields) {
      text += "    " + std::string(field.name) + " (" + std::string(type_of(field.type)) + ", " +
              std::string(source_word(field.source)) + ")\n        " + std::string(field.help) + "\n";
    }
    text += "\n";
  }
  return text;
}

}  // namespace keyhold::core
