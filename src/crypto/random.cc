#include "crypto/random.h"

#include <string.h>  // explicit_bzero
#include <sys/mman.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <random>

#include "base/mutex.h"
#include "base/result.h"

namespace keyhold::crypto {
namespace {

void fill_from_system(std::span<char> out) {
  while (!out.empty()) {
    const ssize_t count = getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    CHECK(count > 0);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

/// Random bytes drawn ahead for one thread, in a page that reads as zero in a forked child, its count of unused bytes
/// included: a child never hands out what its parent will.
class RandomBlock {
 public:
  RandomBlock() {
    void* memory = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    if (madvise(memory, sizeof(Page), MADV_WIPEONFORK) != 0 || madvise(memory, sizeof(Page), MADV_DONTDUMP) != 0) {
      munmap(memory, sizeof(Page));
      return;
    }
    page_ = static_cast<Page*>(memory);
  }
  ~RandomBlock() {
    if (page_ == nullptr) return;
    explicit_bzero(page_, sizeof(Page));
    munmap(page_, sizeof(Page));
  }
  RandomBlock(const RandomBlock&) = delete;
  RandomBlock& operator=(const RandomBlock&) = delete;

  void fill(std::span<char> out) {
    if (page_ == nullptr || out.size() > kServedBytesMax) return fill_from_system(out);
    if (out.size() > page_->unused) {
      fill_from_system(page_->bytes);
      page_->unused = sizeof page_->bytes;
    }
    char* const next = page_->bytes + sizeof page_->bytes - page_->unused;
    std::memcpy(out.data(), next, out.size());
    explicit_bzero(next, out.size());
    page_->unused -= out.size();
  }

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kServedBytesMax = 256;  // Larger draws pay for their own system call.
  struct Page {
    std::size_t unused;
    char bytes[kPageBytes - sizeof(std::size_t)];
  };
  static_assert(sizeof(Page) == kPageBytes);

  Page* page_ = nullptr;  // nullptr when the kernel cannot protect it: then nothing is drawn ahead.
};

}  // namespace

std::string Rng::bytes(std::size_t size) {
  std::string out(size, '\0');
  fill(out);
  return out;
}

KeyBytes Rng::key(std::size_t size) {
  KeyBytes out(size);
  fill(out.writable());
  return out;
}

SecretBytes Rng::secret(std::size_t size) {
  SecretBytes out = SecretBytes::zeroed(size);
  fill(out.writable());
  return out;
}

std::uint64_t Rng::number() {
  std::uint64_t out = 0;
  fill({reinterpret_cast<char*>(&out), sizeof out});
  return out;
}

SecretBytes Rng::base62(std::size_t size) {
  static constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr unsigned kBase = sizeof kDigits - 1;
  constexpr unsigned kFairBelow = 256 / kBase * kBase;
  SecretBytes out;
  out.reserve(size);
  while (out.size() < size) {
    const SecretBytes drawn = secret(size - out.size());
    for (const char byte : drawn.reveal()) {
      const unsigned value = static_cast<unsigned char>(byte);
      if (value < kFairBelow) out.push_back(kDigits[value % kBase]);
    }
  }
  return out;
}

void OsRng::fill(std::span<char> out) {
  thread_local RandomBlock block;
  block.fill(out);
}

struct SeededRng::State {
  Mutex mutex;
  std::mt19937_64 engine GUARDED_BY(mutex);
};

SeededRng::SeededRng(std::uint64_t seed) : state_(std::make_unique<State>()) {
  const MutexLock lock(state_->mutex);
  state_->engine.seed(seed);
}

SeededRng::~SeededRng() = default;

void SeededRng::fill(std::span<char> out) {
  const MutexLock lock(state_->mutex);
  while (!out.empty()) {
    const std::uint64_t word = state_->engine();
    const std::size_t count = std::min(out.size(), sizeof word);
    std::memcpy(out.data(), &word, count);
    out = out.subspan(count);
  }
}

}  // namespace keyhold::crypto
