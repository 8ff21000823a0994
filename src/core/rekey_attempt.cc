#include "core/rekey_attempt.h"

#include <utility>

#include "core/request.h"
#include "core/seal/seal_records.h"

namespace keyhold::core {
namespace {

constexpr std::int64_t kToldAgainMs = 600'000;

std::string new_nonce(crypto::Rng& rng) { return std::string(RequestId::random(rng).text()); }

Error not_started() { return {Code::kInvalid, "no rekey in progress"}; }
Error other_nonce() { return {Code::kInvalid, "the nonce is not the one of this rekey operation"}; }
Error wrong_length() { return {Code::kInvalid, "the share has the wrong length"}; }

}  // namespace

Result<SealManager::Records> RekeyAttempt::read(Transaction& tx) {
  SealManager::Records records;
  for (const auto& [key, entry] : {std::pair{seal_records::kConfigKey, &records.config}, std::pair{seal_records::kRootKeyKey, &records.root_key},
                                   std::pair{seal_records::kKeyringKey, &records.keyring}}) {
    TRY_ASSIGN(auto found, tx.get_plain(key));
    if (!found) return Error{Code::kCorrupt, "a record of the seal is missing"};
    *entry = std::move(*found);
  }
  return records;
}

void RekeyAttempt::settle(const Context& context, const SealManager::Records& records) {
  if (!state_ || state_->config_version == records.config.version) return;
  if (state_->made && context.seals.in_force(records, *state_->made)) finished_ = Finished{std::move(*state_), context.now_ms};
  state_.reset();
}

Result<RekeyAttempt::Status> RekeyAttempt::status_of(const Context& context, const SealManager::Records& records) const {
  Status status;
  TRY_ASSIGN(const auto config, context.seals.config_of(records));
  status.required = config.threshold;
  if (!state_) return status;
  status.started = true;
  status.nonce = state_->old_shares.nonce();
  status.shares = state_->shares;
  status.threshold = state_->threshold;
  status.progress = state_->old_shares.count();
  status.verification_required = state_->verification == Verification::kRequired;
  status.verification_nonce = state_->new_shares.nonce();
  status.verification_progress = state_->new_shares.count();
  return status;
}

Result<RekeyAttempt::Status> RekeyAttempt::status(const Context& context) {
  TRY_ASSIGN(const auto records, read(context.tx));
  const MutexLock lock(mutex_);
  settle(context, records);
  return status_of(context, records);
}

Result<RekeyAttempt::Status> RekeyAttempt::start(const Context& context, int shares, int threshold, Verification verification) {
  if (!seal_records::valid_numbers(shares, threshold)) {
    return Error{Code::kInvalid, "secret_shares must be 1 to 255, secret_threshold 1 to secret_shares, and more than 1 with several shares"};
  }
  TRY_ASSIGN(const auto records, read(context.tx));
  const MutexLock lock(mutex_);
  settle(context, records);
  if (state_) return Error{Code::kInvalid, "rekey already in progress"};
  finished_.reset();
  State fresh;
  fresh.config_version = records.config.version;
  fresh.shares = shares;
  fresh.threshold = threshold;
  fresh.verification = verification;
  fresh.old_shares = CollectedShares(new_nonce(context.rng));
  state_ = std::move(fresh);
  return status_of(context, records);
}

Result<void> RekeyAttempt::cancel(std::string_view nonce) {
  const MutexLock lock(mutex_);
  if (state_ && !nonce.empty() && !state_->old_shares.is_nonce(nonce)) return other_nonce();
  state_.reset();
  finished_.reset();
  return {};
}

RekeyAttempt::Given RekeyAttempt::told(const State& state, Status status) {
  Given given{std::move(status), true, {}};
  given.status.nonce = state.old_shares.nonce();
  given.status.verification_required = state.verification == Verification::kRequired;
  given.status.verification_nonce = state.new_shares.nonce();
  for (const SecretBytes& share : state.made->shares) given.new_shares.push_back(share.clone());
  return given;
}

Result<RekeyAttempt::Given> RekeyAttempt::complete(const Context& context, const SealManager::Records& records) {
  TRY_ASSIGN(auto writes, context.seals.rekey(records, *state_->made));
  for (SealManager::Write& write : writes) context.tx.put_plain(std::move(write.key), std::move(write.record));
  TRY_ASSIGN(Status status, status_of(context, records));
  return told(*state_, std::move(status));
}

Result<RekeyAttempt::Given> RekeyAttempt::give(const Context& context, std::string_view nonce, const SecretBytes& share) {
  TRY_ASSIGN(const auto records, read(context.tx));
  TRY_ASSIGN(const auto config, context.seals.config_of(records));
  const MutexLock lock(mutex_);
  settle(context, records);
  if (!state_) {
    const bool again = finished_ && finished_->state.verification == Verification::kNone &&
                       finished_->state.old_shares.is_nonce(nonce) && finished_->state.old_shares.was_last(share);
    if (!again) return not_started();
    TRY_ASSIGN(Status status, status_of(context, records));
    return told(finished_->state, std::move(status));
  }
  State& state = *state_;
  if (!state.old_shares.is_nonce(nonce)) return other_nonce();
  if (share.size() != seal_records::share_bytes(config)) return wrong_length();
  if (state.made) {
    // Enough shares were given. Whoever gave the last one may have got no answer; the others do not get his.
    if (!state.old_shares.was_last(share)) return Error{Code::kInvalid, "enough shares were given: the holder of the last one has the new shares"};
  } else {
    state.old_shares.add(share);
    if (state.old_shares.count() < config.threshold) {
      TRY_ASSIGN(Status status, status_of(context, records));
      return Given{std::move(status), false, {}};
    }
    if (auto fit = context.seals.check_shares(records, state.old_shares.all()); !fit.ok()) {
      state.old_shares.drop();
      return std::move(fit).error();
    }
    TRY_ASSIGN(state.made, context.seals.make_seal(state.shares, state.threshold));
    if (state.verification == Verification::kRequired) state.new_shares = CollectedShares(new_nonce(context.rng));
  }
  if (state.verification == Verification::kNone) return complete(context, records);
  TRY_ASSIGN(Status status, status_of(context, records));
  return told(state, std::move(status));
}

Result<RekeyAttempt::Given> RekeyAttempt::verify(const Context& context, std::string_view nonce, const SecretBytes& share) {
  TRY_ASSIGN(const auto records, read(context.tx));
  const MutexLock lock(mutex_);
  settle(context, records);
  if (!state_) {
    // It has happened; whoever gave the last share may have got no answer.
    if (!finished_ || !finished_->state.new_shares.is_nonce(nonce) || !finished_->state.new_shares.was_last(share)) return not_started();
    TRY_ASSIGN(Status status, status_of(context, records));
    Given given = told(finished_->state, std::move(status));
    given.new_shares.clear();
    return given;
  }
  State& state = *state_;
  if (!state.made || state.verification == Verification::kNone) return Error{Code::kInvalid, "no rekey verification in progress"};
  if (!state.new_shares.is_nonce(nonce)) return other_nonce();
  if (share.size() != seal_records::share_bytes(state.made->config)) return wrong_length();
  if (state.new_shares.count() < state.threshold) state.new_shares.add(share);
  if (state.new_shares.count() < state.threshold) {
    TRY_ASSIGN(Status status, status_of(context, records));
    return Given{std::move(status), false, {}};
  }
  if (!SealManager::fit(state.new_shares.all(), *state.made)) {
    state.new_shares.drop();
    return Error{Code::kInvalid, "the shares are not the new ones: all of them were dropped"};
  }
  TRY_ASSIGN(Given given, complete(context, records));
  given.new_shares.clear();
  return given;
}

Result<RekeyAttempt::Status> RekeyAttempt::restart_verification(const Context& context) {
  TRY_ASSIGN(const auto records, read(context.tx));
  const MutexLock lock(mutex_);
  settle(context, records);
  if (!state_ || !state_->made || state_->verification == Verification::kNone) {
    return Error{Code::kInvalid, "no rekey verification in progress"};
  }
  state_->new_shares = CollectedShares(new_nonce(context.rng));
  return status_of(context, records);
}

Result<void> RekeyAttempt::tidy(const Context& context) {
  const MutexLock lock(mutex_);
  if (finished_ && context.now_ms - finished_->at_ms >= kToldAgainMs) finished_.reset();
  if (!state_) return {};
  TRY_ASSIGN(const auto records, read(context.tx));
  settle(context, records);
  return {};
}

}  // namespace keyhold::core
