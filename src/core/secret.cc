#include "core/secret.h"

#include <algorithm>

#include "base/limits.h"
#include "core/keys.h"

namespace keyhold::core::secrets {
namespace {

constexpr std::size_t kIdBytes = 16;

/// What is kept beside a cached content record.
struct DecodedContent {
  records::VersionContent header;
  std::string_view content;  // Of the cached entry, which owns this.
  std::string redacted;
};

std::string redact(const audit::Redactor& redactor, std::string_view content) {
  std::string out;
  if (auto document = json::Document::parse(content); document.ok()) {
    redactor.append_redacted(out, document->root());
  } else {
    json::append_quoted(out, redactor.hash(content));
  }
  return out;
}

Version* mutable_version(Head& head, std::uint64_t number) {
  for (Version& version : *head.mutable_versions()) {
    if (version.number() == number) return &version;
  }
  return nullptr;
}

void erase_content(Transaction& tx, keys::MountId mount, const Head& head, const Version& version) {
  tx.erase(keys::version(mount, head.id(), version.id()));
  for (std::uint32_t i = 0; i < version.chunks(); ++i) tx.erase(keys::chunk(mount, version.id(), i));
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

void drop_oldest(Transaction& tx, keys::MountId mount, Head& head) {
  const std::uint32_t versions_max = head.max_versions() == 0 ? kDefaultVersionsMax : head.max_versions();
  auto& versions = *head.mutable_versions();
  while (versions.size() > static_cast<int>(versions_max)) {
    if (versions[0].state() != Version::DESTROYED) erase_content(tx, mount, head, versions[0]);
    auto& labels = *head.mutable_labels();
    for (auto label = labels.begin(); label != labels.end();) {
      label = label->second == versions[0].id() ? labels.erase(label) : std::next(label);
    }
    versions.DeleteSubrange(0, 1);
  }
  head.set_oldest_number(versions[0].number());
}

void make_current(Head& head, Version& version) {
  auto& labels = *head.mutable_labels();
  if (const auto current = labels.find(std::string(kCurrentLabel)); current != labels.end()) {
    labels[std::string(kPreviousLabel)] = current->second;
  }
  labels[std::string(kCurrentLabel)] = version.id();
  head.set_last_number(head.last_number() + 1);
  version.set_number(head.last_number());
}

}  // namespace

Result<std::shared_ptr<const Head>> find(Transaction& tx, keys::MountId mount, std::string_view name) {
  TRY_ASSIGN(const auto entry, tx.load<records::NameEntry>(keys::name(mount, name)));
  if (entry == nullptr) return std::shared_ptr<const Head>();
  TRY_ASSIGN(auto head, tx.load<Head>(keys::secret(mount, entry->secret_id())));
  if (head == nullptr) return Error{Code::kCorrupt, "a name refers to a secret that is not there"};
  return head;
}

const Version* version_numbered(const Head& head, std::uint64_t number) {
  for (const Version& version : head.versions()) {
    if (version.number() == number) return &version;
  }
  return nullptr;
}

const Version* current_version(const Head& head) {
  const auto label = head.labels().find(std::string(kCurrentLabel));
  if (label == head.labels().end()) return nullptr;
  for (const Version& version : head.versions()) {
    if (version.id() == label->second) return &version;
  }
  return nullptr;
}

bool readable(const Version& version, UnixMillis now) {
  if (version.state() != Version::ENABLED) return false;
  if (version.not_before_ms() > now) return false;
  return version.expires_ms() == 0 || version.expires_ms() > now;
}

Result<Content> content(Transaction& tx, keys::MountId mount, const Head& head, const Version& version,
                        const audit::Redactor& redactor) {
  Content result;
  TRY_ASSIGN(result.entry_, tx.get(keys::version(mount, head.id(), version.id())));
  if (!result.entry_->present()) return Error{Code::kCorrupt, "the content of a version is not there"};
  const auto decode = [&redactor](const SecretBytes& record) -> Result<DecodedContent> {
    TRY_ASSIGN(const RecordParts parts, split_record(record.reveal()));
    DecodedContent decoded;
    TRY(parse_header(parts.header, decoded.header));
    decoded.content = parts.content;
    if (decoded.header.chunks() == 0) decoded.redacted = redact(redactor, parts.content);
    return decoded;
  };
  TRY_ASSIGN(const auto decoded, result.entry_->decoded<DecodedContent>(decode));
  result.decoded_ = decoded;
  result.view_ = decoded->content;
  result.redacted_ = decoded->redacted;
  if (decoded->header.chunks() == 0) return result;

  result.assembled_.reserve(decoded->header.content_bytes());
  for (std::uint32_t i = 0; i < decoded->header.chunks(); ++i) {
    TRY_ASSIGN(const EntryRef chunk, tx.get(keys::chunk(mount, version.id(), i)));
    if (!chunk->present()) return Error{Code::kCorrupt, "a chunk of a version is not there"};
    TRY_ASSIGN(const RecordParts parts, split_record(chunk->value().reveal()));
    result.assembled_.append(parts.content);
  }
  if (result.assembled_.size() != decoded->header.content_bytes()) {
    return Error{Code::kCorrupt, "the chunks of a version do not add up"};
  }
  auto redacted = std::make_shared<const std::string>(redact(redactor, result.assembled_.reveal()));
  result.redacted_ = *redacted;
  result.decoded_ = redacted;
  return result;
}

Result<Head> put_current(Transaction& tx, keys::MountId mount, keys::NamespaceId owner, std::string_view name,
                         const NewContent& content, const crypto::HmacSha256& fingerprints, UnixMillis now,
                         crypto::Rng& rng) {
  TRY_ASSIGN(const auto existing, find(tx, mount, name));
  Head head;
  if (existing != nullptr) {
    head = *existing;
  } else {
    head.set_id(rng.bytes(kIdBytes));
    head.set_namespace_id(owner);
    head.set_name(std::string(name));
    head.set_created_ms(now);
    records::NameEntry entry;
    entry.set_secret_id(head.id());
    tx.put(keys::name(mount, name), encode_record(entry));
  }
  Version& version = *head.add_versions();
  version.set_id(rng.bytes(kIdBytes));
  version.set_created_ms(now);
  version.set_created_by(content.created_by);
  version.set_content_kind(content.kind);
  version.set_content_bytes(content.bytes.size());
  version.set_fingerprint(std::string(crypto::as_view(fingerprints(content.bytes))));
  make_current(head, version);
  put_content(tx, mount, head, version, content.bytes, now);
  drop_oldest(tx, mount, head);
  head.set_updated_ms(now);
  tx.put(keys::secret(mount, head.id()), encode_record(head));
  return head;
}

Result<void> change_versions(Transaction& tx, keys::MountId mount, const Head& old_head,
                             std::span<const std::int64_t> numbers, StateChange change, UnixMillis now) {
  Head head = old_head;
  bool changed = false;
  for (const std::int64_t number : numbers) {
    Version* version = mutable_version(head, static_cast<std::uint64_t>(number));
    if (number < 1 || version == nullptr || version->state() == Version::DESTROYED) continue;
    switch (change) {
      case StateChange::kDelete:
        if (version->state() == Version::DELETED) continue;
        version->set_state(Version::DELETED);
        version->set_deleted_ms(now);
        break;
      case StateChange::kUndelete:
        if (version->state() != Version::DELETED) continue;
        version->set_state(Version::ENABLED);
        version->set_deleted_ms(0);
        break;
      case StateChange::kDestroy:
        erase_content(tx, mount, head, *version);
        version->set_state(Version::DESTROYED);
        version->set_chunks(0);
        break;
    }
    changed = true;
  }
  if (!changed) return {};
  head.set_updated_ms(now);
  tx.put(keys::secret(mount, head.id()), encode_record(head));
  return {};
}

Result<Names> list(Transaction& tx, keys::MountId mount, std::string_view prefix, std::string_view after,
                   std::size_t limit) {
  const std::string key_prefix = keys::name(mount, prefix);
  const std::string key_after = after.empty() ? std::string() : keys::name(mount, std::string(prefix).append(after));
  storage::ListOptions options;
  options.prefix = key_prefix;
  options.after = key_after;
  options.limit = limit;
  options.delimiter = '/';
  TRY_ASSIGN(const storage::Page page, tx.list(options));
  Names names;
  names.more = page.more;
  names.names.reserve(page.items.size());
  for (const auto& item : page.items) names.names.push_back(item.key.substr(key_prefix.size()));
  return names;
}

}  // namespace keyhold::core::secrets
