#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace keyhold {

/// Bytes that must not leak: a request body, a stored value, a reply.
///
/// Move-only; wiped when destroyed, shrunk or reallocated; allocated from a process-wide pool of pages that are
/// excluded from core dumps and wiped on free. There is no formatter and no operator==: compare with
/// crypto::equal_constant_time(), look with reveal(), which a test keeps a list of.
///
/// threads   One at a time, like std::string. The pool is safe from any thread.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;
  ~SecretBytes() { release(); }
  SecretBytes(SecretBytes&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
  }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  static SecretBytes copy_of(std::string_view bytes) {
    SecretBytes copy;
    copy.append(bytes);
    return copy;
  }
  /// `size` zero bytes, to be filled through writable().
  static SecretBytes zeroed(std::size_t size) {
    SecretBytes bytes;
    bytes.resize(size);
    return bytes;
  }
  SecretBytes clone() const { return copy_of(reveal()); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t capacity() const { return capacity_; }

  /// The one way to look. The view dies with the next change of this object.
  std::string_view reveal() const { return {data_, size_}; }
  std::span<char> writable() { return {data_, size_}; }

  void reserve(std::size_t capacity) {
    if (capacity > capacity_) grow(capacity);
  }
  void append(std::string_view bytes) {
    if (bytes.size() > capacity_ - size_) return append_growing(bytes);
    if (bytes.empty()) return;
    std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void push_back(char byte) {
    if (size_ == capacity_) grow(size_ + 1);
    data_[size_++] = byte;
  }
  /// Growing adds zero bytes; shrinking wipes what is cut off.
  void resize(std::size_t size);
  /// Wipes the content, keeps the memory.
  void clear() { resize(0); }

 private:
  void grow(std::size_t capacity_min);  // To at least this, and at least double.
  void append_growing(std::string_view bytes);
  void release() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace keyhold
