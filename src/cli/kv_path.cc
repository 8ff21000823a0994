#include "cli/kv_path.h"

#include "cli/render.h"

namespace keyhold::cli {

std::string MountedPath::api_path(std::string_view section) const {
  if (version == 1) return mount + rest;
  std::string path = mount + std::string(section);
  if (!rest.empty()) path.append("/").append(rest);
  return path;
}

Result<MountedPath> find_mount(Session& session, std::string_view path) {
  const std::string given = clean_path(path);
  const std::string named = clean_path(session.flag("mount"));
  const std::string whole = named.empty() ? given : named + (given.empty() ? "" : "/" + given);
  if (whole.empty()) return usage_error("say which path");
  auto answer = session.look({.path = "sys/internal/ui/mounts/" + whole});
  if (!answer.ok()) {
    Error error = std::move(answer).error();
    if (error.code == Code::kDenied) {
      error.message.append("\n\nThe server does not say which engine ").append(whole).append(" leads into: the token may read nothing there.");
    }
    return error;
  }
  return mounted_path(*answer, whole);
}

Result<MountedPath> mounted_path(const client::ApiAnswer& answer, const std::string& whole) {
  MountedPath found;
  const auto data = answer.data();
  const auto mount = data ? data->find("path") : std::nullopt;
  const auto mount_text = mount ? mount->as_string() : Result<std::string>(Error{});
  if (!mount_text.ok()) return Error{Code::kInternal, "the server does not say which engine " + whole + " leads into", client::kRemote};
  found.mount = folder_path(*mount_text);
  if (whole.size() > found.mount.size()) found.rest = whole.substr(found.mount.size());
  const auto options = data->find("options");
  const auto version = options && options->is_object() ? options->find("version") : std::nullopt;
  if (version && plain_text(*version).reveal() == "2") found.version = 2;
  return found;
}

std::optional<json::Value> kv_content(const client::ApiAnswer& answer, int engine_version) {
  auto content = answer.data();
  if (engine_version == 2) content = content && content->is_object() ? content->find("data") : std::nullopt;
  return content && content->is_object() ? content : std::nullopt;
}

std::int64_t kv_version(const client::ApiAnswer& answer) {
  const auto data = answer.data();
  const auto metadata = data && data->is_object() ? data->find("metadata") : std::nullopt;
  const auto version = metadata && metadata->is_object() ? metadata->find("version") : std::nullopt;
  const auto number = version ? version->as_int() : Result<std::int64_t>(Error{});
  return number.ok() ? *number : 0;
}

}  // namespace keyhold::cli
