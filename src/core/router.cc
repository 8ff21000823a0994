#include "core/router.h"

#include <algorithm>

#include "core/call.h"
#include "core/open_api.h"

namespace keyhold::core {
namespace {

constexpr std::string_view kSysPrefix = "sys/";
constexpr std::string_view kSysEngine = "system";

bool is_parameter(std::string_view segment) { return segment.starts_with('{'); }

/// Takes the next segment off `path`; false at its end.
bool next_segment(std::string_view& path, std::string_view& segment) {
  if (path.empty()) return false;
  const std::size_t slash = path.find('/');
  segment = path.substr(0, slash);
  path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  return true;
}

}  // namespace

Router::Router() {
  static constexpr RouteInfo kHelp{.operation = Operation::kHelp,
                                   .path = "{path...}",
                                   .access = Access::any_capability(),
                                   .cost = Cost::kCached,
                                   .reply = Payload::kBare,
                                   .help = "What can be asked of a path."};
  help_.info = &kHelp;
  help_.engine = this;
  help_.invoke = [](const BoundRoute& self, Call& call) { return static_cast<const Router*>(self.engine)->help(call); };
}

void Router::append(EngineRoutes& routes, BoundRoute route) {
  std::string_view rest = route.info->path;
  std::string_view segment;
  while (!route.takes_rest && next_segment(rest, segment)) {
    route.segments.push_back(segment);
    route.takes_rest = segment.ends_with("...}");
  }
  if (!rest.empty()) route.after_rest = {rest.data() - 1, rest.size() + 1};  // With its slash.
  CHECK(std::count_if(route.segments.begin(), route.segments.end(), is_parameter) <=
        static_cast<std::ptrdiff_t>(PathValues::kMax));
  routes.push_back(std::move(route));
}

std::optional<MountKind> Router::kind_of(std::string_view engine) const {
  const auto found = engines_.find(engine);
  return found == engines_.end() ? std::nullopt : std::optional(found->second.kind);
}

std::vector<std::string_view> Router::names_of(MountKind kind) const {
  std::vector<std::string_view> names;
  for (const auto& [name, entry] : engines_) {
    if (entry.kind == kind) names.push_back(name);
  }
  return names;
}

bool Router::match_one(const BoundRoute& route, Operation operation, std::string_view path, PathValues& values) {
  values.clear();
  if (!route.after_rest.empty()) {
    if (of_folder(operation) && path.ends_with('/')) path.remove_suffix(1);
    if (!path.ends_with(route.after_rest)) return false;
    path.remove_suffix(route.after_rest.size());
  }
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    if (route.takes_rest && i + 1 == route.segments.size()) {
      if (path.empty() && (!of_folder(operation) || !route.after_rest.empty())) return false;
      values.push_back(path);
      return true;
    }
    std::string_view segment;
    if (!next_segment(path, segment)) return false;
    if (is_parameter(route.segments[i])) {
      values.push_back(segment);
    } else if (segment != route.segments[i]) {
      return false;
    }
  }
  return path.empty();
}

Result<RouteMatch> Router::match_in(const EngineRoutes& routes, Operation operation, std::string_view path) {
  RouteMatch match;
  bool other_operation = false;
  const BoundRoute* first = nullptr;  // Its path is the one; a later and wider one does not get the other operations.
  for (const BoundRoute& route : routes) {
    if (first != nullptr && route.info->path != first->info->path) continue;
    if (!match_one(route, operation, path, match.path_values)) continue;
    if (route.info->operation == operation) {
      match.route = &route;
      return match;
    }
    other_operation = true;
    // What lies below a path is not what a route without a rest is about: a wider one may list it.
    if (!of_folder(operation) || route.takes_rest) first = &route;
  }
  if (other_operation) return Error{Code::kUnsupported, "unsupported operation"};
  return Error{Code::kNotFound, "unsupported path"};
}

