#include "cli/secret_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "crypto/random.h"

namespace keyhold::cli {
namespace {

constexpr std::int64_t kMsPerSecond = 1000;
constexpr std::uint64_t kSpreadParts = 10;  // A tenth either way.

std::int64_t spread_ms(std::int64_t interval_s) {
  const auto interval_ms = static_cast<std::uint64_t>(interval_s * kMsPerSecond);
  const std::uint64_t part_ms = interval_ms / kSpreadParts;
  return static_cast<std::int64_t>(interval_ms - part_ms + crypto::OsRng().number() % (2 * part_ms + 1));
}

}  // namespace

SecretWatch::SecretWatch(Session& session, ChosenSecrets& secrets, std::int64_t interval_s)
    : session_(session), secrets_(secrets), interval_s_(interval_s), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void SecretWatch::start() { std::thread([this] { run(); }).detach(); }

SecretWatch::News SecretWatch::take() {
  std::uint64_t count = 0;
  if (::read(event_, &count, sizeof count) < 0) return {};
  const MutexLock lock(mutex_);
  return std::exchange(news_, {});
}

void SecretWatch::run() {
  for (;;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(spread_ms(interval_s_)));
    look();
  }
}

void SecretWatch::look() {
  const auto changed = secrets_.changed(session_);
  auto variables = changed.ok() && *changed ? secrets_.read(session_) : Result<std::vector<Variable>>(std::vector<Variable>());
  const bool trouble = !changed.ok() || !variables.ok();
  const bool tells = trouble != in_trouble_ || (!trouble && *changed);
  in_trouble_ = trouble;
  if (!tells) return;
  {
    const MutexLock lock(mutex_);
    if (trouble) {
      news_.trouble = changed.ok() ? variables.error().message : changed.error().message;
      news_.well_again = false;
    } else {
      news_.well_again = news_.trouble.empty();
      news_.trouble.clear();
      if (*changed) news_.variables = std::move(*variables);
    }
  }
  const std::uint64_t one = 1;
  if (::write(event_, &one, sizeof one) < 0) return;  // Only when it is full, and then it is readable.
}

}  // namespace keyhold::cli
