#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"

namespace keyhold {

/// Calls of what cannot be told to give up (a foreign library), each on a thread of its own and waited for only so long. One runs at a time;
/// what does not return keeps its thread, and the calls after it fail.
///
/// threads   Any.
class BoundedCalls {
 public:
  /// `stopping`, asked every now and then: true gives up waiting.
  explicit BoundedCalls(std::int64_t timeout_ms, std::function<bool()> stopping = nullptr);

  /// What `work` returns, which owns all that it uses: it may outlive the call, and this object.
  /// errors: of `work`; kUnavailable: it, or the call before, did not return in time.
  template <typename T>
  Result<T> run(std::function<Result<T>()> work) {
    auto result = std::make_shared<std::optional<Result<T>>>();
    TRY(run_and_wait([result, work = std::move(work)] { result->emplace(work()); }, timeout_ms_, stopping_));
    return std::move(**result);
  }
  /// The last thing to do, whoever is stopping: waits this long at most.
  void run_last(std::function<void()> work, std::int64_t timeout_ms) { static_cast<void>(run_and_wait(std::move(work), timeout_ms, nullptr)); }

 private:
  struct State;

  Result<void> run_and_wait(std::function<void()> work, std::int64_t timeout_ms, const std::function<bool()>& stopping);

  const std::int64_t timeout_ms_;
  const std::function<bool()> stopping_;
  const std::shared_ptr<State> state_;
};

}  // namespace keyhold
