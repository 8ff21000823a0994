#pragma once

#include <array>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/route.h"

namespace keyhold::core {

/// A route of an engine, ready to be called.
struct BoundRoute {
  const RouteInfo* info = nullptr;
  const void* route = nullptr;
  void* engine = nullptr;
  Result<Reply> (*invoke)(const BoundRoute&, Call&) = nullptr;
  Result<bool> (*exists)(const BoundRoute&, Call&) = nullptr;  // nullptr: no such read.
  Result<std::vector<Target>> (*targets)(const BoundRoute&, Call&) = nullptr;  // The same.
  std::vector<std::string_view> segments;                      // Of info->path, up to a "{name...}".
  bool takes_rest = false;                                     // The last of them is one.
  std::string_view after_rest;                                 // What follows it: "/tune". Mostly nothing.
};

/// Where engines of a type may be mounted.
enum class MountKind : std::uint8_t {
  kBuiltIn,  // Where the Config has them: nobody mounts another.
  kSecrets,  // Anywhere but below "auth/".
  kAuth,     // Below "auth/": what it gives out are tokens.
};

/// What the parameters of a route's path stand for in one request, in order. Spans of the path.
class PathValues {
 public:
  static constexpr std::size_t kMax = 4;  // CHECKed of every route.

  PathValues() = default;
  PathValues(std::initializer_list<std::string_view> values) {
    for (const std::string_view value : values) push_back(value);
  }
  void clear() { size_ = 0; }
  void push_back(std::string_view value) { values_[size_++] = value; }
  std::size_t size() const { return size_; }
  std::string_view operator[](std::size_t index) const { return values_[index]; }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.begin() + size_; }

 private:
  std::array<std::string_view, kMax> values_;
  std::size_t size_ = 0;
};

struct RouteMatch {
  const MountPoint* mount = nullptr;
  const BoundRoute* route = nullptr;
  std::string_view path;  // As checked, routed and stored: a span of what was asked for.
  PathValues path_values;
};

/// Finds the route of a request among the engines. Filled at start by src/server, then constant.
///
/// threads   Any, after the last add().
class Router {
 public:
  Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Engine has `static constexpr std::array<Route<Engine>, N> kRoutes`. `type` is what a mount names (engine_name()); `engine`
  /// outlives this. Several objects of one type are of one kind.
  template <typename Engine>
  void add(std::string type, Engine& engine, MountKind kind = MountKind::kBuiltIn) {
    EngineRoutes& routes = engines_[type].routes;
    engines_[std::move(type)].kind = kind;
    for (const auto& route : Engine::kRoutes) append(routes, bind(route, engine));
  }

  /// The same of a service of another API, whose routes are operations by name (Operation::kCall). They act on the mount at `mount`
  /// if it is of that engine (engine_name()); empty = on none.
  template <typename Engine>
  void add_service(std::string name, Engine& engine, std::string mount = {}, std::string mount_engine = {}) {
    Service& service = services_[std::move(name)];
    service.mount = std::move(mount);
    service.mount_engine = std::move(mount_engine);
    for (const auto& route : Engine::kRoutes) service.routes.emplace(route.info.path, bind(route, engine));
  }

  /// Another name for what has been added under `type`.
  void add_name(std::string name, std::string_view type) {
    const auto added = engines_.find(type);
    CHECK(added != engines_.end());
    engines_[std::move(name)] = added->second;
  }

  /// nullopt: a mount of this name (engine_name()) would not be served.
  std::optional<MountKind> kind_of(std::string_view engine) const;
  /// The names under which engines of a kind are mounted, in their order.
  std::vector<std::string_view> names_of(MountKind kind) const;

  /// The table of a mounted engine; empty when it is not in this program.
  std::span<const BoundRoute> routes_of(const MountPoint& mount) const;

  /// `path` is canonical; of a list it ends with a slash; of a call it is service and name. errors: kNotFound (no mount or no such
  /// path), kUnsupported (the path has other operations), kInvalid (a trailing slash where none may be).
  Result<RouteMatch> match(const Config& config, keys::NamespaceId owner, Operation operation,
                           std::string_view path) const;
  /// The route of the "system" engine that answers in every state, or nullptr: what a sealed node can match.
  Result<RouteMatch> match_sealed(Operation operation, std::string_view path) const;

 private:
  using EngineRoutes = std::vector<BoundRoute>;
  struct Entry {
    EngineRoutes routes;
    MountKind kind = MountKind::kBuiltIn;
  };
  struct Service {
    std::map<std::string_view, BoundRoute> routes;  // By the operation's name.
    std::string mount;
    std::string mount_engine;
  };

  template <typename Engine>
  static BoundRoute bind(const Route<Engine>& route, Engine& engine) {
    BoundRoute bound;
    bound.info = &route.info;
    bound.route = &route;
    bound.engine = &engine;
    bound.invoke = [](const BoundRoute& self, Call& call) {
      return (static_cast<Engine*>(self.engine)->*static_cast<const Route<Engine>*>(self.route)->handler)(call);
    };
    if (route.exists != nullptr) {
      bound.exists = [](const BoundRoute& self, Call& call) {
        return (static_cast<Engine*>(self.engine)->*static_cast<const Route<Engine>*>(self.route)->exists)(call);
      };
    }
    if (route.targets != nullptr) {
      bound.targets = [](const BoundRoute& self, Call& call) {
        return (static_cast<Engine*>(self.engine)->*static_cast<const Route<Engine>*>(self.route)->targets)(call);
      };
    }
    return bound;
  }
  Result<RouteMatch> match_call(const Config& config, keys::NamespaceId owner, std::string_view path) const;
  Result<Reply> help(Call& call) const;
  static void append(EngineRoutes& routes, BoundRoute route);
  static Result<RouteMatch> match_in(const EngineRoutes& routes, Operation operation, std::string_view path);
  static bool match_one(const BoundRoute& route, Operation operation, std::string_view path, PathValues& values);

  std::map<std::string, Entry, std::less<>> engines_;
  std::map<std::string, Service, std::less<>> services_;
  BoundRoute help_;  // Of every path: what Operation::kHelp matches.
};

}  // namespace keyhold::core
