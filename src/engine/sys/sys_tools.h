#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::engine {

/// The fields of SysTools; some routes take them from the path.
namespace tools {

constexpr core::Field bytes_from(core::FieldSource source) {
  return {.name = "bytes",
          .type = core::FieldType::kInteger,
          .source = source,
          .audit = core::Audit::kClear,
          .help = "How many bytes; 32 when absent."};
}
constexpr core::Field source_from(core::FieldSource source) {
  return {.name = "source",
          .source = source,
          .audit = core::Audit::kClear,
          .help = "\"platform\"; \"seal\" and \"all\" are the same here."};
}
constexpr core::Field algorithm_from(core::FieldSource source) {
  return {.name = "algorithm",
          .source = source,
          .audit = core::Audit::kClear,
          .help = "sha2-256 when absent, or sha2-224, -384, -512, sha3-224, -256, -384, -512."};
}
inline constexpr core::Field kFormat{.name = "format", .audit = core::Audit::kClear, .help = "\"hex\" or \"base64\"."};
inline constexpr core::Field kInput{.name = "input", .help = "What to hash, in base64."};

using enum core::FieldSource;
inline constexpr std::array kRandom{bytes_from(kBody), source_from(kBody), kFormat};
inline constexpr std::array kRandomBytes{bytes_from(kPath), source_from(kBody), kFormat};
inline constexpr std::array kRandomSource{source_from(kPath), bytes_from(kPath), kFormat};
inline constexpr std::array kHash{kInput, algorithm_from(kBody), kFormat};
inline constexpr std::array kHashAlgorithm{algorithm_from(kPath), kInput, kFormat};

template <typename Engine>
constexpr core::Route<Engine> route(std::string_view path, std::span<const core::Field> fields,
                                    Result<core::Reply> (Engine::*handler)(core::Call&), std::string_view help) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Capability::kUpdate,
                   .fields = fields,
                   .cost = core::Cost::kCpu,
                   .reply = core::Payload::kSecret,
                   .help = help},
          .handler = handler};
}

}  // namespace tools

/// "sys/tools/": randomness and hashes for whoever has no better source.
///
/// One object; it has no state.
/// source   Vault API, sys/tools.
class SysTools {
 public:
  Result<core::Reply> random(core::Call& call);
  Result<core::Reply> hash(core::Call& call);

  static constexpr std::array kRoutes{
      tools::route("tools/random", tools::kRandom, &SysTools::random, "Random bytes."),
      tools::route("tools/random/{bytes}", tools::kRandomBytes, &SysTools::random, "So many random bytes."),
      tools::route("tools/random/{source}/{bytes}", tools::kRandomSource, &SysTools::random,
                   "So many random bytes from a source."),
      tools::route("tools/hash", tools::kHash, &SysTools::hash, "The hash of a value."),
      tools::route("tools/hash/{algorithm}", tools::kHashAlgorithm, &SysTools::hash, "The hash of a value under an algorithm."),
  };
};

}  // namespace keyhold::engine
