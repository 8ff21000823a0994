#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/policy/capability.h"
#include "core/policy/iam_actions.h"
#include "core/request.h"

/// Engines and auth methods are tables of routes. Everything that must hold for a route is declared here and done by the
/// Gate; help, the capability check, audit redaction and coverage come from the same table.
namespace keyhold::core {

class Call;
namespace records {
class Secret;
}

/// Types of request fields, as forgiving as Vault's framework: "3", 3 and "true", true are alike.
enum class FieldType : std::uint8_t {
  kString,
  kInteger,
  kBoolean,
  kDuration,      // Seconds, or Go's "1h30m".
  kStringList,    // An array, or a comma-separated string.
  kPolicyNames,   // The same, of policies: read in their normal form (core/policy/policy_name.h).
  kIntegerList,
  kStringMap,     // An object of strings.
  kObject,        // A JSON object, kept as received.
  kArray,         // A JSON array, the same.
};

enum class FieldSource : std::uint8_t {
  kPath,
  kQuery,
  kBody,       // A member of the body.
  kRawBody,    // The body is the value, of type kString, whatever bytes they are: such a route has no members of the body.
  kWholeBody,  // The body is the value, of type kObject: whatever members it has are content.
};

/// How a value appears in the audit journal. Only what is declared clear is written in clear.
enum class Audit : std::uint8_t { kHashed, kClear };

struct Field {
  std::string_view name;
  FieldType type = FieldType::kString;
  FieldSource source = FieldSource::kBody;
  Audit audit = Audit::kHashed;
  std::string_view help = {};
};

constexpr Field clear_field(std::string_view name, FieldType type, std::string_view help) {
  return {.name = name, .type = type, .audit = Audit::kClear, .help = help};
}

/// Who may call: a capability on the canonical path, with sudo beside it where the route says so, or anybody. Has no default, so a
/// route that declares none does not compile. Of anybody a route may still ask who it is, where what it tells depends on that.
class Access {
 public:
  constexpr Access(Capability capability) : capability_(capability) {}  // NOLINT: a route names a capability.
  static constexpr Access unauthenticated() { return Access(); }
  /// Anybody; but a token that is presented must be valid, and its holder is the call's principal. The handler decides what to tell.
  static constexpr Access with_optional_token() {
    Access access;
    access.takes_token_ = true;
    return access;
  }
  /// Of a path that Vault protects: the capability alone is not enough.
  static constexpr Access with_sudo(Capability capability) {
    Access access(capability);
    access.needs_sudo_ = true;
    return access;
  }

  /// Whoever presents no token of his own may present a wrapping token in the field "token", and is then its bearer.
  static constexpr Access with_wrapping_token(Capability capability) {
    Access access(capability);
    access.takes_wrapping_token_ = true;
    return access;
  }

  /// Whoever may do anything at all there or below.
  static constexpr Access any_capability() {
    Access access(Capability::kDeny);
    access.takes_any_ = true;
    return access;
  }

  /// Of an operation by name: the route's `targets` read says which capability on which paths.
  static constexpr Access by_targets() {
    Access access(Capability::kDeny);
    access.by_targets_ = true;
    return access;
  }

  constexpr bool open() const { return open_; }
  constexpr bool goes_by_targets() const { return by_targets_; }
  constexpr Capability capability() const { return capability_; }
  constexpr bool needs_sudo() const { return needs_sudo_; }
  constexpr bool takes_any() const { return takes_any_; }
  constexpr bool takes_wrapping_token() const { return takes_wrapping_token_; }
  constexpr bool takes_token() const { return !open_ || takes_token_; }

 private:
  constexpr Access() : open_(true) {}
  Capability capability_ = Capability::kDeny;
  bool open_ = false;
  bool needs_sudo_ = false;
  bool takes_wrapping_token_ = false;
  bool takes_token_ = false;  // Though it is open.
  bool takes_any_ = false;
  bool by_targets_ = false;
};

/// Where a handler runs. Each has its own bounded pool, so that what is slow cannot starve what is not.
enum class Cost : std::uint8_t {
  kCached,  // On the I/O thread against the caches; a miss runs again on the disk pool.
  kDisk,
  kCpu,     // Key generation, password hashing.
  kRemote,  // Other systems.
  kStream,  // The whole store, for as long as that takes.
};

/// The states of the node in which a route answers.
enum class Availability : std::uint8_t { kUnsealed, kAlways };

/// What of a request is in the journal, and when.
enum class Journaled : std::uint8_t {
  kYes,
  kIntentFirst,  // Has effects outside the store's commit (new keys, unsealing): not run before its intent is written.
  kNo,           // Tells the node's state to anybody and touches no secret: health checks would fill the journal.
};

/// What one trailing slash on the path of anything but a list means. Where it is ignored it is taken off before the
/// policy is asked, so the string that is checked is the one that is used.
enum class TrailingSlash : std::uint8_t { kRefused, kIgnored };

/// The part of a route that does not depend on its engine's type.
struct RouteInfo {
  Operation operation;
  /// Below the mount. "{name}" takes one segment; "{name...}" takes the rest, which may be empty in lists and scans, or all that is
  /// before the plain segments that follow it.
  std::string_view path;
  Access access;
  std::span<const Field> fields = {};
  Cost cost;
  Payload reply;
  Availability availability = Availability::kUnsealed;
  Journaled journaled = Journaled::kYes;
  TrailingSlash trailing_slash = TrailingSlash::kRefused;
  std::string_view help = {};  // A test refuses tables without it.
};

/// What an operation by name needs, and is told of in the journal by.
struct Target {
  std::string path;  // Canonical, as Vault's API would name it: "secret/data/prod/db".
  Capability capability = Capability::kDeny;
  std::optional<iam::Action> action{};  // What it is to IAM's policies.
  std::string aws_name{};               // Of the secret, to them; empty = it is about no one secret.
  std::shared_ptr<const records::Secret> head{};  // Of the secret, if it is there.
  enum class Need : std::uint8_t {
    kRequired,
    kUnlessDenied,  // Whoever is known may, or gets what he may have of several, unless a policy of IAM's denies it.
  };
  Need need = Need::kRequired;
};

template <typename Engine>
struct Route {
  RouteInfo info;
  Result<Reply> (Engine::*handler)(Call&);
  /// For an update that needs `create` when its target does not exist. What it reads becomes a condition of the commit.
  Result<bool> (Engine::*exists)(Call&) = nullptr;
  /// With Access::by_targets(): all of them are authorised before the handler runs, and the first stands in the journal.
  Result<std::vector<Target>> (Engine::*targets)(Call&) = nullptr;
};

/// A row of a table of operations by name.
template <typename Engine>
constexpr Route<Engine> operation_route(std::string_view name, std::span<const Field> fields, Cost cost,
                                        Result<Reply> (Engine::*handler)(Call&),
                                        Result<std::vector<Target>> (Engine::*targets)(Call&), std::string_view help) {
  return {.info = {.operation = Operation::kCall,
                   .path = name,
                   .access = Access::by_targets(),
                   .fields = fields,
                   .cost = cost,
                   .reply = Payload::kBare,
                   .help = help},
          .handler = handler,
          .targets = targets};
}

}  // namespace keyhold::core
