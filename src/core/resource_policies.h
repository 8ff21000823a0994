#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "base/result.h"
#include "core/policy/iam_policy.h"

namespace keyhold::core {

/// Policies on secrets, parsed and kept by their text.
///
/// threads   Any.
class ResourcePolicies {
 public:
  static constexpr std::size_t kMax = 256;  // Of at most 20 KiB text each; all are dropped at the bound.
  /// errors: kCorrupt: it cannot be read, and may deny, so that nobody but root may have the secret.
  Result<std::shared_ptr<const iam::Policy>> parsed(const std::string& text);

 private:
  Mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<const iam::Policy>> policies_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
