#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace keyhold::core {

/// SipHash (Aumasson and Bernstein, 2012), by default with 1 compression and 3 finalisation rounds: for hash tables whose
/// keys clients choose, so that nobody can make them collide. Not a MAC. OpenSSL's needs a microsecond of set-up a call.
///
/// threads   Any.
template <int kCompressionRounds = 1, int kFinalRounds = 3>
class SipHash {
 public:
  using Key = std::array<std::uint64_t, 2>;
  explicit SipHash(const Key& key) : key_(key) {}

  std::uint64_t operator()(std::string_view bytes) const {
    State state{key_[0] ^ 0x736f6d6570736575, key_[1] ^ 0x646f72616e646f6d, key_[0] ^ 0x6c7967656e657261,
                key_[1] ^ 0x7465646279746573};
    const std::uint64_t size = bytes.size();
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) state.absorb(little_endian(bytes.data(), 8));
    state.absorb(size << 56 | little_endian(bytes.data(), bytes.size()));
    state.v2 ^= 0xff;
    state.template rounds<kFinalRounds>();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  }

 private:
  static_assert(std::endian::native == std::endian::little);

  static std::uint64_t little_endian(const char* at, std::size_t size) {
    std::uint64_t word = 0;
    if (size != 0) std::memcpy(&word, at, size);
    return word;
  }

  struct State {
    std::uint64_t v0, v1, v2, v3;

    template <int kRounds>
    void rounds() {
      for (int i = 0; i < kRounds; ++i) {
        v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
      }
    }
    void absorb(std::uint64_t word) {
      v3 ^= word;
      rounds<kCompressionRounds>();
      v0 ^= word;
    }
  };

  Key key_;
};

}  // namespace keyhold::core
