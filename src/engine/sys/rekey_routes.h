#pragma once

#include <array>
#include <utility>

#include "core/call.h"
#include "core/node.h"
#include "core/rekey_attempt.h"
#include "core/route.h"

namespace keyhold::engine {

/// The fields and routes of RekeyRoutes; each has two names.
namespace rekeying {

inline constexpr core::Field kNonce{.name = "nonce", .help = "Of the attempt, as its start told it."};
inline constexpr std::array kStartFields{
    core::Field{.name = "secret_shares",
                .type = core::FieldType::kInteger,
                .audit = core::Audit::kClear,
                .help = "Shares to split the new unseal key into."},
    core::Field{.name = "secret_threshold",
                .type = core::FieldType::kInteger,
                .audit = core::Audit::kClear,
                .help = "Shares needed to unseal."},
    core::Field{.name = "require_verification",
                .type = core::FieldType::kBoolean,
                .audit = core::Audit::kClear,
                .help = "Keep the old shares until enough of the new ones were given back."},
    core::Field{.name = "pgp_keys", .type = core::FieldType::kStringList, .help = "Refused: shares are not encrypted."},
    core::Field{.name = "backup",
                .type = core::FieldType::kBoolean,
                .audit = core::Audit::kClear,
                .help = "Refused: no copy of the shares is kept."}};
inline constexpr std::array kCancelFields{kNonce};
inline constexpr std::array kShareFields{core::Field{.name = "key", .help = "One share, in hexadecimal or base64."}, kNonce};

struct Names {
  std::string_view start;
  std::string_view update;
  std::string_view verify;
};

constexpr core::RouteInfo info(core::Operation operation, std::string_view path, core::Access access, std::span<const core::Field> fields,
                               core::Payload reply, std::string_view help) {
  return {.operation = operation, .path = path, .access = access, .fields = fields, .cost = core::Cost::kDisk, .reply = reply, .help = help};
}

}  // namespace rekeying

/// "sys/rekey/" and "sys/rotate/root/": new key shares and a new root key. Of a server that unseals itself the shares are those of the
/// recovery key, and the names "sys/rekey-recovery-key/" and "sys/rotate/recovery/".
///
/// All of them take a token, and what changes something takes shares or sudo as well (CVE-2025-4656, CVE-2026-5807).
///
/// threads   Any.
/// source    Vault API, sys/rekey; OpenBao API, sys/rotate/root.
class RekeyRoutes {
 public:
  explicit RekeyRoutes(core::Node& node) : node_(node) {}

  Result<core::Reply> status(core::Call& call);
  Result<core::Reply> start(core::Call& call);
  Result<core::Reply> cancel(core::Call& call);
  Result<core::Reply> give(core::Call& call);
  Result<core::Reply> verification(core::Call& call);
  Result<core::Reply> verify(core::Call& call);
  Result<core::Reply> restart_verification(core::Call& call);

 private:
  /// errors: kInvalid: the path is of the other kind of shares.
  Result<core::RekeyAttempt::Context> context(core::Call& call);

  core::Node& node_;

  using Route = core::Route<RekeyRoutes>;
  static constexpr std::array<Route, 7> routes(const rekeying::Names& names, core::Payload reply) {
    using enum core::Operation;
    using core::Access;
    using core::Capability;
    using rekeying::info;
    return {Route{info(kRead, names.start, Capability::kRead, {}, reply, "How far a rekeying has come."), &RekeyRoutes::status},
            Route{info(kUpdate, names.start, Access::with_sudo(Capability::kUpdate), rekeying::kStartFields, reply,
                       "Begin to replace the key shares."),
                  &RekeyRoutes::start},
            Route{info(kDelete, names.start, Access::with_sudo(Capability::kDelete), rekeying::kCancelFields, core::Payload::kNone,
                       "Give a rekeying up; the old shares stay valid."),
                  &RekeyRoutes::cancel},
            Route{info(kUpdate, names.update, Capability::kUpdate, rekeying::kShareFields, reply,
                       "Give one of the old shares; the last one needed is answered with the new ones."),
                  &RekeyRoutes::give},
            Route{info(kRead, names.verify, Capability::kRead, {}, reply, "How far the proof of the new shares has come."),
                  &RekeyRoutes::verification},
            Route{info(kUpdate, names.verify, Capability::kUpdate, rekeying::kShareFields, reply,
                       "Give one of the new shares back; the last one needed puts them into force."),
                  &RekeyRoutes::verify},
            Route{info(kDelete, names.verify, Access::with_sudo(Capability::kDelete), {}, reply,
                       "Begin the proof of the new shares anew."),
                  &RekeyRoutes::restart_verification}};
  }
  static constexpr std::array<Route, 28> all_routes() {
    using core::Payload;
    const std::array tables{
        routes({"rekey/init", "rekey/update", "rekey/verify"}, Payload::kBare),
        routes({"rotate/root/init", "rotate/root/update", "rotate/root/verify"}, Payload::kSystem),
        routes({"rekey-recovery-key/init", "rekey-recovery-key/update", "rekey-recovery-key/verify"}, Payload::kBare),
        routes({"rotate/recovery/init", "rotate/recovery/update", "rotate/recovery/verify"}, Payload::kSystem)};
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return std::array<Route, 28>{tables[I / 7][I % 7]...};
    }(std::make_index_sequence<28>());
  }

 public:
  static const std::array<core::Route<RekeyRoutes>, 28> kRoutes;
};

inline constexpr std::array<core::Route<RekeyRoutes>, 28> RekeyRoutes::kRoutes = RekeyRoutes::all_routes();

}  // namespace keyhold::engine