std::span<const BoundRoute> Router::routes_of(const MountPoint& mount) const {
  const auto engine = engines_.find(mount.engine);
  if (engine == engines_.end()) return {};
  return engine->second.routes;
}

Result<Reply> Router::help(Call& call) const {
  DescribedMount mount{call.mount().record.path(), call.mount().record.engine(), {}};
  const std::string_view below = call.path().substr(std::min(mount.path.size(), call.path().size()));
  PathValues values;
  for (const BoundRoute& route : routes_of(call.mount())) {
    // The table's order decides, as it does for requests: what a plain path says is not said by a wider one.
    const bool same = mount.routes.empty() || mount.routes.front()->info->path == route.info->path;
    if (below.empty() || (same && match_one(route, route.info->operation, below, values))) mount.routes.push_back(&route);
  }
  if (mount.routes.empty()) return Error{Code::kNotFound, "no handler for route: unsupported path"};
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object();
  writer.key("help").string(below.empty() ? help_of_mount(mount) : help_of_path(mount));
  writer.key("see_also").null();
  append_open_api(writer.key("openapi"), {&mount, 1}, MountPaths::kActual);
  writer.end_object();
  return reply;
}

Result<RouteMatch> Router::match_call(const Config& config, keys::NamespaceId owner, std::string_view path) const {
  const std::size_t slash = std::min(path.find('/'), path.size());
  const auto service = services_.find(path.substr(0, slash));
  if (service == services_.end()) return Error{Code::kUnsupported, "no such service"};
  const auto route = service->second.routes.find(path.substr(std::min(slash + 1, path.size())));
  if (route == service->second.routes.end()) return Error{Code::kUnsupported, "no such operation"};
  RouteMatch match;
  match.route = &route->second;
  match.path = path;
  if (service->second.mount.empty()) return match;
  match.mount = config.mount_of(owner, service->second.mount);
  if (match.mount == nullptr || match.mount->record.path() != service->second.mount ||
      match.mount->engine != service->second.mount_engine) {
    return Error{Code::kNotFound, "no secrets engine of the kind " + service->second.mount_engine + " is mounted at " +
                                      service->second.mount + ", where this API's secrets are"};
  }
  return match;
}

Result<RouteMatch> Router::match(const Config& config, keys::NamespaceId owner, Operation operation,
                                 std::string_view path) const {
  if (operation == Operation::kCall) return match_call(config, owner, path);
  const MountPoint* mount = config.mount_of(owner, path);
  if (mount == nullptr) return Error{Code::kNotFound, "no handler for route: nothing is mounted at this path"};
  const auto engine = engines_.find(mount->engine);
  if (engine == engines_.end()) return Error{Code::kNotFound, "the engine mounted there is not in this program"};
  const bool slash = path.ends_with('/') && !of_folder(operation);
  if (slash) path.remove_suffix(1);
  if (operation == Operation::kHelp) return RouteMatch{mount, &help_, path, {}};
  const std::size_t mount_bytes = std::min(mount->record.path().size(), path.size());
  TRY_ASSIGN(RouteMatch match, match_in(engine->second.routes, operation, path.substr(mount_bytes)));
  if (slash && match.route->info->trailing_slash == TrailingSlash::kRefused) {
    return Error{Code::kInvalid, "the path ends with a slash, which only a list may"};
  }
  match.mount = mount;
  match.path = path;
  return match;
}

Result<RouteMatch> Router::match_sealed(Operation operation, std::string_view path) const {
  const auto engine = engines_.find(kSysEngine);
  if (engine != engines_.end() && path.starts_with(kSysPrefix)) {
    auto match = match_in(engine->second.routes, operation, path.substr(kSysPrefix.size()));
    if (match.ok() && match->route->info->availability == Availability::kAlways) {
      match->path = path;
      return match;
    }
  }
  return Error{Code::kSealed, "Vault is sealed"};
}

}  // namespace keyhold::core
