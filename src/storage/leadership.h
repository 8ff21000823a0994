#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "storage/storage.h"

namespace keyhold::storage {

/// Lease records lie below this, one a job; open() of a store that only one process can hold erases those it finds.
inline constexpr std::string_view kLeasePrefix = "\xfflease/";

/// Storage::campaign() for stores within one process, made of conditional commits to `storage`.
///
/// Two records a job: the term, put only by an election, which the fence is on; and the lease, put by every renewal, with its
/// expiry in monotonic time. So a renewal does not fail the leader's own batches in flight, while an election fails
/// the batches of the leader before. Time decides only when an election may be tried: correctness is the fence's.
Result<std::unique_ptr<Leadership>> campaign_on(Storage& storage, const Clock& clock, std::string_view job,
                                                std::int64_t ttl_ms);

}  // namespace keyhold::storage
