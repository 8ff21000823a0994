#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/secret.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

/// Changes of the secret object. Each is part of the caller's transaction.
///
/// Contents that a change gives up are erased by its commit, or, when they are too many for that, by a job which the commit
/// leaves: from the commit on nothing refers to them.
namespace keyhold::core::secrets {

using Settings = records::SecretSettings;

/// What a head may hold: more would not fit its record.
inline constexpr std::uint32_t kVersionsMax = 2048;

/// Of the mount; all defaults when nothing was set.
Result<Settings> settings(Transaction& tx, keys::MountId mount);
void put_settings(Transaction& tx, keys::MountId mount, const Settings& settings);

/// How many versions are kept: the larger of the secret's and the mount's setting. source: Vault API, kv-v2 config.
std::uint32_t versions_max(const Head& head, const Settings& settings);

/// When a version made or undeleted now is to be deleted: by the shorter of the secret's and the mount's setting; 0 = never.
UnixMillis deletion_ms(const Head& head, const Settings& settings, UnixMillis now);

/// Where a secret is, or will be.
struct Place {
  keys::MountId mount = 0;
  keys::NamespaceId owner = 0;
  std::string_view name;
};

/// A copy of `existing` to be changed and saved; nullptr: a new one, whose name comes with the commit.
Head open_head(Transaction& tx, const Place& place, const Head* existing, UnixMillis now, crypto::Rng& rng);
void save(Transaction& tx, keys::MountId mount, const Head& head);

struct NewContent {
  std::string_view bytes;
  records::Version::ContentKind kind = records::Version::JSON_OBJECT;
  std::string created_by;    // Accessor.
  std::string client_token;  // The client's own id of the version; empty = it has none.
  std::vector<std::string> labels{std::string(kCurrentLabel)};  // That move to it.
};

/// Adds a version, or fills the empty one of this client token; labelled AWSCURRENT it becomes current. What is over the maximum then
/// is erased: the oldest that were current, and the oldest pending ones that lost their labels. Saves the head.
/// returns   The version, in `head`.
const Version& put_version(Transaction& tx, keys::MountId mount, Head& head, const NewContent& content, const Settings& settings,
                           const crypto::HmacSha256& fingerprints, UnixMillis now, crypto::Rng& rng);

/// Adds a version whose content is still to come. Does not save the head.
const Version& add_empty(Head& head, std::string client_token, std::span<const std::string> labels, UnixMillis now, crypto::Rng& rng);

/// Takes the content out of a pending version, so that it can be filled anew. Does not save the head.
void empty_version(Transaction& tx, keys::MountId mount, Head& head, const Version& of, UnixMillis now);

/// Takes a version that was never current out of the secret, with its content and its labels. Does not save the head.
void erase_version(Transaction& tx, keys::MountId mount, Head& head, const Version& of, UnixMillis now);

/// Whether the version holds just this.
bool same_content(const Version& version, std::string_view bytes, records::Version::ContentKind kind,
                  const crypto::HmacSha256& fingerprints);

/// Moves a label to one of the head's versions, which has a content if it becomes current. What was current before becomes
/// AWSPREVIOUS, and a version that becomes current for the first time gets its number. Does not save the head.
void move_label(Head& head, std::string_view label, const Version& to);
/// Does not save the head.
void remove_label(Head& head, std::string_view label);

/// Makes it all there is of the secret, as its version 1. Saves the head.
void put_only(Transaction& tx, keys::MountId mount, Head& head, const NewContent& content, const crypto::HmacSha256& fingerprints,
              UnixMillis now, crypto::Rng& rng);

/// Changes of state of the numbered versions; numbers that do not exist are passed over, as Vault does.
enum class StateChange {
  kDelete,
  kUndelete,  // Also starts the time to their deletion by age anew.
  kDestroy,
};
void change_versions(Transaction& tx, keys::MountId mount, const Head& head, std::span<const std::int64_t> numbers,
                     StateChange change, const Settings& settings, UnixMillis now);

/// For a write: nullptr when there is none, also when one was to be purged by now, which it is by this commit.
/// errors: kInvalid: marked for deletion.
Result<std::shared_ptr<const Head>> find_to_change(Transaction& tx, keys::MountId mount, std::string_view name, UnixMillis now);

/// Marks it: it is not read or written any more, and erased at `purge_ms`. Saves the head.
void mark_for_deletion(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now, UnixMillis purge_ms);

/// Erases the secret with all its versions; its name is free.
void purge(Transaction& tx, keys::MountId mount, const Head& head, UnixMillis now);

}  // namespace keyhold::core::secrets
