#include "engine/sys/lease_routes.h"

#include <set>

#include "base/encoding.h"
#include "base/time_format.h"
#include "core/expiry.h"
#include "core/keys.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::MountPoint;
using core::Reply;

constexpr std::size_t kTokenIdBytes = 32;
constexpr std::size_t kAtOnce = 10;         // Leases ended by the request itself: each is up to 9 operations of its commit.
constexpr std::size_t kListedMax = 100'000;
constexpr std::size_t kJobIdBytes = 16;

std::string given_id(const Call& call) {
  // A route has one of the two.
  return call.fields().text(call.fields().has("url_lease_id") ? "url_lease_id" : "lease_id");
}

/// What of `path` is below the mount.
std::string_view below(const MountPoint& mount, std::string_view path) {
  return path.substr(std::min(mount.record.path().size(), path.size()));
}

/// The mount that gave a token out, or nullptr.
const MountPoint* mount_of(const Call& call, const core::records::Token& record) {
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    if (mount->record.id() == record.mount_id()) return mount;
  }
  return nullptr;
}

/// The id of a token's lease as it is now: where its mount is.
std::string lease_id_of(const Call& call, const core::TokenState& token) {
  const MountPoint* mount = mount_of(call, *token.record);
  const std::string folder = mount == nullptr ? std::string() : mount->record.path();
  return folder + token.record->lease_path() + "/" + core::keys::lease_name(token.id);
}

/// The token whose lease this is: by the path of its mount now, or by the one that made it, so that an id given out before the mount
/// moved still ends it. errors: kInvalid: no such lease.
Result<core::TokenState> find_lease(const Call& call, std::string_view lease_id) {
  const Error invalid{Code::kInvalid, "invalid lease"};
  if (lease_id.empty()) return Error{Code::kInvalid, "lease_id must be specified"};
  const std::size_t slash = lease_id.rfind('/');
  if (slash == std::string_view::npos) return invalid;
  const std::string_view name = lease_id.substr(slash + 1);
  if (!name.starts_with('h')) return invalid;
  auto token_id = hex_decode(name.substr(1));
  if (!token_id.ok() || token_id->size() != kTokenIdBytes) return invalid;
  const std::string_view path = lease_id.substr(0, slash);
  auto found = call.session().tokens.find(call.tx(), call.namespace_id(), std::move(*token_id));
  if (!found.ok()) return found.code() == Code::kDenied ? invalid : found.error();
  const core::records::Token& record = *found->record;
  const bool now = lease_id == lease_id_of(call, *found);
  if ((!now && path != record.path()) || record.mount_id() == 0 || found->expires_ms() == 0) return invalid;
  return found;
}

/// A part of the leases: those of one mount below one path.
struct Folder {
  const MountPoint* mount;
  std::string path;  // Empty, or with a slash at its end.
};

/// Where leases whose ids begin with `prefix` may be; `prefix` is empty or ends with a slash.
std::vector<Folder> folders(const Call& call, std::string_view prefix) {
  std::vector<Folder> found;
  for (const MountPoint* mount : call.config().mounts(call.namespace_id())) {
    const std::string& path = mount->record.path();
    if (path.starts_with(prefix)) {
      found.push_back({mount, {}});
    } else if (prefix.starts_with(path)) {
      found.push_back({mount, std::string(below(*mount, prefix))});
    }
  }
  return found;
}

/// Names right below the prefix, and the folders there.
Result<void> add_names(const Call& call, const Folder& folder, std::string_view prefix, std::set<std::string>& names) {
  const std::string below_mount = core::keys::leases_below(folder.mount->record.id(), folder.path);
  storage::ListOptions options;
  options.prefix = below_mount;
  options.delimiter = '/';
  const std::string& path = folder.mount->record.path();
  if (folder.path.empty() && path.size() > prefix.size()) {
    // The mount itself is below the prefix: of its path, the next segment is a name if it has leases at all.
    options.limit = 1;
    TRY_ASSIGN(const storage::Page page, call.tx().list(options));
    if (!page.items.empty()) names.emplace(path.substr(prefix.size(), path.find('/', prefix.size()) + 1 - prefix.size()));
    return {};
  }
  std::string after;
  for (bool more = true; more && names.size() < kListedMax;) {
    options.after = after;
    TRY_ASSIGN(const storage::Page page, call.tx().list(options));
    for (const auto& item : page.items) names.emplace(item.key.substr(below_mount.size()));
    more = page.more;
    if (more) after = page.items.back().key;
  }
  return {};
}

