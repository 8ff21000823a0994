#include "engine/sys/sys_info.h"

#include "base/host_info.h"
#include "base/time_format.h"
#include "core/version_history.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;

constexpr std::string_view kGoZeroTime = "0001-01-01T00:00:00Z";  // What Go's clients read as "never".

void append_usage(json::Writer& writer, std::int64_t total, std::int64_t free) {
  writer.key("total").number(total);
  writer.key("free").number(free);
  writer.key("used").number(total - free);
}

}  // namespace

Result<Reply> SysInfo::leader(Call&) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("ha_enabled").boolean(false);
  writer.key("is_self").boolean(false);
  writer.key("active_time").string(kGoZeroTime);
  writer.key("leader_address").string("");
  writer.key("leader_cluster_address").string("");
  writer.key("performance_standby").boolean(false);
  writer.key("performance_standby_last_remote_wal").number(0);
  writer.end_object();
  return reply;
}

Result<Reply> SysInfo::host_info(Call& call) {
  const HostInfo info = keyhold::host_info();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("timestamp").string(format_rfc3339(call.now()));
  writer.key("host").begin_object();
  writer.key("hostname").string(info.hostname);
  writer.key("os").string(info.operating_system);
  writer.key("kernelVersion").string(info.kernel_version);
  writer.key("kernelArch").string(info.architecture);
  writer.key("uptime").number(info.uptime_s);
  writer.key("bootTime").number(call.now() / 1000 - info.uptime_s);
  writer.key("procs").number(info.processes);
  writer.end_object();
  writer.key("cpu").begin_array();
  for (std::int64_t i = 0; i < info.cpus; ++i) writer.begin_object().key("cpu").number(i).end_object();
  writer.end_array();
  writer.key("memory").begin_object();
  append_usage(writer, info.memory_total_bytes, info.memory_free_bytes);
  writer.end_object();
  writer.key("disk").begin_array().begin_object();
  writer.key("path").string("/");
  append_usage(writer, info.disk_total_bytes, info.disk_free_bytes);
  writer.end_object().end_array();
  writer.end_object();
  return reply;
}

Result<Reply> SysInfo::version_history(Call& call) {
  TRY_ASSIGN(const auto versions, core::version_history::all(call.tx()));
  if (versions.empty()) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").begin_array();
  for (const auto& installed : versions) writer.string(installed.version());
  writer.end_array().key("key_info").begin_object();
  std::string_view previous;
  for (const auto& installed : versions) {
    writer.key(installed.version()).begin_object();
    writer.key("build_date").string("");
    writer.key("previous_version");
    if (previous.empty()) {
      writer.null();
    } else {
      writer.string(previous);
    }
    writer.key("timestamp_installed").string(format_rfc3339(installed.installed_ms()));
    writer.end_object();
    previous = installed.version();
  }
  writer.end_object().end_object();
  return reply;
}

}  // namespace keyhold::engine
