#include "core/test_support/intercepted_storage.h"

#include <utility>

namespace keyhold::core::test {

void InterceptedStorage::before_get(char kind, std::function<void()> hook) {
  MutexLock lock(mutex_);
  kind_ = kind;
  hook_ = std::move(hook);
}

Result<std::optional<storage::Entry>> InterceptedStorage::get(std::string_view key, storage::ReadAt read_at) const {
  std::function<void()> hook;
  {
    MutexLock lock(mutex_);
    if (hook_ && key.starts_with(kind_)) hook = std::exchange(hook_, nullptr);
  }
  if (hook) hook();
  return inner_.get(key, read_at);
}

}  // namespace keyhold::core::test
