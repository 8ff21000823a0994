#include "crypto/shamir.h"

#include <bitset>
#include <cstdint>

namespace keyhold::crypto {
namespace {

constexpr int kSharesMax = 255;  // Coordinates are the field's elements but 0, where the secret lies.

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr std::uint8_t multiply(std::uint8_t a, std::uint8_t b) {
  std::uint32_t product = 0;
  std::uint32_t shifted = a;
  for (int bit = 0; bit < 8; ++bit) {
    product ^= shifted & (0u - (b >> bit & 1u));
    shifted = shifted << 1 ^ (0x11bu & (0u - (shifted >> 7 & 1u)));
  }
  return static_cast<std::uint8_t>(product);
}
static_assert(multiply(0x57, 0x83) == 0xc1);  // FIPS 197 §4.2.

/// a^254 = 1/a; 0 for 0.
constexpr std::uint8_t inverse(std::uint8_t a) {
  std::uint8_t power = a;
  for (int bit = 0; bit < 6; ++bit) power = multiply(multiply(power, power), a);  // a^127 at the end.
  return multiply(power, power);
}
static_assert(multiply(inverse(0x53), 0x53) == 1 && inverse(0) == 0);

std::uint8_t byte_at(std::string_view bytes, std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); }

std::uint8_t coordinate(const SecretBytes& share) { return byte_at(share.reveal(), share.size() - 1); }

/// The weight of share `index` in the value at 0: product of x_j / (x_j - x_i) over the others.
std::uint8_t weight(std::span<const SecretBytes> shares, std::size_t index) {
  const std::uint8_t own = coordinate(shares[index]);
  std::uint8_t product = 1;
  for (std::size_t j = 0; j < shares.size(); ++j) {
    if (j == index) continue;
    const std::uint8_t other = coordinate(shares[j]);
    product = multiply(product, multiply(other, inverse(other ^ own)));
  }
  return product;
}

}  // namespace

Result<std::vector<SecretBytes>> shamir_split(const SecretBytes& secret, int shares, int threshold, Rng& rng) {
  if (threshold < 2 || shares < threshold || shares > kSharesMax) {
    return Error{Code::kInvalid, "2 <= threshold <= shares <= 255 does not hold"};
  }
  if (secret.empty()) return Error{Code::kInvalid, "nothing to share"};

  // One polynomial a byte, of which the byte is the constant term.
  const auto degree = static_cast<std::size_t>(threshold - 1);
  const SecretBytes coefficients = rng.secret(degree * secret.size());
  std::vector<SecretBytes> result;
  for (int x = 1; x <= shares; ++x) {
    SecretBytes share;
    share.reserve(secret.size() + 1);
    for (std::size_t i = 0; i < secret.size(); ++i) {
      std::uint8_t value = 0;
      for (std::size_t term = degree; term-- > 0;) {
        value = multiply(value ^ byte_at(coefficients.reveal(), i * degree + term), static_cast<std::uint8_t>(x));
      }
      share.push_back(static_cast<char>(value ^ byte_at(secret.reveal(), i)));
    }
    share.push_back(static_cast<char>(x));
    result.push_back(std::move(share));
  }
  return result;
}

Result<SecretBytes> shamir_combine(std::span<const SecretBytes> shares) {
  if (shares.size() < 2) return Error{Code::kInvalid, "fewer than two shares"};
  std::bitset<kSharesMax + 1> seen;
  for (const SecretBytes& share : shares) {
    if (share.size() < 2 || share.size() != shares[0].size()) {
      return Error{Code::kInvalid, "shares of different or impossible lengths"};
    }
    if (coordinate(share) == 0) return Error{Code::kInvalid, "a share has no coordinate"};
    if (seen[coordinate(share)]) return Error{Code::kInvalid, "a share is given twice"};
    seen.set(coordinate(share));
  }

  SecretBytes secret = SecretBytes::zeroed(shares[0].size() - 1);
  for (std::size_t index = 0; index < shares.size(); ++index) {
    const std::uint8_t share_weight = weight(shares, index);
    for (std::size_t i = 0; i < secret.size(); ++i) {
      char& byte = secret.writable()[i];
      byte = static_cast<char>(byte ^ multiply(byte_at(shares[index].reveal(), i), share_weight));
    }
  }
  return secret;
}

}  // namespace keyhold::crypto
