#include "core/secret.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/keys.h"

namespace keyhold::core::secrets {
namespace {

/// What is kept beside a cached content record.
struct DecodedContent {
  records::VersionContent header;
  std::string_view content;  // Of the cached entry, which owns this.
  std::string redacted;
  std::unique_ptr<std::atomic<UnixMillis>> noted_ms = std::make_unique<std::atomic<UnixMillis>>(0);
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

}  // namespace

Result<std::shared_ptr<const Head>> find(Transaction& tx, keys::MountId mount, std::string_view name) {
  TRY_ASSIGN(const auto entry, tx.load<records::NameEntry>(keys::name(mount, name)));
  if (entry == nullptr) return std::shared_ptr<const Head>();
  TRY_ASSIGN(auto head, tx.load<Head>(keys::secret(mount, entry->secret_id())));
  if (head == nullptr) return Error{Code::kCorrupt, "a name refers to a secret that is not there"};
  return head;
}

Result<std::shared_ptr<const Head>> find_living(Transaction& tx, keys::MountId mount, std::string_view name) {
  TRY_ASSIGN(auto head, find(tx, mount, name));
  if (head != nullptr && marked_for_deletion(*head)) return std::shared_ptr<const Head>();
  return head;
}

const Version* version_numbered(const Head& head, std::uint64_t number) {
  for (const Version& version : head.versions()) {
    if (version.number() == number) return &version;
  }
  return nullptr;
}

const Version* current_version(const Head& head) { return version_labelled(head, kCurrentLabel); }

std::string version_id(const Version& version) {
  return version.client_token().empty() ? format_uuid(version.id()) : version.client_token();
}

const Version* version_with_id(const Head& head, std::string_view id) {
  for (const Version& version : head.versions()) {
    if (version_id(version) == id) return &version;
  }
  return nullptr;
}

const Version* version_labelled(const Head& head, std::string_view name) {
  const auto label = head.labels().find(std::string(name));
  if (label == head.labels().end()) return nullptr;
  for (const Version& version : head.versions()) {
    if (version.id() == label->second) return &version;
  }
  return nullptr;
}

std::vector<std::string> labels_of(const Head& head, const Version& version) {
  std::vector<std::string> labels;
  for (const auto& [label, id] : head.labels()) {
    if (id == version.id()) labels.push_back(label);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

std::uint64_t current_number(const Head& head) {
  const Version* version = current_version(head);
  return version == nullptr ? 0 : version->number();
}

bool deleted(const Version& version, UnixMillis now) { return version.deleted_ms() != 0 && version.deleted_ms() <= now; }

bool readable(const Version& version, UnixMillis now) {
  if (version.state() != Version::ENABLED || deleted(version, now)) return false;
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
  result.noted_ms_ = decoded->noted_ms.get();
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
  result.chunks_redacted_ = redacted;
  return result;
}

std::string_view Content::json(const Version& version, SecretBytes& scratch) const {
  if (version.content_kind() == Version::JSON_OBJECT) return reveal();
  scratch.reserve(reveal().size() * 4 / 3 + 16);
  scratch.append("{\"value\":");
  if (version.content_kind() == Version::TEXT) {
    json::append_quoted(scratch, reveal());
  } else {
    scratch.push_back('"');
    append_base64(scratch, reveal());
    scratch.push_back('"');
  }
  scratch.push_back('}');
  return scratch.reveal();
}

Result<Names> list(Transaction& tx, keys::MountId mount, std::string_view prefix, std::string_view after,
                   std::size_t limit, Depth depth) {
  const std::string key_prefix = keys::name(mount, prefix);
  const std::string key_after = after.empty() ? std::string() : keys::name(mount, std::string(prefix).append(after));
  storage::ListOptions options;
  options.prefix = key_prefix;
  options.after = key_after;
  options.limit = limit;
  if (depth == Depth::kFolder) options.delimiter = '/';
  TRY_ASSIGN(const storage::Page page, tx.list(options));
  Names names;
  names.more = page.more;
  names.names.reserve(page.items.size());
  for (const auto& item : page.items) names.names.push_back(item.key.substr(key_prefix.size()));
  return names;
}

}  // namespace keyhold::core::secrets
