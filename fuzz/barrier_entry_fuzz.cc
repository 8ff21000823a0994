// What one with access to the store can hand to the barrier and the seal: entries, wrapped keys and their records.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/seal/barrier.h"
#include "core/seal/keyring.h"
#include "core/seal/seal_records.h"

namespace {

using namespace keyhold;

struct Open {
  Open() {
    crypto::SeededRng keys(1);
    barrier.unseal(std::string(core::Barrier::kStoreIdBytes, 'S'), core::Keyring::create(keys, 0));
    key = keys.key(32);
  }
  crypto::OsRng rng;
  core::Barrier barrier{rng};
  KeyBytes key;
};

/// A true entry with one byte changed never opens.
void change_one_byte(const Open& open, std::string_view input) {
  if (input.size() < 3 || input[2] == 0) return;
  auto entry = open.barrier.encrypt("nkey", input.substr(3));
  CHECK(entry.ok());
  const auto at = (static_cast<std::uint8_t>(input[0]) << 8 | static_cast<std::uint8_t>(input[1])) % entry->size();
  (*entry)[at] = static_cast<char>((*entry)[at] ^ input[2]);
  CHECK(!open.barrier.decrypt("nkey", *entry).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Open open;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CHECK(!open.barrier.decrypt("nkey", input).ok());
  change_one_byte(open, input);
  CHECK(!core::seal_records::unwrap(open.key, {"sroot-key", "store", "config"}, input).ok());
  static_cast<void>(core::seal_records::parse_store_id(input));
  if (const auto config = core::seal_records::parse_config(input); config.ok()) {
    CHECK(core::seal_records::parse_config(core::seal_records::encode_config(*config)).ok());
  }
  if (const auto keyring = core::Keyring::parse(input); keyring.ok()) {
    CHECK(core::Keyring::parse(keyring->serialize().reveal()).ok());
  }
  return 0;
}
