#include "core/backup/snapshot_file.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace keyhold::core::backup {
namespace {

constexpr std::int64_t kFormat = 1;
constexpr std::string_view kManifestName = "manifest.json";
constexpr std::string_view kSumsName = "SHA256SUMS";
constexpr std::string_view kSealedName = "SHA256SUMS.sealed";  // A file of this name tells Vault's client that nothing is missing.
constexpr std::string_view kDomain = "keyhold/snapshot/1/";
constexpr std::size_t kSectionBytes = 1024 * 1024;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kEntryHeadBytes = 8;  // Size of the key, size of the value.
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kReadBytes = 64 * 1024;

Error damaged() { return {Code::kInvalid, "the snapshot is damaged"}; }
Error foreign() { return {Code::kInvalid, "this store did not make the snapshot"}; }

std::string section_name(std::uint64_t index) {
  std::array<char, 32> name;
  const int size = std::snprintf(name.data(), name.size(), "entries/%08llu", static_cast<unsigned long long>(index));
  return {name.data(), static_cast<std::size_t>(size)};
}

std::string sum_line(std::string_view name, std::string_view content) {
  return hex_encode(crypto::as_view(crypto::sha256(content))) + "  " + std::string(name) + "\n";
}

/// What a section's MAC is of: a section stands in one place of one file.
std::string mac_of(const crypto::HmacSha256& mac, const Manifest& manifest, std::uint64_t index, std::string_view section) {
  const std::string place = std::string(kDomain) + manifest.id + "/" + section_name(index) + "/";
  return std::string(crypto::as_view(mac(place + hex_encode(crypto::as_view(crypto::sha256(section))))));
}

std::string to_be_signed(std::string_view sums) { return std::string(kDomain) + "\n" + std::string(sums); }

void append_entry(std::string& section, const storage::Entry& entry) {
  char head[kEntryHeadBytes];
  put_big_endian64(head, std::uint64_t{entry.key.size()} << 32 | entry.value.size());
  section.append(head, sizeof head).append(entry.key).append(entry.value);
}

}  // namespace

std::string Manifest::to_json() const {
  SecretBytes text;
  json::Writer writer(text);
  writer.begin_object();
  writer.key("format").number(kFormat);
  writer.key("id").string(id);
  writer.key("store_id").string(hex_encode(store_id));
  writer.key("store_version").number(static_cast<std::int64_t>(at));
  writer.key("created_time").string(format_rfc3339(created_ms));
  writer.key("created_ms").number(created_ms);
  writer.key("keyhold_version").string(keyhold_version);
  writer.key("seal_type").string(seal_type);
  writer.key("shares").number(shares);
  writer.key("threshold").number(threshold);
  writer.key("active_term").number(active_term);
  writer.end_object();
  return std::string(text.reveal()) + "\n";
}

Result<Manifest> Manifest::parse(std::string_view json) {
  const auto document = json::Document::parse(json);
  if (!document.ok() || !document->root().is_object()) return damaged();
  const json::Value root = document->root();
  bool whole = true;
  const auto text = [&](std::string_view name) {
    const auto value = root.find(name);
    auto found = value ? value->as_string() : Result<std::string>(damaged());
    whole = whole && found.ok();
    return found.ok() ? std::move(found).value() : std::string();
  };
  const auto number = [&](std::string_view name) {
    const auto value = root.find(name);
    const auto found = value ? value->as_int() : Result<std::int64_t>(damaged());
    whole = whole && found.ok() && *found >= 0;
    return found.ok() ? *found : 0;
  };
  if (const std::int64_t format = number("format"); whole && format != kFormat) {
    return Error{Code::kUnsupported, "the snapshot was made by a newer version of Keyhold"};
  }
  Manifest manifest;
  manifest.id = text("id");
  const auto store_id = hex_decode(text("store_id"));
  manifest.at = static_cast<storage::Version>(number("store_version"));
  manifest.created_ms = number("created_ms");
  manifest.keyhold_version = text("keyhold_version");
  manifest.seal_type = text("seal_type");
  const std::int64_t shares = number("shares");
  const std::int64_t threshold = number("threshold");
  manifest.active_term = static_cast<std::uint32_t>(number("active_term"));
  constexpr std::int64_t kSharesMax = 255;
  if (!whole || !store_id.ok() || shares > kSharesMax || threshold > kSharesMax) return damaged();
  manifest.store_id = *store_id;
  manifest.shares = static_cast<int>(shares);
  manifest.threshold = static_cast<int>(threshold);
  return manifest;
}

Result<Written> write_snapshot(storage::View& view, const Manifest& manifest, const SnapshotKeys& keys, const Sink& sink) {
  Written written;
  ArchiveWriter archive([&](std::string_view bytes) {
    written.bytes += bytes.size();
    return sink(bytes);
  });
  std::string sums;
  const auto add = [&](std::string_view name, std::string_view content) {
    sums += sum_line(name, content);
    return archive.add(name, content);
  };
  TRY(add(kManifestName, manifest.to_json()));
  for (std::uint64_t index = 0;; ++index) {
    TRY_ASSIGN(const auto entries, view.next(kSectionBytes));
    if (entries.empty()) break;
    std::string section;
    for (const storage::Entry& entry : entries) append_entry(section, entry);
    written.entries += entries.size();
    section += mac_of(keys.mac, manifest, index, section);
    TRY(add(section_name(index), section));
  }
  TRY(archive.add(kSumsName, sums));
  const std::string signature = keys.signer.sign(to_be_signed(sums));
  TRY(archive.add(kSealedName, base64_encode(keys.signer.public_key()) + "\n" + base64_encode(signature) + "\n"));
  TRY(archive.finish());
  return written;
}

