#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/key_bytes.h"
#include "base/secret_bytes.h"

namespace keyhold::crypto {

/// Random bytes, passed to everything that needs them so that tests can hold them.
///
/// threads   Any.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual void fill(std::span<char> out) = 0;

  std::string bytes(std::size_t size);
  KeyBytes key(std::size_t size);
  SecretBytes secret(std::size_t size);
  std::uint64_t number();
  /// `size` characters of [0-9A-Za-z], without bias.
  SecretBytes base62(std::size_t size);
};

/// The operating system's random source, drawn in blocks per thread; used bytes are wiped. A failure of getrandom(2)
/// is a CHECK: going on without randomness is not an option. Safe across fork().
class OsRng final : public Rng {
 public:
  void fill(std::span<char> out) override;
};

/// Reproducible, for tests: the bytes follow from the seed and the sizes asked for.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed);
  ~SeededRng() override;
  void fill(std::span<char> out) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace keyhold::crypto
