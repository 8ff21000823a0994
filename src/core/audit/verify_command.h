#pragma once

#include <iosfwd>
#include <span>
#include <string_view>

namespace keyhold::core::audit {

/// `keyhold audit verify FILE|DIRECTORY [--public-key HEX] [--archived]`: `arguments` are what follows `verify`.
///
/// returns   0 good; 1 tampered with or damaged, or a key was given and nothing is signed; 2 usage, or unreadable.
int audit_verify_command(std::span<const std::string_view> arguments, std::ostream& out, std::ostream& err);

}  // namespace keyhold::core::audit
