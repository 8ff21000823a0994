#include "core/audit/genesis.h"

#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "core/audit/text.h"
#include "crypto/ed25519.h"

namespace keyhold::core::audit {
namespace {

constexpr std::size_t kJournalIdDigits = 32;
constexpr std::size_t kPublicKeyBytes = 32;
constexpr int kStreamMax = 9999;

constexpr std::array kBeginNames{
    std::pair{Begin::kFirst, std::string_view("first")},          std::pair{Begin::kRestart, std::string_view("restart")},
    std::pair{Begin::kDamage, std::string_view("damage")},        std::pair{Begin::kRotation, std::string_view("rotation")},
    std::pair{Begin::kSyncError, std::string_view("sync-error")}, std::pair{Begin::kLost, std::string_view("lost")},
    std::pair{Begin::kNewKey, std::string_view("new-key")},
};

std::string_view name_of(Begin begin) {
  for (const auto& [value, name] : kBeginNames) {
    if (value == begin) return name;
  }
  CHECK(false);
}

std::optional<std::string> string_member(const json::Value& object, std::string_view key) {
  const auto member = object.find(key);
  if (!member) return std::nullopt;
  auto text = member->as_string();
  if (!text.ok()) return std::nullopt;
  return std::move(text).value();
}

std::optional<std::uint64_t> number_member(const json::Value& object, std::string_view key) {
  const auto member = object.find(key);
  if (!member) return std::nullopt;
  return parse_decimal(member->raw());
}

}  // namespace

std::optional<Genesis::Previous> Genesis::Previous::parse(const json::Value& object) {
  auto file = string_member(object, "file");
  const auto sequence = number_member(object, "seq");
  const auto chain = string_member(object, "chain");
  if (!file || !sequence || !chain) return std::nullopt;
  const auto digest = digest_from_hex(*chain);
  if (!digest) return std::nullopt;
  return Previous{.file = *std::move(file), .sequence = *sequence, .chain = *digest};
}

std::string Genesis::members() const {
  std::string out = "\"genesis\":{\"version\":" + std::to_string(kFormatVersion) + ",\"journal\":";
  json::append_quoted(out, journal);
  out += ",\"stream\":" + std::to_string(stream) + ",\"begin\":";
  json::append_quoted(out, name_of(begin));
  if (previous) {
    out += ",\"previous\":{\"file\":";
    json::append_quoted(out, previous->file);
    out += ",\"seq\":" + std::to_string(previous->sequence) + ",\"chain\":\"" +
           hex_encode(crypto::as_view(previous->chain)) + "\"}";
  }
  if (torn_bytes > 0) out += ",\"torn_bytes\":" + std::to_string(torn_bytes);
  if (!public_key.empty()) out += ",\"public_key\":\"" + hex_encode(public_key) + "\"";
  out += "}";
  return out;
}

std::optional<Genesis> Genesis::parse(std::string_view members) {
  const std::string text = "{" + std::string(members) + "}";
  const auto document = json::Document::parse(text);
  if (!document.ok()) return std::nullopt;
  const auto object = document->root().find("genesis");
  if (!object || !object->is_object()) return std::nullopt;

  Genesis genesis;
  const auto journal = string_member(*object, "journal");
  const auto stream = number_member(*object, "stream");
  const auto begin = string_member(*object, "begin");
  if (!journal || journal->size() != kJournalIdDigits || !hex_decode(*journal).ok()) return std::nullopt;
  if (!stream || *stream > kStreamMax || !begin) return std::nullopt;
  genesis.journal = *journal;
  genesis.stream = static_cast<int>(*stream);
  for (const auto& [value, name] : kBeginNames) {
    if (name == *begin) genesis.begin = value;
  }
  if (const auto previous = object->find("previous")) {
    genesis.previous = Previous::parse(*previous);
    if (!genesis.previous) return std::nullopt;
  }
  genesis.torn_bytes = number_member(*object, "torn_bytes").value_or(0);
  if (const auto key = string_member(*object, "public_key")) {
    auto bytes = hex_decode(*key);
    if (!bytes.ok() || bytes->size() != kPublicKeyBytes) return std::nullopt;
    genesis.public_key = std::move(bytes).value();
  }
  // One spelling only; covers the version, unknown members and an unknown reason.
  if (genesis.members() != members) return std::nullopt;
  return genesis;
}

}  // namespace keyhold::core::audit
