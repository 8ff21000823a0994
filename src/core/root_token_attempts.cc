#include "core/root_token_attempts.h"

#include <algorithm>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/request.h"
#include "core/seal/seal_records.h"

namespace keyhold::core {
namespace {

Error no_such() { return {Code::kInvalid, "no root generation in progress under this nonce"}; }

Result<SealManager::Records> read(Transaction& tx) {
  SealManager::Records records;
  TRY_ASSIGN(auto config, tx.get_plain(seal_records::kConfigKey));
  TRY_ASSIGN(auto root_key, tx.get_plain(seal_records::kRootKeyKey));
  if (!config || !root_key) return Error{Code::kCorrupt, "a record of the seal is missing"};
  records.config = std::move(*config);
  records.root_key = std::move(*root_key);
  return records;
}

SecretBytes encode(const SecretBytes& token, const SecretBytes& pad) {
  CHECK(token.size() == pad.size());
  SecretBytes mixed = token.clone();
  for (std::size_t i = 0; i < mixed.size(); ++i) mixed.writable()[i] = static_cast<char>(mixed.writable()[i] ^ pad.reveal()[i]);
  SecretBytes text;
  append_base64(text, mixed.reveal());
  while (!text.empty() && text.reveal().back() == '=') text.resize(text.size() - 1);
  return text;
}

}  // namespace

RootTokenAttempts::Attempts::iterator RootTokenAttempts::find(std::string_view nonce) {
  return std::ranges::find_if(attempts_, [nonce](const auto& each) { return each.second.shares.is_nonce(nonce); });
}

void RootTokenAttempts::drop_idle(MonotonicMillis now_ms) {
  std::erase_if(attempts_, [now_ms](const auto& each) { return now_ms - each.second.touched_ms >= kIdleMs; });
}

void RootTokenAttempts::tidy(MonotonicMillis now_ms) {
  const MutexLock lock(mutex_);
  drop_idle(now_ms);
}

Result<RootTokenAttempts::Status> RootTokenAttempts::status(const Context& context, std::string_view nonce) {
  TRY_ASSIGN(const auto records, read(context.tx));
  TRY_ASSIGN(const auto config, context.seals.config_of(records));
  const MutexLock lock(mutex_);
  drop_idle(context.now_ms);
  Status status;
  status.required = config.threshold;
  const auto found = nonce.empty() ? attempts_.find(context.source) : find(nonce);
  if (found != attempts_.end() && !found->second.over()) {
    status.started = true;
    status.nonce = found->second.shares.nonce();
    status.progress = found->second.shares.count();
  } else if (nonce.empty()) {
    status.started = std::ranges::any_of(attempts_, [](const auto& each) { return !each.second.over(); });
  }
  return status;
}

Result<void> RootTokenAttempts::make_room() {
  if (attempts_.size() < kAttemptsMax) return {};
  auto oldest = attempts_.end();
  for (auto each = attempts_.begin(); each != attempts_.end(); ++each) {
    if (each->second.shares.count() > 0) continue;
    if (oldest == attempts_.end() || each->second.touched_ms < oldest->second.touched_ms) oldest = each;
  }
  if (oldest == attempts_.end()) return Error{Code::kLimited, "too many root generations are in progress"};
  attempts_.erase(oldest);
  return {};
}

Result<RootTokenAttempts::Status> RootTokenAttempts::start(const Context& context, SecretBytes pad) {
  if (!pad.empty() && pad.size() != kPadBytes) {
    return Error{Code::kInvalid, "otp must be " + std::to_string(kPadBytes) + " bytes long; leave it out to get one"};
  }
  TRY_ASSIGN(const auto records, read(context.tx));
  TRY_ASSIGN(const auto config, context.seals.config_of(records));
  const MutexLock lock(mutex_);
  drop_idle(context.now_ms);
  if (const auto own = attempts_.find(context.source); own != attempts_.end()) {
    if (!own->second.over()) return Error{Code::kInvalid, "root generation already in progress"};
    attempts_.erase(own);
  }
  TRY(make_room());
  Status status;
  Attempt attempt;
  attempt.shares = CollectedShares(std::string(RequestId::random(context.rng).text()));
  if (pad.empty()) {
    pad = context.rng.base62(kPadBytes);
    status.pad = pad.clone();
  }
  attempt.pad = std::move(pad);
  attempt.touched_ms = context.now_ms;
  status.started = true;
  status.nonce = attempt.shares.nonce();
  status.required = config.threshold;
  attempts_.insert_or_assign(context.source, std::move(attempt));
  return status;
}

Result<void> RootTokenAttempts::cancel(std::string_view nonce) {
  const MutexLock lock(mutex_);
  const auto found = find(nonce);
  if (found == attempts_.end()) return no_such();
  attempts_.erase(found);
  return {};
}

void RootTokenAttempts::cancel_all() {
  const MutexLock lock(mutex_);
  attempts_.clear();
}

Result<RootTokenAttempts::Status> RootTokenAttempts::make(const Context& context, Attempt& attempt) {
  Status status;
  status.complete = true;
  status.encoded_token = encode(attempt.token, attempt.pad);
  const std::string id = context.tokens.id_of(attempt.token.reveal());
  const auto known = context.tokens.find(context.tx, keys::kRootNamespace, id);
  attempt.made = attempt.made || known.ok();
  if (!known.ok() && known.code() != Code::kDenied) return known.error();
  // What was made and has ended since is not made again.
  if (attempt.made) return status;
  if (context.now_ms - attempt.enough_ms > limits::kRequestDeadlineMs) {
    return Error{Code::kInvalid, "the root token was not made: begin anew"};
  }
  TokenSpec spec;
  spec.policies = {"root"};
  spec.path = "auth/token/root";
  spec.display_name = "root";
  spec.drawn = attempt.token.clone();
  TRY_ASSIGN(const NewToken made, context.tokens.create(context.tx, std::move(spec), context.rng));
  status.accessor = made.accessor;
  return status;
}

Result<RootTokenAttempts::Status> RootTokenAttempts::give(const Context& context, std::string_view nonce, const SecretBytes& share) {
  TRY_ASSIGN(const auto records, read(context.tx));
  TRY_ASSIGN(const auto config, context.seals.config_of(records));
  const MutexLock lock(mutex_);
  drop_idle(context.now_ms);
  const auto found = find(nonce);
  if (found == attempts_.end()) return no_such();
  Attempt& attempt = found->second;
  if (attempt.over()) {
    if (!attempt.shares.was_last(share)) return no_such();
  } else {
    if (share.size() != seal_records::share_bytes(config)) return Error{Code::kInvalid, "the share has the wrong length"};
    attempt.shares.add(share);
    attempt.touched_ms = context.now_ms;
    if (attempt.shares.count() >= config.threshold) {
      if (auto fit = context.seals.check_shares(records, attempt.shares.all()); !fit.ok()) {
        attempt.shares.drop();
        return std::move(fit).error();
      }
      attempt.token = TokenStore::draw(context.rng);
      attempt.enough_ms = context.now_ms;
    }
  }
  Status status;
  if (attempt.over()) {
    TRY_ASSIGN(status, make(context, attempt));
  }
  status.started = true;
  status.nonce = attempt.shares.nonce();
  status.progress = attempt.shares.count();
  status.required = config.threshold;
  return status;
}

}  // namespace keyhold::core
