#pragma once

#include <array>
#include <iosfwd>
#include <string>

#include "base/flags.h"

namespace keyhold::core::audit {

inline constexpr std::array kVerifyFlags{
    Flag{.name = "public-key", .value_name = "HEX", .help = "The signer. Keep a copy of it away from the server: who can write the journal could sign it anew by a key of their own"},
    Flag{.name = "archived", .help = "The oldest files are kept elsewhere. Else it is a problem if they are missing, unless the journal has signed that its bound dropped them", .takes = Flag::Takes::kNothing},
};
/// The key of a flag -public-key: 32 bytes, or empty when it is not given. errors: kInvalid, for people.
Result<std::string> public_key_of(const Arguments& arguments);

/// `keyhold audit verify FILE|FOLDER`.
///
/// returns   0 good; 1 tampered with or damaged, or a key was given and nothing is signed; 2 misused, or unreadable.
int audit_verify_command(const Arguments& arguments, std::ostream& out, std::ostream& err);

}  // namespace keyhold::core::audit
