#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "cli/run_secrets.h"

namespace keyhold::cli {

/// Asks again and again whether secrets have changed, in a thread of its own, and reads them when they have. The times between are spread by a
/// tenth, so that many programs do not ask at once. The token is renewed at half of its time, if it can be.
///
/// lifetime  The process's, from start() on: a request may wait for long, so the thread is never ended but with the process.
/// threads   take() and descriptor() any; from start() on the Session's requests are the thread's.
class SecretWatch {
 public:
  SecretWatch(Session& session, ChosenSecrets& secrets, std::int64_t interval_s);
  SecretWatch(const SecretWatch&) = delete;
  SecretWatch& operator=(const SecretWatch&) = delete;

  void start();

  /// Readable when there is news. Negative: the system has no descriptor left.
  int descriptor() const { return event_; }

  struct News {
    std::optional<std::vector<Variable>> variables{};  // Of the secrets as they are now.
    std::string trouble{};                             // Why they cannot be looked at; told once until they can be again.
    bool well_again = false;
  };
  News take();

 private:
  void run();
  void look();
  void renew_token();

  Session& session_;
  ChosenSecrets& secrets_;
  std::int64_t interval_s_;
  int event_;
  SystemClock clock_;
  // The thread's:
  bool in_trouble_ = false;
  bool token_known_ = false;                      // How long it lives has been asked.
  std::optional<MonotonicMillis> renew_at_ms_{};  // nullopt: never.
  Mutex mutex_;
  News news_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::cli
