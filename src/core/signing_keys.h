#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "core/signature_v4.h"

namespace keyhold::core {

/// Signing keys that have verified a request, which are costly to derive: one for each access key that was used of late.
///
/// A part of the Session, so that they go when the node seals.
/// threads   Any.
class SigningKeys {
 public:
  static constexpr std::size_t kMax = 1024;  // Some KiB each; all are dropped at the bound.

  /// `holder`: the object that holds the secret access key; another one means that it may have changed. nullptr: derive it.
  std::shared_ptr<const SigningKey> find(const SignatureV4& signature, const std::shared_ptr<const void>& holder) {
    MutexLock lock(mutex_);
    const auto known = keys_.find(signature.access_key_id);
    if (known == keys_.end() || known->second.holder.lock() != holder || !known->second.key->serves(signature)) return nullptr;
    return known->second.key;
  }
  void keep(const SignatureV4& signature, std::shared_ptr<const void> holder, std::shared_ptr<const SigningKey> key) {
    MutexLock lock(mutex_);
    if (keys_.size() >= kMax) keys_.clear();
    keys_.insert_or_assign(signature.access_key_id, Known{std::move(holder), std::move(key)});
  }

 private:
  struct Known {
    std::weak_ptr<const void> holder;  // Not to keep the secret longer than who found it.
    std::shared_ptr<const SigningKey> key;
  };
  Mutex mutex_;
  std::unordered_map<std::string, Known> keys_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
