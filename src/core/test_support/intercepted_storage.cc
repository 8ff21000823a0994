#include "core/test_support/intercepted_storage.h"

#include <utility>

namespace keyhold::core::test {

void InterceptedStorage::before_get(char kind, std::function<void()> hook) {
  MutexLock lock(mutex_);
  get_ = {kind, std::move(hook)};
}

void InterceptedStorage::before_list(char kind, std::function<void()> hook) {
  MutexLock lock(mutex_);
  list_ = {kind, std::move(hook)};
}

std::function<void()> InterceptedStorage::take(Hook& hook, std::string_view key) {
  if (!hook.run || !key.starts_with(hook.kind)) return [] {};
  return std::exchange(hook.run, nullptr);
}

Result<std::optional<storage::Entry>> InterceptedStorage::get(std::string_view key, storage::ReadAt read_at) const {
  std::function<void()> hook;
  {
    MutexLock lock(mutex_);
    hook = take(get_, key);
  }
  hook();
  return inner_.get(key, read_at);
}

Result<storage::Page> InterceptedStorage::list(const storage::ListOptions& options) const {
  std::function<void()> hook;
  {
    MutexLock lock(mutex_);
    hook = take(list_, options.prefix);
  }
  hook();
  return inner_.list(options);
}

}  // namespace keyhold::core::test
