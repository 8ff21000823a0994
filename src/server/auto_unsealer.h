#pragma once

#include <functional>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "core/node.h"

namespace keyhold::server {

/// Unseals a node once, as soon as that is possible: again and again, with growing pauses, while what holds the key does not answer or
/// the store is not initialised. What was sealed by hand afterwards stays sealed until sys/unseal or the next start.
///
/// owner     The server; destroyed before the node.
class AutoUnsealer {
 public:
  AutoUnsealer(core::Node& node, std::function<void(std::string_view)> warn);
  ~AutoUnsealer();

 private:
  void run();

  core::Node& node_;
  const std::function<void(std::string_view)> warn_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace keyhold::server
