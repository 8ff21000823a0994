#pragma once

#include <array>

#include "core/call.h"
#include "core/node.h"
#include "core/root_token_attempts.h"
#include "core/route.h"

namespace keyhold::engine {

/// The fields of RootTokenRoutes.
namespace root_tokens {

inline constexpr core::Field kNonce{.name = "nonce", .help = "Of the attempt, as its start told it."};
inline constexpr std::array kStatusFields{
    core::Field{.name = "nonce", .source = core::FieldSource::kQuery, .help = "Of the attempt; empty = the caller's own."}};
inline constexpr std::array kStartFields{
    core::Field{.name = "otp", .help = "The one-time pad to encrypt the token with; one is made when it is absent."},
    core::Field{.name = "pgp_key", .help = "Refused: the token is encrypted by the pad only."}};
inline constexpr std::array kCancelFields{kNonce};
inline constexpr std::array kShareFields{core::Field{.name = "key", .help = "One share, in hexadecimal or base64."}, kNonce};
inline constexpr std::array kDecodeFields{core::Field{.name = "encoded_token", .help = "As the last share was answered with."},
                                          core::Field{.name = "otp", .help = "The one-time pad."}};

constexpr core::RouteInfo info(core::Operation operation, std::string_view path, core::Access access, std::span<const core::Field> fields,
                               core::Journaled journaled, core::Payload reply, std::string_view help) {
  return {.operation = operation,
          .path = path,
          .access = access,
          .fields = fields,
          .cost = core::Cost::kDisk,
          .reply = reply,
          .journaled = journaled,
          .help = help};
}

}  // namespace root_tokens

/// "sys/generate-root/", which takes no token: shares and a nonce are what it takes; and "sys/generate-root-token/", which takes both.
///
/// What strangers do here is recorded before it happens, or refused (Gate); see core/root_token_attempts.h for what it can do to others.
///
/// threads   Any.
/// source    Vault API, sys/generate-root, sys/decode-token; OpenBao API, sys/generate-root-token.
class RootTokenRoutes {
 public:
  explicit RootTokenRoutes(core::Node& node) : node_(node) {}

  Result<core::Reply> status(core::Call& call);
  Result<core::Reply> start(core::Call& call);
  Result<core::Reply> cancel(core::Call& call);
  Result<core::Reply> cancel_any(core::Call& call);
  Result<core::Reply> give(core::Call& call);
  Result<core::Reply> decode(core::Call& call);

 private:
  core::RootTokenAttempts::Context context(core::Call& call);

  core::Node& node_;

  using Route = core::Route<RootTokenRoutes>;
  static constexpr std::array<Route, 12> all_routes() {
    using enum core::Operation;
    using core::Access;
    using core::Capability;
    using core::Journaled;
    using core::Payload;
    using root_tokens::info;
    constexpr Access anybody = Access::unauthenticated();
    return {
        Route{info(kRead, "generate-root", anybody, root_tokens::kStatusFields, Journaled::kYes, Payload::kBare,
                   "How far the making of a root token has come."),
              &RootTokenRoutes::status},
        Route{info(kUpdate, "generate-root", anybody, root_tokens::kStartFields, Journaled::kIntentFirst, Payload::kBare,
                   "Begin to make a root token out of key shares."),
              &RootTokenRoutes::start},
        Route{info(kDelete, "generate-root", Access::with_optional_token(), root_tokens::kCancelFields, Journaled::kIntentFirst,
                   Payload::kNone, "Give the making of a root token up: takes its nonce, or a token with sudo."),
              &RootTokenRoutes::cancel},
        Route{info(kRead, "generate-root/attempt", anybody, root_tokens::kStatusFields, Journaled::kYes, Payload::kBare,
                   "How far the making of a root token has come."),
              &RootTokenRoutes::status},
        Route{info(kUpdate, "generate-root/attempt", anybody, root_tokens::kStartFields, Journaled::kIntentFirst, Payload::kBare,
                   "Begin to make a root token out of key shares."),
              &RootTokenRoutes::start},
        Route{info(kDelete, "generate-root/attempt", Access::with_optional_token(), root_tokens::kCancelFields, Journaled::kIntentFirst,
                   Payload::kNone, "Give the making of a root token up: takes its nonce, or a token with sudo."),
              &RootTokenRoutes::cancel},
        Route{info(kUpdate, "generate-root/update", anybody, root_tokens::kShareFields, Journaled::kIntentFirst, Payload::kBare,
                   "Give one key share; the last one needed is answered with the root token, encrypted by the pad."),
              &RootTokenRoutes::give},
        Route{info(kUpdate, "decode-token", anybody, root_tokens::kDecodeFields, Journaled::kYes, Payload::kSystem,
                   "Decrypt a root token by its one-time pad."),
              &RootTokenRoutes::decode},
        Route{info(kRead, "generate-root-token/attempt", Capability::kRead, root_tokens::kStatusFields, Journaled::kYes,
                   Payload::kSystem, "How far the making of a root token has come."),
              &RootTokenRoutes::status},
        Route{info(kUpdate, "generate-root-token/attempt", Access::with_sudo(Capability::kUpdate), root_tokens::kStartFields,
                   Journaled::kYes, Payload::kSystem, "Begin to make a root token out of key shares."),
              &RootTokenRoutes::start},
        Route{info(kDelete, "generate-root-token/attempt", Access::with_sudo(Capability::kDelete), root_tokens::kCancelFields,
                   Journaled::kYes, Payload::kNone, "Give the making of a root token up; without a nonce, of all of them."),
              &RootTokenRoutes::cancel_any},
        Route{info(kUpdate, "generate-root-token/update", Capability::kUpdate, root_tokens::kShareFields, Journaled::kYes,
                   Payload::kSystem, "Give one key share; the last one needed is answered with the root token, encrypted by the pad."),
              &RootTokenRoutes::give},
    };
  }

 public:
  static const std::array<core::Route<RootTokenRoutes>, 12> kRoutes;
};

inline constexpr std::array<core::Route<RootTokenRoutes>, 12> RootTokenRoutes::kRoutes = RootTokenRoutes::all_routes();

}  // namespace keyhold::engine
