#include "base/secret_bytes.h"

#include <string.h>  // explicit_bzero

#include <algorithm>

#include "base/result.h"
#include "base/secret_pool.h"

namespace keyhold {

// Invariant: the bytes from size_ to capacity_ are zero. What is cut off is wiped at once, so growing need not clear.

void SecretBytes::resize(std::size_t size) {
  if (size > capacity_) grow(size);
  if (size < size_) explicit_bzero(data_ + size, size_ - size);
  size_ = size;
}

void SecretBytes::grow(std::size_t capacity_min) {
  CHECK(capacity_min > capacity_);  // Callers add sizes: a sum that wrapped around ends here.
  const secret_pool::Block block = secret_pool::allocate(std::max(capacity_min, 2 * capacity_));
  if (size_ != 0) std::memcpy(block.data, data_, size_);
  const std::size_t size = size_;
  release();
  data_ = block.data;
  size_ = size;
  capacity_ = block.size;
}

void SecretBytes::append_growing(std::string_view bytes) {
  grow(size_ + bytes.size());
  std::memcpy(data_ + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void SecretBytes::release() noexcept {
  if (data_ == nullptr) return;
  explicit_bzero(data_, size_);
  secret_pool::release({data_, capacity_});
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
}

}  // namespace keyhold
