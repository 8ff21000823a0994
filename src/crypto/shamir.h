#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/random.h"

namespace keyhold::crypto {

/// Shamir's secret sharing over GF(2^8) (polynomial 0x11b), without tables or secret-dependent branches (CVE-2023-25000).
/// A share is the secret's length plus one byte, its x coordinate, last: the format of Vault's shares.
///
/// errors   kInvalid: 2 <= threshold <= shares <= 255 does not hold (shares = threshold = 1 is the caller's case),
///          or the secret is empty.
Result<std::vector<SecretBytes>> shamir_split(const SecretBytes& secret, int shares, int threshold, Rng& rng);

/// The secret, if the shares belong together and are enough; otherwise some other bytes: the caller checks the result.
/// errors   kInvalid: fewer than two shares, unequal lengths, a coordinate twice or zero.
Result<SecretBytes> shamir_combine(std::span<const SecretBytes> shares);

}  // namespace keyhold::crypto
