#include "core/secret_write.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "core/keys.h"
#include "core/rotation/rotation.h"
#include "core/secret_due.h"

namespace keyhold::core::secrets {
namespace {

constexpr std::size_t kIdBytes = 16;
/// Of a commit's operations; the rest is for what it writes.
constexpr std::size_t kErasedAtOnceMax = 64;
constexpr std::size_t kDeprecatedMax = 10;  // Pending versions without a label that are kept.

std::size_t keys_of(const Version& version) { return 1 + version.chunks(); }

/// Ids of jobs and mounts share a space: those of mounts are counted up from below, a version's is random.
std::uint64_t job_id(const Version& version) {
  return get_big_endian64(version.id().data()) | std::uint64_t{1} << 63;
}

void erase_contents(Transaction& tx, keys::MountId mount, const Head& head, std::span<const Version> versions,
                    UnixMillis now) {
  std::size_t keys_total = 0;
  for (const Version& version : versions) keys_total += keys_of(version);
  if (keys_total <= kErasedAtOnceMax) {
    for (const Version& version : versions) {
      tx.erase(keys::version(mount, head.id(), version.id()));
      for (std::uint32_t i = 0; i < version.chunks(); ++i) tx.erase(keys::chunk(mount, version.id(), i));
    }
    return;
  }
  records::Job job;
  job.set_kind(records::Job::ERASE_VERSIONS);
  job.set_namespace_id(head.namespace_id());
  job.set_mount_id(mount);
  job.set_secret_id(head.id());
  job.set_created_ms(now);
  for (const Version& version : versions) {
    records::Job::Content& content = *job.add_contents();
    content.set_version_id(version.id());
    content.set_chunks(version.chunks());
  }
  tx.put(keys::job(head.namespace_id(), job_id(versions.front())), encode_record(job));
}

/// Puts the content of a new version, big ones as chunks ahead of the commit.
void put_content(Transaction& tx, keys::MountId mount, const Head& head, Version& version, std::string_view bytes,
                 UnixMillis now) {
  records::VersionContent header;
  header.set_namespace_id(head.namespace_id());
  header.set_content_bytes(bytes.size());
  if (bytes.size() <= kInlineContentBytesMax) {
    tx.put(keys::version(mount, head.id(), version.id()), encode_record(header, bytes));
    return;
  }
  const auto chunks = static_cast<std::uint32_t>((bytes.size() + kChunkBytes - 1) / kChunkBytes);
  version.set_chunks(chunks);
  header.set_chunks(chunks);
  records::PendingChunks pending;
  pending.set_mount_id(mount);
  pending.set_version_id(version.id());
  pending.set_chunks(chunks);
  pending.set_created_ms(now);
  const std::string pending_key = keys::pending_chunks(mount, version.id());
  tx.stage(pending_key, encode_record(pending));
  for (std::uint32_t i = 0; i < chunks; ++i) {
    records::Chunk chunk;
    chunk.set_index(i);
    tx.stage(keys::chunk(mount, version.id(), i), encode_record(chunk, bytes.substr(i * kChunkBytes, kChunkBytes)));
  }
  tx.erase(pending_key);
  tx.put(keys::version(mount, head.id(), version.id()), encode_record(header));
}

bool labelled(const Head& head, const Version& version) {
  return std::any_of(head.labels().begin(), head.labels().end(), [&](const auto& label) { return label.second == version.id(); });
}

void drop_label(Head& head, const Version& version) {
  auto& labels = *head.mutable_labels();
  for (auto label = labels.begin(); label != labels.end();) {
    label = label->second == version.id() ? labels.erase(label) : std::next(label);
  }
}

/// source: Vault API, kv-v2: oldest_version is 0 until as many versions as may be have been made.
void drop_oldest(Transaction& tx, keys::MountId mount, Head& head, std::uint32_t kept_max, UnixMillis now) {
  if (head.last_number() - head.oldest_number() < kept_max) return;
  head.set_oldest_number(head.last_number() - kept_max + 1);
  // What a client has labelled stays, unless there is to be one version only.
  const auto outlived = [&](const Version& version) {
    return version.number() != 0 && version.number() < head.oldest_number() && (kept_max == 1 || !labelled(head, version));
  };
  auto& versions = *head.mutable_versions();
  std::vector<Version> erased;
  for (const Version& version : versions) {
    if (!outlived(version)) continue;
    drop_label(head, version);
    if (version.state() != Version::DESTROYED) erased.push_back(version);
  }
  versions.erase(std::remove_if(versions.begin(), versions.end(), outlived), versions.end());
  if (!erased.empty()) erase_contents(tx, mount, head, erased, now);
}

/// Pending versions that lost their labels: nobody can ask for them but by their id. source: AWS, deprecated versions.
void drop_deprecated(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now) {
  auto& versions = *head.mutable_versions();
  std::ptrdiff_t over = -static_cast<std::ptrdiff_t>(kDeprecatedMax);
  const auto deprecated = [&head](const Version& version) { return version.number() == 0 && !labelled(head, version); };
  over += std::count_if(versions.begin(), versions.end(), deprecated);
  std::vector<Version> erased;
  const auto outlived = [&](const Version& version) {
    if (over <= 0 || !deprecated(version)) return false;
    --over;
    if (!version.empty()) erased.push_back(version);
    return true;
  };
  // In order, which remove_if keeps: the oldest go.
  versions.erase(std::remove_if(versions.begin(), versions.end(), outlived), versions.end());
  if (!erased.empty()) erase_contents(tx, mount, head, erased, now);
}

Version& mutable_version(Head& head, std::string_view id) {
  auto& versions = *head.mutable_versions();
  const auto found = std::find_if(versions.begin(), versions.end(), [id](const Version& version) { return version.id() == id; });
  CHECK(found != versions.end());
  return *found;
}

Version& add_version(Head& head, std::string client_token, UnixMillis now, crypto::Rng& rng) {
  Version& version = *head.add_versions();
  version.set_id(rng.bytes(kIdBytes));
  version.set_client_token(std::move(client_token));
  version.set_created_ms(now);
  return version;
}

/// The empty version of this client token, or a new one.
Version& version_to_fill(Head& head, const NewContent& content, UnixMillis now, crypto::Rng& rng) {
  if (!content.client_token.empty()) {
    for (Version& version : *head.mutable_versions()) {
      if (version.client_token() != content.client_token) continue;
      CHECK(version.empty());
      version.set_empty(false);
      return version;
    }
  }
  return add_version(head, content.client_token, now, rng);
}

}  // namespace

Result<Settings> settings(Transaction& tx, keys::MountId mount) {
  TRY_ASSIGN(const auto stored, tx.load<Settings>(keys::secret_settings(mount)));
  return stored == nullptr ? Settings() : *stored;
}

void put_settings(Transaction& tx, keys::MountId mount, const Settings& settings) {
  tx.put(keys::secret_settings(mount), encode_record(settings));
}

std::uint32_t versions_max(const Head& head, const Settings& settings) {
  const std::uint32_t set = std::max(head.max_versions(), settings.max_versions());
  return set == 0 ? kDefaultVersionsMax : set;
}

UnixMillis deletion_ms(const Head& head, const Settings& settings, UnixMillis now) {
  if (settings.delete_after_s() < 0) return 0;
  std::int64_t after_s = head.delete_after_s();
  if (after_s == 0 || (settings.delete_after_s() != 0 && settings.delete_after_s() < after_s)) {
    after_s = settings.delete_after_s();
  }
  return after_s == 0 ? 0 : now + after_s * 1000;
}

Head open_head(Transaction& tx, const Place& place, const Head* existing, UnixMillis now, crypto::Rng& rng) {
  if (existing != nullptr) return *existing;
  Head head;
  head.set_id(rng.bytes(kIdBytes));
  head.set_namespace_id(place.owner);
  head.set_name(std::string(place.name));
  head.set_created_ms(now);
  head.set_updated_ms(now);
  records::NameEntry entry;
  entry.set_secret_id(head.id());
  tx.put(keys::name(place.mount, place.name), encode_record(entry));
  return head;
}

void save(Transaction& tx, keys::MountId mount, const Head& head) {
  tx.put(keys::secret(mount, head.id()), encode_record(head));
}

const Version& put_version(Transaction& tx, keys::MountId mount, Head& head, const NewContent& content, const Settings& settings,
                           const crypto::HmacSha256& fingerprints, UnixMillis now, crypto::Rng& rng) {
  Version& version = version_to_fill(head, content, now, rng);
  const std::string id = version.id();
  version.set_created_by(content.created_by);
  version.set_deleted_ms(deletion_ms(head, settings, now));
  version.set_content_kind(content.kind);
  version.set_content_bytes(content.bytes.size());
  version.set_fingerprint(std::string(crypto::as_view(fingerprints(content.bytes))));
  for (const std::string& label : content.labels) move_label(head, label, version);
  put_content(tx, mount, head, version, content.bytes, now);
  drop_oldest(tx, mount, head, versions_max(head, settings), now);
  drop_deprecated(tx, mount, head, now);
  head.set_updated_ms(now);
  head.set_changed_ms(now);
  save(tx, mount, head);
  return mutable_version(head, id);
}

const Version& add_empty(Head& head, std::string client_token, std::span<const std::string> labels, UnixMillis now, crypto::Rng& rng) {
  Version& version = add_version(head, std::move(client_token), now, rng);
  version.set_empty(true);
  for (const std::string& label : labels) move_label(head, label, version);
  return version;
}

void empty_version(Transaction& tx, keys::MountId mount, Head& head, const Version& of, UnixMillis now) {
  Version& version = mutable_version(head, of.id());
  if (version.empty()) return;
  erase_contents(tx, mount, head, {&version, 1}, now);
  version.set_empty(true);
  version.set_chunks(0);
}

void erase_version(Transaction& tx, keys::MountId mount, Head& head, const Version& of, UnixMillis now) {
  const Version erased = of;
  drop_label(head, erased);
  auto& versions = *head.mutable_versions();
  const auto is_it = [&erased](const Version& version) { return version.id() == erased.id(); };
  versions.erase(std::remove_if(versions.begin(), versions.end(), is_it), versions.end());
  if (!erased.empty()) erase_contents(tx, mount, head, {&erased, 1}, now);
}

bool same_content(const Version& version, std::string_view bytes, records::Version::ContentKind kind,
                  const crypto::HmacSha256& fingerprints) {
  return !version.empty() && version.content_kind() == kind && version.content_bytes() == bytes.size() &&
         version.fingerprint() == crypto::as_view(fingerprints(bytes));
}

void move_label(Head& head, std::string_view label, const Version& to) {
  auto& labels = *head.mutable_labels();
  const std::string id = to.id();
  if (label == kCurrentLabel) {
    CHECK(!to.empty());
    const auto current = labels.find(std::string(kCurrentLabel));
    if (current != labels.end() && current->second != id) labels[std::string(kPreviousLabel)] = current->second;
    if (to.number() == 0) {
      head.set_last_number(head.last_number() + 1);
      mutable_version(head, id).set_number(head.last_number());
    }
  }
  labels[std::string(label)] = id;
}

void remove_label(Head& head, std::string_view label) { head.mutable_labels()->erase(std::string(label)); }

void put_only(Transaction& tx, keys::MountId mount, Head& head, const NewContent& content, const crypto::HmacSha256& fingerprints,
              UnixMillis now, crypto::Rng& rng) {
  Settings one_version;
  one_version.set_max_versions(1);
  put_version(tx, mount, head, content, one_version, fingerprints, now, rng);
  for (Version& version : *head.mutable_versions()) {
    if (version.number() == head.last_number()) version.set_number(1);
  }
  head.set_last_number(1);
  head.set_oldest_number(0);
  save(tx, mount, head);
}

void change_versions(Transaction& tx, keys::MountId mount, const Head& old_head, std::span<const std::int64_t> numbers,
                     StateChange change, const Settings& settings, UnixMillis now) {
  std::vector<std::int64_t> wanted(numbers.begin(), numbers.end());
  std::sort(wanted.begin(), wanted.end());
  Head head = old_head;
  bool changed = false;
  std::vector<Version> erased;
  for (Version& version : *head.mutable_versions()) {
    const auto number = static_cast<std::int64_t>(version.number());
    if (number == 0 || version.state() == Version::DESTROYED) continue;
    if (!std::binary_search(wanted.begin(), wanted.end(), number)) continue;
    switch (change) {
      case StateChange::kDelete:
        if (deleted(version, now)) continue;
        version.set_deleted_ms(now);
        break;
      case StateChange::kUndelete: version.set_deleted_ms(deletion_ms(head, settings, now)); break;
      case StateChange::kDestroy:
        erased.push_back(version);
        version.set_state(Version::DESTROYED);
        version.set_chunks(0);
        break;
    }
    changed = true;
  }
  if (!erased.empty()) erase_contents(tx, mount, head, erased, now);
  if (changed) save(tx, mount, head);
}

Result<std::shared_ptr<const Head>> find_to_change(Transaction& tx, keys::MountId mount, std::string_view name, UnixMillis now) {
  TRY_ASSIGN(auto head, find(tx, mount, name));
  if (head == nullptr || !marked_for_deletion(*head)) return head;
  if (!purge_due(*head, now)) {
    return Error{Code::kInvalid, "the secret is marked for deletion: restore it, or delete its metadata to erase it now"};
  }
  purge(tx, mount, *head, now);
  return std::shared_ptr<const Head>();
}

void mark_for_deletion(Transaction& tx, keys::MountId mount, Head& head, UnixMillis now, UnixMillis purge_ms) {
  head.set_deleted_ms(now);
  head.set_purge_ms(purge_ms);
  head.set_changed_ms(now);
  save(tx, mount, head);
  file_due(tx, mount, head, purge_ms);
}

void purge(Transaction& tx, keys::MountId mount, const Head& head, UnixMillis now) {
  std::vector<Version> erased;
  for (const Version& version : head.versions()) {
    if (version.state() != Version::DESTROYED && !version.empty()) erased.push_back(version);
  }
  if (!erased.empty()) erase_contents(tx, mount, head, erased, now);
  rotation::forget(tx, mount, head);
  tx.erase(keys::name(mount, head.name()));
  tx.erase(keys::secret(mount, head.id()));
  tx.erase(keys::last_read(mount, head.id()));
}

}  // namespace keyhold::core::secrets
