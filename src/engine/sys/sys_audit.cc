#include "engine/sys/sys_audit.h"

#include <algorithm>

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;
using core::audit::Device;

void append_device(json::Writer& writer, const Device& device) {
  writer.begin_object();
  writer.key("type").string("file");
  writer.key("path").string(device.name + "/");
  writer.key("description").string(device.description);
  writer.key("local").boolean(device.local);
  writer.key("options").begin_object();
  for (const auto& [name, value] : device.options) writer.key(name).string(value);
  writer.end_object().end_object();
}

}  // namespace

Result<Reply> SysAudit::list(Call&) {
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  for (const Device& device : devices_) append_device(writer.key(device.name + "/"), device);
  writer.end_object();
  return reply;
}

Result<Reply> SysAudit::refuse(Call&) {
  return Error{Code::kInvalid, "audit devices are declared in the server's configuration file, by an audit stanza, and nowhere else"};
}

Result<Reply> SysAudit::hash(Call& call) {
  const std::string name = call.fields().text("path");
  const bool known = name == core::audit::kJournalName ||
                     std::any_of(devices_.begin(), devices_.end(),
                                 [&](const Device& device) { return device.name == name; });
  if (!known) return Error{Code::kInvalid, "unknown audit device"};
  const SecretBytes input = call.fields().secret("input");
  if (input.empty()) return Error{Code::kInvalid, "the \"input\" parameter is empty"};
  Reply reply;
  json::Writer(reply.data).begin_object().key("hash").string(call.session().redactor.hash(input.reveal())).end_object();
  return reply;
}

}  // namespace keyhold::engine
