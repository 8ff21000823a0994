#include "engine/kv/kv_reply.h"

#include <map>
#include <string_view>

#include "base/time_format.h"

namespace keyhold::engine {
namespace {

namespace secrets = core::secrets;

void append_map(json::Writer& writer, const google::protobuf::Map<std::string, std::string>& map) {
  if (map.empty()) {
    writer.null();
    return;
  }
  writer.begin_object();
  for (const auto& [name, value] : std::map<std::string_view, std::string_view>(map.begin(), map.end())) {
    writer.key(name).string(value);
  }
  writer.end_object();
}

}  // namespace

void append_version(json::Writer& writer, const secrets::Head& head, const secrets::Version& version, Detail detail) {
  writer.begin_object();
  if (version.content_kind() != secrets::Version::JSON_OBJECT) {
    writer.key("content_kind").string(version.content_kind() == secrets::Version::TEXT ? "text" : "binary");
  }
  writer.key("created_time").string(format_rfc3339(version.created_ms()));
  if (detail == Detail::kWithSecret) append_map(writer.key("custom_metadata"), head.custom_metadata());
  writer.key("deletion_time");
  if (version.deleted_ms() == 0) {
    writer.string("");
  } else {
    writer.string(format_rfc3339(version.deleted_ms()));
  }
  writer.key("destroyed").boolean(version.state() == secrets::Version::DESTROYED);
  if (detail == Detail::kWithSecret) writer.key("version").number(static_cast<std::int64_t>(version.number()));
  writer.end_object();
}

void append_last_read(json::Writer& writer, const core::records::LastRead& last) {
  writer.key("last_read_api").string(last.api());
  writer.key("last_read_by").string(last.read_by());
  writer.key("last_read_time").string(format_rfc3339(last.read_ms()));
}

void append_metadata(json::Writer& writer, const secrets::Head& head, const core::records::LastRead* last_read) {
  writer.begin_object();
  writer.key("cas_required").boolean(head.cas_required());
  writer.key("created_time").string(format_rfc3339(head.created_ms()));
  writer.key("current_metadata_version").number(static_cast<std::int64_t>(head.metadata_number()));
  writer.key("current_version").number(static_cast<std::int64_t>(secrets::current_number(head)));
  append_map(writer.key("custom_metadata"), head.custom_metadata());
  writer.key("delete_version_after").string(format_duration_s(head.delete_after_s()));
  writer.key("max_versions").number(head.max_versions());
  writer.key("metadata_cas_required").boolean(head.metadata_cas_required());
  if (head.expires_ms() != 0) writer.key("expires").string(format_rfc3339(head.expires_ms()));
  if (last_read != nullptr) append_last_read(writer, *last_read);
  writer.key("oldest_version").number(static_cast<std::int64_t>(head.oldest_number()));
  if (!head.owner().empty()) writer.key("owner").string(head.owner());
  if (head.rotate_by_ms() != 0) writer.key("rotate_by").string(format_rfc3339(head.rotate_by_ms()));
  writer.key("updated_time").string(format_rfc3339(head.updated_ms()));
  writer.key("versions").begin_object();
  for (const auto& version : head.versions()) {
    if (version.number() == 0) continue;  // Pending: it has never been current.
    append_version(writer.key(std::to_string(version.number())), head, version, Detail::kVersionOnly);
  }
  writer.end_object().end_object();
}

std::string audit_version(const secrets::Version& version) { return "\"version\":" + std::to_string(version.number()); }

}  // namespace keyhold::engine
