#pragma once

#include <cstddef>

/// The memory under SecretBytes. Nothing else uses it.
///
/// Sizes up to kPooledBytesMax come from size classes of powers of two, carved from slabs that are never returned;
/// larger ones have a mapping of their own. Every mapping is excluded from core dumps. A block is zero when handed out
/// and must be zero when handed back, so it is wiped once and never cleared again. Each thread keeps a few free
/// blocks of each class, so that the hot path takes no lock.
///
/// threads   Any.
namespace keyhold::secret_pool {

inline constexpr std::size_t kPooledBytesMax = 32 * 1024;

struct Block {
  char* data;
  std::size_t size;
};

/// At least `size_min` zero bytes (size_min > 0). Running out of address space is a CHECK.
Block allocate(std::size_t size_min);
/// `block` came from allocate() and holds only zero bytes.
void release(Block block) noexcept;

/// False once the kernel refused to exclude a mapping from core dumps.
bool excluded_from_dumps();

}  // namespace keyhold::secret_pool
