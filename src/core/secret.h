#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "core/audit/redactor.h"
#include "core/keys.h"
#include "core/records.pb.h"
#include "core/transaction.h"
#include "storage/storage.h"

/// The one object behind every API (design.md, "the secret"): a name, versions, labels, metadata. These functions read
/// it in a transaction, those of secret_write.h change it; which rules an API adds is the API's or engine's business.
///
/// Name index → secret id → head (all versions' states) → content of one version, each its own record. Content up to
/// kInlineContentBytesMax lies in the version's record; more is in chunks that are written before the head refers to them.
///
/// threads   Any, a transaction each.
namespace keyhold::core::secrets {

inline constexpr std::size_t kInlineContentBytesMax = 256 * 1024;
inline constexpr std::size_t kChunkBytes = 256 * 1024;
inline constexpr std::uint32_t kDefaultVersionsMax = 10;
inline constexpr std::string_view kCurrentLabel = "AWSCURRENT";
inline constexpr std::string_view kPreviousLabel = "AWSPREVIOUS";

using Head = records::Secret;
using Version = records::Version;

/// The head, or nullptr when no secret has this name. errors: kMiss, kCorrupt.
Result<std::shared_ptr<const Head>> find(Transaction& tx, keys::MountId mount, std::string_view name);

/// Whether it is to be purged, or should have been: its name is taken, and it is not to be read or written.
inline bool marked_for_deletion(const Head& head) { return head.deleted_ms() != 0; }
/// Whether its time has come, though nobody has erased it yet.
inline bool purge_due(const Head& head, UnixMillis now) { return marked_for_deletion(head) && head.purge_ms() <= now; }
/// Its day, of those that remind people, has come.
inline bool expired(const Head& head, UnixMillis now) { return head.expires_ms() != 0 && head.expires_ms() <= now; }
inline bool rotate_by_passed(const Head& head, UnixMillis now) { return head.rotate_by_ms() != 0 && head.rotate_by_ms() <= now; }
/// The head, or nullptr also of what is marked for deletion.
Result<std::shared_ptr<const Head>> find_living(Transaction& tx, keys::MountId mount, std::string_view name);

/// nullptr when there is none.
const Version* version_numbered(const Head& head, std::uint64_t number);
const Version* current_version(const Head& head);
/// Of the current version; 0 when there is none. What check-and-set compares with.
std::uint64_t current_number(const Head& head);
/// By the client's own token, or by the id of a version that has none as a UUID.
std::string version_id(const Version& version);
const Version* version_with_id(const Head& head, std::string_view id);
const Version* version_labelled(const Head& head, std::string_view label);
/// In their order.
std::vector<std::string> labels_of(const Head& head, const Version& version);
bool deleted(const Version& version, UnixMillis now);
bool readable(const Version& version, UnixMillis now);

/// A version's content as received. Keeps the cached entry alive, so the view stays valid; a chunked one owns its bytes.
class Content {
 public:
  std::string_view reveal() const { return assembled_.empty() ? view_ : assembled_.reveal(); }
  /// As a JSON object, which is how Vault's API shows every kind of content: what is none becomes {"value": …}, a text as it is and
  /// bytes in base64. The view is of `scratch` then.
  std::string_view json(const Version& version, SecretBytes& scratch) const;
  /// For the audit record: the content with every scalar hashed. Made once per cached version.
  std::string_view redacted() const { return redacted_; }
  /// When a read of the version was last noted (core/last_read.h), of what is in the cache since then. Shared by all who have the entry.
  UnixMillis noted_ms() const { return noted_ms_->load(std::memory_order_relaxed); }
  void set_noted_ms(UnixMillis now) const { noted_ms_->store(now, std::memory_order_relaxed); }

 private:
  friend Result<Content> content(Transaction&, keys::MountId, const Head&, const Version&, const audit::Redactor&);
  EntryRef entry_;
  std::shared_ptr<const void> decoded_;
  std::shared_ptr<const void> chunks_redacted_;
  std::atomic<UnixMillis>* noted_ms_ = nullptr;
  std::string_view view_;
  std::string_view redacted_;
  SecretBytes assembled_;
};
Result<Content> content(Transaction& tx, keys::MountId mount, const Head& head, const Version& version,
                        const audit::Redactor& redactor);

/// Names of one folder, of which other folders end with a slash, or of all below it.
enum class Depth { kFolder, kAll };
/// One page of names below `prefix`, which is empty or ends with a slash.
struct Names {
  std::vector<std::string> names;
  bool more = false;
};
Result<Names> list(Transaction& tx, keys::MountId mount, std::string_view prefix, std::string_view after,
                   std::size_t limit, Depth depth = Depth::kFolder);

}  // namespace keyhold::core::secrets
