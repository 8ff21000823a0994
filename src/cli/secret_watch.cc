#include "cli/secret_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cli/render.h"
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

/// Half of what is left of a token, as an answer's object tells by `name`; nullopt: it does not end, or cannot be renewed.
std::optional<std::int64_t> half_life_ms(const std::optional<json::Value>& object, std::string_view name) {
  const auto left = object && object->is_object() ? object->find(name) : std::nullopt;
  const auto left_s = left ? left->as_int() : Result<std::int64_t>(Error{});
  if (!left_s.ok() || *left_s <= 0 || !member_is_true(*object, "renewable")) return std::nullopt;
  return *left_s * kMsPerSecond / 2;
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
  MonotonicMillis look_at_ms = clock_.boot_ms() + spread_ms(interval_s_);
  for (;;) {
    renew_token();
    const MonotonicMillis wake_at_ms = std::min(look_at_ms, renew_at_ms_.value_or(look_at_ms));
    std::this_thread::sleep_for(std::chrono::milliseconds(std::max<MonotonicMillis>(wake_at_ms - clock_.boot_ms(), 0)));
    if (clock_.boot_ms() < look_at_ms) continue;
    look();
    look_at_ms = clock_.boot_ms() + spread_ms(interval_s_);
  }
}

void SecretWatch::renew_token() {
  if (token_known_ && (!renew_at_ms_ || clock_.boot_ms() < *renew_at_ms_)) return;
  // What does not succeed is tried again in a while; that the token has ended is told when the secrets cannot be looked at.
  renew_at_ms_ = clock_.boot_ms() + interval_s_ * kMsPerSecond;
  const auto answer = token_known_ ? session_.peek({.method = "PUT", .path = "auth/token/renew-self"}) : session_.peek({.path = "auth/token/lookup-self"});
  if (!answer.ok()) return;
  const bool refused = !answer->ok() && answer->status() < 500;
  const auto half_ms = token_known_ ? half_life_ms(answer->find("auth"), "lease_duration") : half_life_ms(answer->data(), "ttl");
  if (answer->ok() || refused) token_known_ = true;
  if (half_ms) {
    renew_at_ms_ = clock_.boot_ms() + std::max(*half_ms, kMsPerSecond);
  } else if (answer->ok() || refused) {
    renew_at_ms_.reset();
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
