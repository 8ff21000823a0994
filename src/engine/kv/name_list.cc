#include "engine/kv/name_list.h"

#include <algorithm>

#include "base/limits.h"

namespace keyhold::engine {

namespace secrets = core::secrets;

Result<std::vector<std::string>> names_asked_for(core::Call& call, std::string folder, secrets::Depth depth) {
  const std::string prefix = std::move(folder.append(call.fields().path_text("path")));
  std::string after = call.fields().text("after");
  if (after.size() > limits::kRequestPathBytesMax) return Error{Code::kInvalid, "the name in \"after\" is too long"};
  const std::int64_t limit = call.fields().integer("limit");
  std::size_t wanted = limit <= 0 ? SIZE_MAX : static_cast<std::size_t>(limit);

  std::vector<std::string> names;
  for (;;) {
    TRY_ASSIGN(auto page, secrets::list(call.tx(), call.mount_id(), prefix, after,
                                        std::min(wanted, limits::kStorageListMax), depth));
    wanted -= page.names.size();
    std::move(page.names.begin(), page.names.end(), std::back_inserter(names));
    if (!page.more || wanted == 0) return names;
    after = names.back();
  }
}

void append_keys(json::Writer& writer, const std::vector<std::string>& names) {
  writer.key("keys").begin_array();
  for (const std::string& name : names) writer.string(name);
  writer.end_array();
}

Result<core::Reply> list_names(core::Call& call, std::string folder, secrets::Depth depth) {
  TRY_ASSIGN(const auto names, names_asked_for(call, std::move(folder), depth));
  if (names.empty()) return core::Reply::not_found();
  core::Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  append_keys(writer, names);
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