/// Ends some of the leases of a folder, and leaves a job for the rest.
Result<void> end_leases(const Call& call, const Folder& folder, std::size_t& left_at_once) {
  const std::string prefix = core::keys::leases_below(folder.mount->record.id(), folder.path);
  storage::ListOptions options;
  options.prefix = prefix;
  options.limit = left_at_once + 1;
  TRY_ASSIGN(const storage::Page page, call.tx().list(options));
  bool all = !page.more;
  for (const auto& item : page.items) {
    if (left_at_once == 0) {
      all = false;
      break;
    }
    TRY_ASSIGN(const auto lease, call.tx().load<core::records::TokenRef>(item.key));
    if (lease == nullptr) continue;
    --left_at_once;
    auto ended = call.session().tokens.revoke(call.tx(), lease->namespace_id(), lease->token());
    if (!ended.ok() && ended.code() != Code::kDenied) return ended;
  }
  if (all) return {};
  core::records::Job job;
  job.set_kind(core::records::Job::END_LEASES);
  job.set_namespace_id(call.namespace_id());
  job.set_mount_id(folder.mount->record.id());
  job.set_lease_path(folder.path);
  job.set_created_ms(call.now());
  call.tx().put(core::keys::token_job(call.namespace_id(), call.rng().bytes(kJobIdBytes)), core::encode_record(job));
  return {};
}

Result<void> check_type(const Call& call) {
  if (call.fields().text("type") == "irrevocable") return {};
  return Error{Code::kInvalid, "the parameter \"type\" must be irrevocable"};
}

}  // namespace

Result<Reply> LeaseRoutes::lookup(Call& call) {
  const std::string lease_id = given_id(call);
  TRY_ASSIGN(const core::TokenState state, find_lease(call, lease_id));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("expire_time").string(format_rfc3339(state.expires_ms()));
  writer.key("id").string(lease_id_of(call, state));
  writer.key("issue_time").string(format_rfc3339(state.record->created_ms()));
  writer.key("last_renewal");
  if (state.life->renewed_ms() == 0) {
    writer.null();
  } else {
    writer.string(format_rfc3339(state.life->renewed_ms()));
  }
  writer.key("renewable").boolean(state.record->renewable());
  writer.key("ttl").number((state.expires_ms() - call.now()) / 1000);
  writer.end_object();
  return reply;
}

Result<Reply> LeaseRoutes::list(Call& call) {
  const std::string prefix = call.fields().text("prefix");
  std::set<std::string> names;
  for (const Folder& folder : folders(call, prefix)) TRY(add_names(call, folder, prefix, names));
  if (names.empty()) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("keys").begin_array();
  for (const std::string& name : names) writer.string(name);
  writer.end_array().end_object();
  if (names.size() >= kListedMax) reply.warnings.emplace_back("there are more leases than one answer can hold");
  return reply;
}

Result<Reply> LeaseRoutes::renew(Call& call) {
  TRY(find_lease(call, given_id(call)));
  return Error{Code::kInvalid, "tokens cannot be renewed through this endpoint"};
}

Result<Reply> LeaseRoutes::revoke(Call& call) {
  const std::string lease_id = given_id(call);
  if (lease_id.empty()) return Error{Code::kInvalid, "lease_id must be specified"};
  const auto found = find_lease(call, lease_id);
  // What is not there needs no end.
  if (!found.ok() && found.code() == Code::kInvalid) return Reply::none();
  if (!found.ok()) return found.error();
  TRY(call.session().tokens.revoke(call.tx(), call.namespace_id(), found->id));
  return Reply::none();
}

Result<Reply> LeaseRoutes::revoke_prefix(Call& call) {
  std::string prefix = call.fields().text("prefix");
  // A whole id names its lease; else it is a folder.
  if (const auto one = find_lease(call, prefix); one.ok()) {
    TRY(call.session().tokens.revoke(call.tx(), call.namespace_id(), one->id));
    return Reply::none();
  } else if (one.code() != Code::kInvalid) {
    return one.error();
  }
  if (!prefix.ends_with('/')) prefix.push_back('/');
  std::size_t left_at_once = kAtOnce;
  for (const Folder& folder : folders(call, prefix)) TRY(end_leases(call, folder, left_at_once));
  return Reply::none();
}

Result<Reply> LeaseRoutes::irrevocable(Call& call) {
  TRY(check_type(call));
  Reply reply;
  json::Writer(reply.data).begin_object().key("lease_count").number(0).key("leases").begin_array().end_array().end_object();
  return reply;
}

Result<Reply> LeaseRoutes::count_irrevocable(Call& call) {
  TRY(check_type(call));
  Reply reply;
  json::Writer(reply.data).begin_object().key("counts").begin_object().end_object().key("lease_count").number(0).end_object();
  return reply;
}

Result<Reply> LeaseRoutes::tidy(Call& call) {
  TRY(core::expire_from_the_beginning(call.tx()));
  Reply reply = Reply::none();
  reply.warnings.emplace_back(
      "Tidy operation successfully started. Any information from the operation will be printed to the server logs.");
  return reply;
}

}  // namespace keyhold::engine
