#include "core/seal/seal_records.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "base/encoding.h"
#include "core/seal/barrier.h"
#include "core/seal/tagged_record.h"
#include "crypto/xaes256gcm.h"

namespace keyhold::core::seal_records {
namespace {

using crypto::Xaes256Gcm;

constexpr std::uint8_t kConfigFormat = 1;
constexpr std::uint8_t kSharesTag = 1;     // 1 byte.
constexpr std::uint8_t kThresholdTag = 2;  // 1 byte.
constexpr std::uint8_t kTypeTag = 3;
constexpr std::uint8_t kStoreIdTag = 4;

constexpr char kStoreIdFormat = 1;

constexpr char kWrapFormat = 1;
constexpr std::size_t kNumberAt = 1;
constexpr std::size_t kNonceAt = 5;
constexpr std::size_t kCiphertextAt = kNonceAt + Xaes256Gcm::kNonceBytes;

void append_sized(std::string& out, std::string_view bytes) {
  char size[4];
  put_big_endian32(size, static_cast<std::uint32_t>(bytes.size()));
  out.append(size, sizeof size).append(bytes);
}

/// format ‖ number ‖ each part with its length before it (4 bytes, big endian).
std::string associated_data(std::string_view format_and_number, const Binding& binding) {
  std::string associated(format_and_number);
  append_sized(associated, binding.store_id);
  append_sized(associated, binding.storage_key);
  append_sized(associated, binding.config);
  return associated;
}

std::string small_number(int value) { return std::string(1, static_cast<char>(value)); }

}  // namespace

std::string retired_root_key_key(std::uint32_t number) {
  char bytes[4];
  put_big_endian32(bytes, number);
  return std::string("sretired-root-key").append(bytes, sizeof bytes);
}

std::size_t share_bytes(const Config& config) { return kUnsealKeyBytes + (config.threshold > 1 ? 1 : 0); }

bool valid_numbers(int shares, int threshold) {
  return threshold >= 1 && threshold <= shares && shares <= kSharesMax && (threshold > 1 || shares == 1);
}

std::string encode_config(const Config& config) {
  SecretBytes record;  // Not secret; the writer wants it.
  begin_tagged(record, kConfigFormat);
  append_tagged(record, kSharesTag, small_number(config.shares));
  append_tagged(record, kThresholdTag, small_number(config.threshold));
  append_tagged(record, kTypeTag, config.type);
  append_tagged(record, kStoreIdTag, config.store_id);
  return std::string(record.reveal());
}

Result<Config> parse_config(std::string_view record) {
  const Error corrupt{Code::kCorrupt, "the seal configuration is not one"};
  TRY_ASSIGN(const auto fields, parse_tagged(record, kConfigFormat));
  Config config;
  for (const TaggedField& field : fields) {
    if (field.tag == kSharesTag || field.tag == kThresholdTag) {
      if (field.value.size() != 1) return corrupt;
      (field.tag == kSharesTag ? config.shares : config.threshold) = static_cast<std::uint8_t>(field.value[0]);
    } else if (field.tag == kTypeTag) {
      config.type = field.value;
    } else if (field.tag == kStoreIdTag) {
      config.store_id = field.value;
    }
  }
  const bool whole = valid_numbers(config.shares, config.threshold) && !config.type.empty() &&
                     config.store_id.size() == Barrier::kStoreIdBytes;
  if (!whole) return corrupt;
  return config;
}

std::string encode_store_id(std::string_view store_id) { return std::string(1, kStoreIdFormat).append(store_id); }

Result<std::string> parse_store_id(std::string_view record) {
  if (record.size() != 1 + Barrier::kStoreIdBytes || record[0] != kStoreIdFormat) {
    return Error{Code::kCorrupt, "the store id is not one"};
  }
  return std::string(record.substr(1));
}

std::string wrap(const KeyBytes& key, const Binding& binding, std::uint32_t root_key_number,
                 std::string_view plaintext, crypto::Rng& rng) {
  std::string record(kCiphertextAt, kWrapFormat);
  put_big_endian32(record.data() + kNumberAt, root_key_number);
  rng.fill(std::span(record).subspan(kNonceAt));
  // A copy: seal() appends to the record, whose memory may move.
  const std::string nonce = record.substr(kNonceAt);
  Xaes256Gcm(key).seal(nonce, associated_data(record.substr(0, kNonceAt), binding), plaintext, record);
  return record;
}

Result<std::uint32_t> root_key_number_of(std::string_view record) {
  if (record.size() < kCiphertextAt + Xaes256Gcm::kTagBytes || record[0] != kWrapFormat) {
    return Error{Code::kCorrupt, "a wrapped key is not one"};
  }
  return get_big_endian32(record.data() + kNumberAt);
}

Result<Unwrapped> unwrap(const KeyBytes& key, const Binding& binding, std::string_view record) {
  TRY_ASSIGN(const std::uint32_t number, root_key_number_of(record));
  const std::string associated = associated_data(record.substr(0, kNonceAt), binding);
  Unwrapped unwrapped;
  unwrapped.root_key_number = number;
  TRY_ASSIGN(unwrapped.plaintext,
             Xaes256Gcm(key).open(record.substr(kNonceAt, Xaes256Gcm::kNonceBytes), associated, record.substr(kCiphertextAt)));
  return unwrapped;
}

}  // namespace keyhold::core::seal_records
