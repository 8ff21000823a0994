#include "server/auto_unsealer.h"

#include <algorithm>
#include <string>

namespace keyhold::server {
namespace {

constexpr std::int64_t kFirstPauseMs = 500;
constexpr std::int64_t kPauseMaxMs = 60'000;
constexpr std::int64_t kUninitialisedPauseMs = 5'000;

}  // namespace

AutoUnsealer::AutoUnsealer(core::Node& node, std::function<void(std::string_view)> warn)
    : node_(node), warn_(std::move(warn)), thread_([this] { run(); }) {}

AutoUnsealer::~AutoUnsealer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void AutoUnsealer::run() {
  std::int64_t pause_ms = kFirstPauseMs;
  std::string told;
  for (;;) {
    const bool initialized = node_.seal_status().initialized;
    const auto unsealed = node_.auto_unseal();
    if (unsealed.ok() && !unsealed->sealed) return;
    // Of a store that is yet to be initialised there is nothing to say.
    if (!unsealed.ok() && unsealed.code() != Code::kInvalid && unsealed.error().message != told) {
      told = unsealed.error().message;
      warn_("auto-unseal: " + told + ": it is tried again");
    }
    MutexLock lock(mutex_);
    if (!stopping_) changed_.wait_for_ms(mutex_, initialized ? pause_ms : kUninitialisedPauseMs);
    if (stopping_) return;
    if (initialized) pause_ms = std::min(pause_ms * 2, kPauseMaxMs);
  }
}

}  // namespace keyhold::server
