#include "core/census.h"

#include <functional>
#include <string_view>

#include "core/rotation/rotation.h"
#include "core/secret.h"

namespace keyhold::core {
namespace {

Result<void> for_each_key(Transaction& tx, std::string_view kind, const std::function<Result<void>(std::string_view key)>& visit) {
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = kind;
    options.after = after;
    TRY_ASSIGN(const storage::Page page, tx.list(options));
    for (const auto& item : page.items) TRY(visit(item.key));
    if (!page.more) return {};
    after = page.items.back().key;
  }
}

Result<std::uint64_t> count(Transaction& tx, std::string_view kind) {
  std::uint64_t keys = 0;
  TRY(for_each_key(tx, kind, [&keys](std::string_view) -> Result<void> {
    ++keys;
    return {};
  }));
  return keys;
}

Result<Census::Rotations> count_rotations(Transaction& tx, UnixMillis now) {
  Census::Rotations counts;
  TRY(for_each_key(tx, keys::kAttendedKind, [&](std::string_view key) -> Result<void> {
    TRY_ASSIGN(const auto head, tx.glance<secrets::Head>(keys::secret(keys::owner_of(key), keys::object_of(key))));
    if (head == nullptr || secrets::marked_for_deletion(*head)) return {};
    counts.overdue += rotation::overdue(*head, now) ? 1 : 0;
    counts.failing += rotation::failing(*head) ? 1 : 0;
    counts.enabled += rotation::enabled(*head) ? 1 : 0;
    counts.never_rotated += rotation::never_rotated(*head) ? 1 : 0;
    counts.expired += secrets::expired(*head, now) ? 1 : 0;
    counts.rotate_by += secrets::rotate_by_passed(*head, now) ? 1 : 0;
    return {};
  }));
  return counts;
}

}  // namespace

Result<Census::Counts> Census::counts(Transaction& tx, const Clock& clock) {
  MutexLock lock(mutex_);
  const MonotonicMillis now_ms = clock.monotonic_ms();
  if (now_ms - counted_ms_ >= kKeptMs) {
    Counts fresh;
    TRY_ASSIGN(fresh.tokens, count(tx, keys::kTokenKind));
    TRY_ASSIGN(fresh.leases, count(tx, keys::kLeaseKind));
    TRY(for_each_key(tx, keys::kSecretKind, [&fresh](std::string_view key) -> Result<void> {
      ++fresh.secrets[keys::owner_of(key)];
      return {};
    }));
    fresh.rotations = counts_.rotations;
    counts_ = std::move(fresh);
    counted_ms_ = now_ms;
  }
  if (now_ms - rotations_counted_ms_ >= kRotationsKeptMs) {
    TRY_ASSIGN(counts_.rotations, count_rotations(tx, clock.now_ms()));
    rotations_counted_ms_ = now_ms;
  }
  return counts_;
}

}  // namespace keyhold::core
