#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "base/spool_file.h"
#include "core/keys.h"
#include "core/signature_v4.h"
#include "crypto/random.h"

/// What every wire API turns its requests into, and gets back: see design.md, "one door".
namespace keyhold::core {

enum class Api : std::uint8_t { kVault, kAws, kInternal };
std::string_view to_string(Api api);

enum class Operation : std::uint8_t {
  kRead,
  kUpdate,
  kPatch,
  kDelete,
  kList,  // Names of one folder.
  kScan,  // Names of a folder and of all folders below it.
  kHelp,  // What can be asked of a path.
  kCall,  // An operation of another API by its name, which is the path: "secretsmanager/GetSecretValue".
};
std::string_view to_string(Operation operation);
/// What these ask about is a folder: its path ends with a slash, however it was asked for.
constexpr bool of_folder(Operation operation) { return operation == Operation::kList || operation == Operation::kScan; }

/// What these are asked for does not change anything.
constexpr bool only_looks(Operation operation) {
  return operation == Operation::kRead || operation == Operation::kHelp || of_folder(operation);
}

/// The token last seen on a connection and its id, which costs an HMAC to find. Touched on the connection's I/O thread only.
struct TokenMemo {
  SecretBytes token;
  std::string id;
};

/// An AWS access key and what it signed, or why that is none.
struct SignedCredential {
  SignatureV4 signature;
  std::optional<SignatureFault> fault;
  AwsProtocol protocol = AwsProtocol::kJson;  // In whose words errors are told.
};

/// Proves who asks. Exactly one kind per request.
struct Credential {
  SecretBytes token;          // Empty = none was presented.
  std::unique_ptr<SignedCredential> signed_by;  // Of AWS's API, always; else nullptr.
  TokenMemo* memo = nullptr;  // Of the connection, which outlives the request; may be null.
};

struct Request {
  Api api = Api::kVault;
  Operation operation = Operation::kRead;
  keys::NamespaceId namespace_id = keys::kRootNamespace;
  std::string path;  // Canonical: core/path.h.
  std::string region;  // Of AWS's API: where the client takes the server to be.
  Credential credential;
  std::vector<std::pair<std::string, std::string>> query;
  SecretBytes body;  // A JSON object, or empty. Not yet parsed: that happens after the route's bounds are known.
  /// How long the answer is to live in a wrapping token; nullopt = it is given as it is.
  std::optional<std::int64_t> wrap_ttl_s;
  std::string peer_address;
  std::uint16_t peer_port = 0;
  bool secure = false;  // It came over TLS.
};

/// Names a request in its answer and in the audit records: a random UUID (RFC 9562, version 4) as text.
class RequestId {
 public:
  RequestId() = default;
  static RequestId random(crypto::Rng& rng);
  std::string_view text() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 36> text_{};
};

/// The shape of a successful reply, declared by the route.
enum class Payload : std::uint8_t {
  kNone,    // Success is all there is to say.
  kSecret,  // `data`.
  kAuth,    // `auth`.
  kSystem,  // `data`, which Vault also spreads over the top level.
  kBare,    // `data` alone, without an envelope.
  kBytes,   // The same, of another content type, which the reply names; it cannot be wrapped.
};

/// The state of the node, for the routes that report it.
enum class NodeState : std::uint8_t { kActive, kSealed, kUninitialized };

/// The token in which an answer waits (core/wrapping.h).
struct WrapInfo {
  SecretBytes token;
  std::string accessor;
  std::int64_t ttl_s = 0;
  UnixMillis created_ms = 0;
  std::string creation_path;     // Of the request whose answer it is.
  std::string wrapped_accessor;  // Of the token in that answer; empty when there is none.
};

struct Reply {
  enum class Outcome : std::uint8_t { kFound, kEmpty, kNotFound };
  Outcome outcome = Outcome::kFound;
  SecretBytes data{};  // A JSON object; for Payload::kAuth the auth object.
  std::vector<std::string> warnings{};
  std::vector<SecretBytes> field_warnings{};  // They name what the client sent (core/field_warnings.h).
  std::optional<NodeState> state{};  // Of routes that report the node's state.
  /// Members of a JSON object, rendered and redacted by the handler, for the audit record: `"version":3`. May be empty.
  std::string audit_members{};
  std::int64_t lease_duration_s = 0;  // How long the client may use this before it reads again; 0 = nothing is said.
  std::string_view content_type{};        // Of Payload::kBytes.
  std::shared_ptr<const SpoolFile> file{};  // The same; what follows `data`.
  std::optional<Payload> payload{};       // In place of the route's: the shape of what was unwrapped.
  std::unique_ptr<WrapInfo> wrap_info{};  // What there was to say waits there; `data` is empty.

  static Reply none() { return {Outcome::kEmpty}; }
  static Reply not_found() { return {Outcome::kNotFound}; }
  static Reply of(SecretBytes data) { return {Outcome::kFound, std::move(data)}; }
};

/// What the Gate answers: a reply of the route's shape, or an error.
struct Answer {
  RequestId request_id;
  Result<Reply> result = Reply::none();
  Payload payload = Payload::kNone;
  std::string_view mount_type;  // "kv". Lives while the answer is given (Gate::Done), not longer.
  std::int64_t retry_after_s = 0;  // With kUnavailable: when to try again.
};

}  // namespace keyhold::core
