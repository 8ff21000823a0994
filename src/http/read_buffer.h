#pragma once

#include <string.h>  // explicit_bzero

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "base/secret_bytes.h"

namespace keyhold::http {

/// What a connection has received and not used yet. Wiped as it is used.
class ReadBuffer {
 public:
  static constexpr std::size_t kBytesUsual = 4096;

  std::string_view unread() const { return bytes_.reveal().substr(begin_, end_ - begin_); }

  /// Room for at least one byte, in a buffer of at least `capacity` bytes. Moves what is unread.
  std::span<char> space(std::size_t capacity) {
    if (begin_ != 0) {
      const std::size_t size = end_ - begin_;
      char* const data = bytes_.writable().data();
      std::memmove(data, data + begin_, size);
      explicit_bzero(data + size, begin_);
      begin_ = 0;
      end_ = size;
    }
    if (bytes_.size() < capacity || bytes_.size() == end_) {
      bytes_.reserve(std::max(capacity, 2 * end_));
      bytes_.resize(bytes_.capacity());
    }
    return bytes_.writable().subspan(end_);
  }
  void received(std::size_t bytes) { end_ += bytes; }

  void use(std::size_t bytes) {
    if (bytes == 0) return;  // There may be no buffer yet.
    explicit_bzero(bytes_.writable().data() + begin_, bytes);
    begin_ += bytes;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Gives back a buffer that had to grow.
  void trim() {
    if (end_ == 0 && bytes_.size() > kBytesUsual) bytes_ = {};
  }

 private:
  SecretBytes bytes_;  // Zero outside of [begin_, end_).
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace keyhold::http
