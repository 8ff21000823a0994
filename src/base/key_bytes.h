#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace keyhold {

/// A cryptographic key, in the process's one locked arena (memfd_secret; else mmap + mlock + MADV_DONTDUMP +
/// MADV_WIPEONFORK; else unlocked, which protection() says and the server repeats loudly at start).
///
/// Move-only, at most kKeyBytesMax, wiped on destruction. The arena is at most 1 MiB; running out of it is a CHECK.
/// threads   One at a time; the arena is safe from any thread.
class KeyBytes {
 public:
  static constexpr std::size_t kKeyBytesMax = 64;

  KeyBytes() noexcept = default;
  explicit KeyBytes(std::size_t size);  // Zero bytes.
  static KeyBytes copy_of(std::string_view bytes);
  ~KeyBytes();
  KeyBytes(KeyBytes&& other) noexcept;
  KeyBytes& operator=(KeyBytes&& other) noexcept;
  KeyBytes(const KeyBytes&) = delete;
  KeyBytes& operator=(const KeyBytes&) = delete;

  KeyBytes clone() const { return copy_of(reveal()); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view reveal() const { return {data_, size_}; }
  std::span<char> writable() { return {data_, size_}; }

  enum class Protection { kSecretMemory, kLocked, kUnlocked };
  /// How the arena is protected on this machine.
  static Protection protection();

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace keyhold