SnapshotReader::SnapshotReader(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys)
    : file_(std::move(file)), keys_(keys), archive_([this](std::size_t bytes) { return pull(bytes); }) {}

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::open(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys) {
  std::unique_ptr<SnapshotReader> reader(new SnapshotReader(std::move(file), keys));
  TRY_ASSIGN(const ArchiveReader::File manifest, reader->take_file());
  if (manifest.name != kManifestName) return damaged();
  TRY_ASSIGN(reader->manifest_, Manifest::parse(manifest.content));
  return reader;
}

Result<std::string> SnapshotReader::pull(std::size_t bytes) {
  std::string got;
  while (got.size() < bytes) {
    const std::size_t have = got.size();
    got.resize(std::min(bytes, have + kReadBytes));
    TRY_ASSIGN(const std::size_t read, file_->read_at(offset_, std::span(got).subspan(have)));
    offset_ += read;
    got.resize(have + read);
    if (read == 0) break;
  }
  return got;
}

Result<ArchiveReader::File> SnapshotReader::take_file() {
  TRY_ASSIGN(auto file, archive_.next());
  if (!file) return damaged();
  if (file->name != kSumsName) sums_ += sum_line(file->name, file->content);
  return *std::move(file);
}

Result<std::vector<storage::Entry>> SnapshotReader::next() {
  if (ended_) return std::vector<storage::Entry>{};
  TRY_ASSIGN(const ArchiveReader::File file, take_file());
  if (file.name == section_name(sections_)) return read_section(file);
  TRY(check_sums(file));
  ended_ = true;
  return std::vector<storage::Entry>{};
}

Result<std::vector<storage::Entry>> SnapshotReader::read_section(const ArchiveReader::File& file) {
  std::string_view section = file.content;
  if (section.size() < kMacBytes) return damaged();
  const std::string_view mac = section.substr(section.size() - kMacBytes);
  section.remove_suffix(kMacBytes);
  if (keys_ != nullptr && !crypto::equal_constant_time(mac, mac_of(keys_->mac, manifest_, sections_, section))) {
    return Error{Code::kInvalid, "the snapshot is damaged, or of another store"};
  }
  ++sections_;
  std::vector<storage::Entry> entries;
  while (!section.empty()) {
    if (section.size() < kEntryHeadBytes) return damaged();
    const std::uint64_t sizes = get_big_endian64(section.data());
    const std::size_t key_bytes = sizes >> 32;
    const std::size_t value_bytes = sizes & 0xffff'ffff;
    section.remove_prefix(kEntryHeadBytes);
    if (section.size() < key_bytes || section.size() - key_bytes < value_bytes) return damaged();
    storage::Entry entry{std::string(section.substr(0, key_bytes)), std::string(section.substr(key_bytes, value_bytes)), 0};
    section.remove_prefix(key_bytes + value_bytes);
    if (entry.key <= last_key_ || !storage::check_entry(entry).ok()) return damaged();
    last_key_ = entry.key;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return damaged();
  entries_ += entries.size();
  return entries;
}

Result<void> SnapshotReader::check_sums(const ArchiveReader::File& file) {
  if (file.name != kSumsName || file.content != sums_) return damaged();
  TRY_ASSIGN(const auto sealed, archive_.next());
  if (!sealed || sealed->name != kSealedName) return damaged();
  const std::size_t line_end = sealed->content.find('\n');
  if (line_end == std::string::npos) return damaged();
  const auto public_key = base64_decode(sealed->content.substr(0, line_end));
  const auto signature = base64_decode(std::string_view(sealed->content).substr(line_end + 1, sealed->content.size() - line_end - 2));
  const bool sized = public_key.ok() && signature.ok() && public_key->size() == kPublicKeyBytes && signature->size() == kSignatureBytes;
  if (!sized || sealed->content != base64_encode(*public_key) + "\n" + base64_encode(*signature) + "\n") return damaged();
  if (keys_ != nullptr && *public_key != keys_->signer.public_key()) return foreign();
  if (!crypto::ed25519_verify(*public_key, to_be_signed(sums_), *signature)) return damaged();
  TRY_ASSIGN(const auto more, archive_.next());
  if (more) return damaged();
  public_key_ = *public_key;
  return {};
}

Result<Verified> verify_snapshot(std::shared_ptr<const SpoolFile> file, const SnapshotKeys* keys) {
  TRY_ASSIGN(const auto reader, SnapshotReader::open(std::move(file), keys));
  for (;;) {
    TRY_ASSIGN(const auto entries, reader->next());
    if (entries.empty()) break;
  }
  return Verified{reader->manifest(), reader->entries(), reader->public_key()};
}

}  // namespace keyhold::core::backup
