#include "base/secret_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>

#include "base/mutex.h"
#include "base/result.h"

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else  // Part of the sanitizers' package; without it nothing is built with ASan.
#define ASAN_POISON_MEMORY_REGION(address, bytes) static_cast<void>(bytes)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes) static_cast<void>(bytes)
#endif

namespace keyhold::secret_pool {
namespace {

constexpr std::size_t kSmallestBytes = 64;
constexpr std::size_t kClasses = std::bit_width(kPooledBytesMax / kSmallestBytes);
constexpr std::size_t kSlabBytes = 256 * 1024;
constexpr std::size_t kThreadCacheBytes = 32 * 1024;  // Of each class, within the two counts below.
constexpr std::size_t kThreadCacheBlocksMin = 4;
constexpr std::size_t kThreadCacheBlocksMax = 64;

constexpr std::size_t class_of(std::size_t size) {
  return size <= kSmallestBytes ? 0 : std::bit_width((size - 1) / kSmallestBytes);
}
constexpr std::size_t class_bytes(std::size_t size_class) { return kSmallestBytes << size_class; }
static_assert(class_of(kSmallestBytes) == 0 && class_of(kSmallestBytes + 1) == 1 && class_of(128) == 1);
static_assert(class_of(kPooledBytesMax) == kClasses - 1 && class_bytes(kClasses - 1) == kPooledBytesMax);

constexpr std::size_t cached_blocks_max(std::size_t size_class) {
  const std::size_t blocks = kThreadCacheBytes / class_bytes(size_class);
  return blocks < kThreadCacheBlocksMin   ? kThreadCacheBlocksMin
         : blocks > kThreadCacheBlocksMax ? kThreadCacheBlocksMax
                                          : blocks;
}

/// A free block; all of it but this link is zero. Poisoned for ASan while free.
struct FreeBlock {
  FreeBlock* next;
};

/// A stack of free blocks of one class.
class FreeList {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }

  void push(char* data, std::size_t bytes) {
    auto* block = reinterpret_cast<FreeBlock*>(data);
    block->next = head_;
    head_ = block;
    ++size_;
    ASAN_POISON_MEMORY_REGION(data, bytes);
  }
  char* pop(std::size_t bytes) {
    FreeBlock* block = head_;
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
    head_ = block->next;
    block->next = nullptr;
    --size_;
    return reinterpret_cast<char*>(block);
  }

 private:
  FreeBlock* head_ = nullptr;
  std::size_t size_ = 0;
};

std::atomic<bool> dumps_excluded{true};

char* map(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  if (madvise(memory, bytes, MADV_DONTDUMP) != 0) dumps_excluded.store(false, std::memory_order_relaxed);
  return static_cast<char*>(memory);
}

/// The blocks of one class that no thread holds.
struct Central {
  Mutex mutex;
  FreeList free GUARDED_BY(mutex);
  char* slab GUARDED_BY(mutex) = nullptr;  // The part not carved yet.
  std::size_t slab_bytes GUARDED_BY(mutex) = 0;

  char* take(std::size_t bytes) REQUIRES(mutex) {
    if (!free.empty()) return free.pop(bytes);
    if (slab_bytes == 0) {
      slab = map(kSlabBytes);
      slab_bytes = kSlabBytes;
    }
    char* data = slab;
    slab += bytes;
    slab_bytes -= bytes;
    return data;
  }
};
static_assert(kSlabBytes % kPooledBytesMax == 0);

// Never destroyed, as SecretBytes with static lifetime may outlive any destructor.
constinit std::array<Central, kClasses> central;

/// One thread's free blocks. Trivially destructible, so that it can be used while the thread's other objects die.
struct ThreadCache {
  enum class State : std::uint8_t { kCold, kLive, kDead };
  State state = State::kCold;
  std::array<FreeList, kClasses> lists;
};
constinit thread_local ThreadCache cache;

void give_back(std::size_t size_class, std::size_t count) {
  const std::size_t bytes = class_bytes(size_class);
  FreeList& list = cache.lists[size_class];
  Central& shared = central[size_class];
  const MutexLock lock(shared.mutex);
  for (; count > 0; --count) shared.free.push(list.pop(bytes), bytes);
}

/// Empties the thread's cache when it ends; blocks released after that go straight to the shared lists.
struct Reaper {
  ~Reaper() {
    cache.state = ThreadCache::State::kDead;
    for (std::size_t i = 0; i < kClasses; ++i) give_back(i, cache.lists[i].size());
  }
};
thread_local Reaper reaper;

/// Whether this thread may keep blocks, registering its end first.
bool thread_caches() {
  if (cache.state == ThreadCache::State::kCold) {
    [[maybe_unused]] Reaper* const constructed = &reaper;
    cache.state = ThreadCache::State::kLive;
  }
  return cache.state == ThreadCache::State::kLive;
}

char* refill(std::size_t size_class) {
  const std::size_t bytes = class_bytes(size_class);
  const std::size_t extra = thread_caches() ? cached_blocks_max(size_class) / 2 : 0;
  Central& shared = central[size_class];
  const MutexLock lock(shared.mutex);
  for (std::size_t i = 0; i < extra && !shared.free.empty(); ++i) {
    cache.lists[size_class].push(shared.free.pop(bytes), bytes);
  }
  return shared.take(bytes);
}

std::size_t whole_pages(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  CHECK(bytes <= std::numeric_limits<std::ptrdiff_t>::max() - page);
  return (bytes + page - 1) / page * page;
}

}  // namespace

Block allocate(std::size_t size_min) {
  if (size_min > kPooledBytesMax) {
    const std::size_t bytes = whole_pages(size_min);
    return {map(bytes), bytes};
  }
  const std::size_t size_class = class_of(size_min);
  const std::size_t bytes = class_bytes(size_class);
  FreeList& list = cache.lists[size_class];
  return {list.empty() ? refill(size_class) : list.pop(bytes), bytes};
}

void release(Block block) noexcept {
  if (block.size > kPooledBytesMax) {
    CHECK(munmap(block.data, block.size) == 0);
    return;
  }
  const std::size_t size_class = class_of(block.size);
  if (!thread_caches()) {
    Central& shared = central[size_class];
    const MutexLock lock(shared.mutex);
    shared.free.push(block.data, block.size);
    return;
  }
  FreeList& list = cache.lists[size_class];
  list.push(block.data, block.size);
  if (list.size() > cached_blocks_max(size_class)) give_back(size_class, list.size() / 2);
}

bool excluded_from_dumps() { return dumps_excluded.load(std::memory_order_relaxed); }

}  // namespace keyhold::secret_pool
