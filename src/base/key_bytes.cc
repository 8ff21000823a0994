#include "base/key_bytes.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>  // explicit_bzero
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/mutex.h"
#include "base/result.h"

namespace keyhold {
namespace {

constexpr std::size_t kArenaBytes = 1024 * 1024;  // An eighth of the usual RLIMIT_MEMLOCK.
constexpr std::size_t kSlotBytes = KeyBytes::kKeyBytesMax;
constexpr std::size_t kSlots = kArenaBytes / kSlotBytes;

/// The process's keys, between two guard pages. Never destroyed. A forked child reads zero bytes in place of every key.
///
/// The free list lies outside the arena, so that it survives in the child.
class Arena {
 public:
  Arena() {
    const auto guard_bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* span = mmap(nullptr, kArenaBytes + 2 * guard_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(span != MAP_FAILED);
    base_ = static_cast<char*>(span) + guard_bytes;
    if (map_secret_memory()) {
      protection_ = KeyBytes::Protection::kSecretMemory;
    } else {
      map_anonymous(base_);
      const bool locked = mlock(base_, kArenaBytes) == 0 && madvise(base_, kArenaBytes, MADV_DONTDUMP) == 0 &&
                          madvise(base_, kArenaBytes, MADV_WIPEONFORK) == 0;
      protection_ = locked ? KeyBytes::Protection::kLocked : KeyBytes::Protection::kUnlocked;
    }
  }

  KeyBytes::Protection protection() const { return protection_; }

  char* take() EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    if (free_slot_ != kNone) {
      const std::size_t slot = free_slot_;
      free_slot_ = next_free_[slot];
      return base_ + slot * kSlotBytes;
    }
    CHECK(fresh_slot_ < kSlots);
    return base_ + fresh_slot_++ * kSlotBytes;
  }

  /// The slot is wiped already.
  void give_back(const char* data) EXCLUDES(mutex_) {
    const auto slot = static_cast<std::size_t>(data - base_) / kSlotBytes;
    CHECK(slot < kSlots);
    const MutexLock lock(mutex_);
    next_free_[slot] = free_slot_;
    free_slot_ = static_cast<Slot>(slot);
  }

  // fork() runs these: another thread may hold the lock at that moment.
  void before_fork() ACQUIRE(mutex_) { mutex_.lock(); }
  void after_fork_in_parent() RELEASE(mutex_) { mutex_.unlock(); }
  void after_fork_in_child() RELEASE(mutex_) {
    if (protection_ == KeyBytes::Protection::kSecretMemory) map_anonymous(base_);
    mutex_.unlock();
  }

 private:
  using Slot = std::uint16_t;
  static constexpr Slot kNone = 0xffff;
  static_assert(kSlots <= kNone);

  static void map_anonymous(char* at) {
    void* memory = mmap(at, kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CHECK(memory == at);
  }

  /// memfd_secret(2) is locked and excluded from dumps by nature, and unmapped in the kernel itself. It is always shared
  /// memory, so a child must not inherit it: it would wipe its parent's keys when it ends.
  bool map_secret_memory() {
    const auto file = static_cast<int>(syscall(SYS_memfd_secret, O_CLOEXEC));
    if (file < 0) return false;
    const bool mapped = ftruncate(file, kArenaBytes) == 0 &&
                        mmap(base_, kArenaBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == base_ &&
                        madvise(base_, kArenaBytes, MADV_DONTFORK) == 0;
    close(file);
    return mapped;
  }

  char* base_ = nullptr;
  KeyBytes::Protection protection_ = KeyBytes::Protection::kUnlocked;
  Mutex mutex_;
  Slot free_slot_ GUARDED_BY(mutex_) = kNone;
  std::size_t fresh_slot_ GUARDED_BY(mutex_) = 0;
  std::array<Slot, kSlots> next_free_ GUARDED_BY(mutex_);
};

Arena& arena() {
  static Arena* const instance = [] {
    auto* created = new Arena;
    // NO_THREAD_SAFETY_ANALYSIS: the pairs meet in three different handlers.
    const int registered = pthread_atfork([]() NO_THREAD_SAFETY_ANALYSIS { arena().before_fork(); },
                                          []() NO_THREAD_SAFETY_ANALYSIS { arena().after_fork_in_parent(); },
                                          []() NO_THREAD_SAFETY_ANALYSIS { arena().after_fork_in_child(); });
    CHECK(registered == 0);
    return created;
  }();
  return *instance;
}

}  // namespace

KeyBytes::KeyBytes(std::size_t size) : size_(size) {
  CHECK(size <= kKeyBytesMax);
  if (size != 0) data_ = arena().take();
}

KeyBytes KeyBytes::copy_of(std::string_view bytes) {
  KeyBytes copy(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.data_, bytes.data(), bytes.size());
  return copy;
}

KeyBytes::~KeyBytes() {
  if (data_ == nullptr) return;
  explicit_bzero(data_, size_);
  arena().give_back(data_);
}

KeyBytes::KeyBytes(KeyBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

KeyBytes& KeyBytes::operator=(KeyBytes&& other) noexcept {
  KeyBytes taken(std::move(other));
  std::swap(data_, taken.data_);
  std::swap(size_, taken.size_);
  return *this;
}

KeyBytes::Protection KeyBytes::protection() { return arena().protection(); }

}  // namespace keyhold
