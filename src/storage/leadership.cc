#include "storage/leadership.h"

#include <sys/random.h>

#include <string>
#include <utility>

#include "storage/encoding.h"

namespace keyhold::storage {

namespace {

constexpr std::string_view kTermPrefix = "\xffterm/";

std::string record_key(std::string_view prefix, std::string_view job) {
  std::string key(prefix);
  key += job;
  return key;
}

std::string lease_until(MonotonicMillis expires_ms) {
  return big_endian(static_cast<std::uint64_t>(expires_ms));
}

Result<RequestId> new_request_id() {
  RequestId id;
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return Error{Code::kInternal, "the system gave no random bytes"};
  }
  return id;
}

/// What a commit of ours came to, with an unknown outcome resolved once.
Result<void> settle(Storage& storage, Batch batch) {
  const RequestId id = batch.request_id;
  Outcome outcome = storage.commit(std::move(batch));
  switch (outcome.kind) {
    case Outcome::Kind::kOk: return {};
    case Outcome::Kind::kConflict: return Error{Code::kConflict, "the leadership has changed"};
    case Outcome::Kind::kRefused: return std::move(outcome.error);
    case Outcome::Kind::kUnknown: break;
  }
  switch (storage.resolve(id)) {
    case Resolution::kHappened: return {};
    case Resolution::kDidNotHappen: return Error{Code::kUnavailable, "the store failed; nothing was written"};
    case Resolution::kStillUnknown: break;
  }
  return Error{Code::kUnknown, "the store failed; a leadership may have been written"};
}

class StoredLeadership final : public Leadership {
 public:
  StoredLeadership(Storage& storage, const Clock& clock, std::string term_key, std::string lease_key, Version term,
                   std::int64_t ttl_ms)
      : storage_(storage),
        clock_(clock),
        term_key_(std::move(term_key)),
        lease_key_(std::move(lease_key)),
        term_(term),
        ttl_ms_(ttl_ms) {}

  ~StoredLeadership() override {
    // Best effort: after a failure the lease ends by its ttl.
    static_cast<void>(storage_.commit({.conditions = {fence()}, .operations = {erase(term_key_), erase(lease_key_)}}));
  }

  Condition fence() const override { return unchanged(term_key_, term_); }

  Result<void> renew() override {
    TRY_ASSIGN(const RequestId id, new_request_id());
    return settle(storage_, {.conditions = {fence()},
                             .operations = {put(lease_key_, lease_until(clock_.monotonic_ms() + ttl_ms_))},
                             .request_id = id});
  }

 private:
  Storage& storage_;
  const Clock& clock_;
  const std::string term_key_;
  const std::string lease_key_;
  const Version term_;
  const std::int64_t ttl_ms_;
};

}  // namespace

Result<std::unique_ptr<Leadership>> campaign_on(Storage& storage, const Clock& clock, std::string_view job,
                                                std::int64_t ttl_ms) {
  if (job.empty() || ttl_ms <= 0) return Error{Code::kInvalid, "a leadership needs a job and a ttl"};
  const std::string term_key = record_key(kTermPrefix, job);
  const std::string lease_key = record_key(kLeasePrefix, job);
  TRY_ASSIGN(const auto term, storage.get(term_key));
  TRY_ASSIGN(const auto lease, storage.get(lease_key));
  if (lease) {
    const auto expires_ms = from_big_endian(lease->value);
    if (!expires_ms) return Error{Code::kCorrupt, "a leadership record is malformed"};
    if (static_cast<MonotonicMillis>(*expires_ms) > clock.monotonic_ms()) {
      return Error{Code::kConflict, "another leads this job"};
    }
  }
  TRY_ASSIGN(const RequestId id, new_request_id());
  const std::string mark(id.begin(), id.end());
  TRY(settle(storage, {.conditions = {unchanged(term_key, term ? term->version : 0),
                                      unchanged(lease_key, lease ? lease->version : 0)},
                       .operations = {put(term_key, mark),
                                      put(lease_key, lease_until(clock.monotonic_ms() + ttl_ms))},
                       .request_id = id}));
  // A resolved commit tells no version, so the record does; its mark proves that it is still ours.
  TRY_ASSIGN(const auto elected, storage.get(term_key));
  if (!elected || elected->value != mark) return Error{Code::kConflict, "the leadership has changed"};
  return std::unique_ptr<Leadership>(std::make_unique<StoredLeadership>(storage, clock, term_key, lease_key,
                                                                        elected->version, ttl_ms));
}

}  // namespace keyhold::storage
