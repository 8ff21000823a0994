#include "base/bounded_calls.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/mutex.h"

namespace keyhold {
namespace {

constexpr std::int64_t kStoppingAskedMs = 100;

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct BoundedCalls::State {
  Mutex mutex;
  CondVar changed;
  std::uint64_t running GUARDED_BY(mutex) = 0;  // The number of a call; 0 = none.
  std::uint64_t last GUARDED_BY(mutex) = 0;
};

BoundedCalls::BoundedCalls(std::int64_t timeout_ms, std::function<bool()> stopping)
    : timeout_ms_(timeout_ms), stopping_(std::move(stopping)), state_(std::make_shared<State>()) {}

Result<void> BoundedCalls::run_and_wait(std::function<void()> work, std::int64_t timeout_ms, const std::function<bool()>& stopping) {
  const Error late{Code::kUnavailable, "it does not answer in time"};
  const std::int64_t until_ms = steady_ms() + timeout_ms;
  MutexLock lock(state_->mutex);
  const auto patient = [&] { return steady_ms() < until_ms && !(stopping && stopping()); };
  const auto wait = [&]() REQUIRES(state_->mutex) {
    state_->changed.wait_for_ms(state_->mutex, std::clamp<std::int64_t>(until_ms - steady_ms(), 1, kStoppingAskedMs));
  };
  while (state_->running != 0) {
    if (!patient()) return late;
    wait();
  }
  const std::uint64_t number = ++state_->last;
  state_->running = number;
  try {
    std::thread([state = state_, work = std::move(work)]() mutable {
      work();
      work = nullptr;  // What it owns goes before the next one runs.
      const MutexLock ended(state->mutex);
      state->running = 0;
      state->changed.notify_all();
    }).detach();
  } catch (const std::system_error&) {
    state_->running = 0;
    return Error{Code::kUnavailable, "there is no thread for it"};
  }
  while (state_->running == number) {
    if (!patient()) return late;
    wait();
  }
  return {};
}

}  // namespace keyhold
