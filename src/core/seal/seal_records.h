#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/key_bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/random.h"

/// The records outside the barrier: what is read before there is a key (docs/storage_format.md).
namespace keyhold::core::seal_records {

inline constexpr std::string_view kConfigKey = "sseal-config";
inline constexpr std::string_view kStoreIdKey = "sstore-id";
inline constexpr std::string_view kRootKeyKey = "sroot-key";
inline constexpr std::string_view kKeyringKey = "skeyring";
/// A root key that was replaced, wrapped by the next one: an older snapshot's keyring remains readable.
std::string retired_root_key_key(std::uint32_t number);
/// The root key since the last rekeying, behind the barrier: what another unsealed node follows with.
inline constexpr std::string_view kCurrentRootKeyKey{"c\0\0\0\0\0\0\0\1root-key", 17};

inline constexpr std::size_t kUnsealKeyBytes = 32;
inline constexpr std::size_t kRootKeyBytes = 32;
inline constexpr int kSharesMax = 255;

/// How the store is unsealed. Readable by all, authenticated as associated data of the root key.
struct Config {
  int shares = 0;     // Of the unseal key; of the recovery key when the server unseals itself.
  int threshold = 0;
  std::string type;      // kShamir, or an AutoSeal's.
  std::string store_id;  // 16 bytes.
};

/// 1 <= threshold <= shares <= 255, and threshold 1 only with one share.
bool valid_numbers(int shares, int threshold);

/// The unseal key as an AutoSeal wrapped it.
inline constexpr std::string_view kAutoUnsealKey = "sauto-unseal-key";
/// SHA-256 of the recovery key, behind the barrier.
inline constexpr std::string_view kRecoveryKeyKey{"c\0\0\0\0\0\0\0\1recovery-key", 21};
/// The public key (32) of the snapshot that was put in place of the store while it was closed. Gone once the store was opened.
inline constexpr std::string_view kRestoredKey = "srestored";
inline constexpr std::string_view kShamir = "shamir";

/// Bytes of one share.
std::size_t share_bytes(const Config& config);

std::string encode_config(const Config& config);
/// errors: kCorrupt.
Result<Config> parse_config(std::string_view record);

std::string encode_store_id(std::string_view store_id);
/// errors: kCorrupt.
Result<std::string> parse_store_id(std::string_view record);

/// What a wrapped record is bound to.
struct Binding {
  std::string_view storage_key;
  std::string_view store_id;
  std::string_view config;  // The seal configuration as stored; empty for records that do not depend on it.
};

/// format ‖ number of the root key in it or around it (4) ‖ nonce (24) ‖ ciphertext ‖ tag (16).
std::string wrap(const KeyBytes& key, const Binding& binding, std::uint32_t root_key_number,
                 std::string_view plaintext, crypto::Rng& rng);

/// The number in a wrapped record, which is not yet known to be genuine. errors: kCorrupt.
Result<std::uint32_t> root_key_number_of(std::string_view record);

struct Unwrapped {
  std::uint32_t root_key_number = 0;
  SecretBytes plaintext;
};
/// errors: kCorrupt: tampered, bound to something else, or under another key.
Result<Unwrapped> unwrap(const KeyBytes& key, const Binding& binding, std::string_view record);

}  // namespace keyhold::core::seal_records
