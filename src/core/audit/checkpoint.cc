#include "core/audit/checkpoint.h"

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json.h"
#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014 and a space open a signature line.
constexpr char kEd25519 = 1;                         // Signature type of the signed-note specification.
constexpr std::size_t kKeyHashBytes = 4;
constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kPublicKeyBytes = 32;

constexpr std::string_view kRotatedLine = "end rotated\n";
constexpr std::string_view kClosedLine = "end closed\n";

std::string typed_key(std::string_view public_key) { return std::string(1, kEd25519).append(public_key); }

std::string key_hash(std::string_view name, std::string_view public_key) {
  const Digest digest = crypto::sha256(std::string(name) + "\n", typed_key(public_key));
  return std::string(crypto::as_view(digest).substr(0, kKeyHashBytes));
}

std::string_view closing_line(Closing closing) {
  switch (closing) {
    case Closing::kOpen: return "";
    case Closing::kRotated: return kRotatedLine;
    case Closing::kClosed: return kClosedLine;
  }
  CHECK(false);
}

/// Takes a line off the front, without its newline.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

std::optional<Checkpoint> parse_text(std::string_view text) {
  const auto origin = take_line(text);
  const auto size = take_line(text);
  const auto root = take_line(text);
  if (!origin || !size || !root) return std::nullopt;
  const auto number = parse_decimal(*size);
  const auto digest = base64_decode(*root);
  if (!number || !digest.ok() || digest->size() != sizeof(Digest)) return std::nullopt;

  Checkpoint checkpoint{.origin = std::string(*origin), .size = *number};
  digest->copy(reinterpret_cast<char*>(checkpoint.root.data()), checkpoint.root.size());
  for (const Closing closing : {Closing::kOpen, Closing::kRotated, Closing::kClosed}) {
    checkpoint.closing = closing;
    if (text == closing_line(closing)) return checkpoint;
  }
  return std::nullopt;
}

Error not_a_checkpoint() { return {Code::kCorrupt, "not a well-formed checkpoint"}; }

}  // namespace

std::string Checkpoint::origin_of(const Genesis& genesis, std::uint64_t first_sequence) {
  return key_name_of(genesis.journal) + "/" + std::to_string(genesis.stream) + "/" + std::to_string(first_sequence);
}

std::string Checkpoint::text() const {
  return origin + "\n" + std::to_string(size) + "\n" + base64_encode(crypto::as_view(root)) + "\n" +
         std::string(closing_line(closing));
}

std::string Checkpoint::signed_members(std::string_view key_name, const crypto::Ed25519Signer& signer) const {
  const std::string body = text();
  const std::string& public_key = signer.public_key();
  std::string note = body + "\n" + std::string(kDash).append(key_name) + " " +
                     base64_encode(key_hash(key_name, public_key) + signer.sign(body)) + "\n";
  std::string members = "\"checkpoint\":";
  json::append_quoted(members, note);
  return members + ",\"public_key\":\"" + hex_encode(public_key) + "\"";
}

std::string key_name_of(std::string_view journal) { return "keyhold/" + std::string(journal); }

std::string verifier_key(std::string_view key_name, std::string_view public_key) {
  return std::string(key_name) + "+" + hex_encode(key_hash(key_name, public_key)) + "+" + base64_encode(typed_key(public_key));
}

Result<SignedCheckpoint> SignedCheckpoint::parse(std::string_view members) {
  const std::string text = "{" + std::string(members) + "}";
  const auto document = json::Document::parse(text);
  if (!document.ok()) return not_a_checkpoint();
  const auto note = document->root().find("checkpoint");
  const auto key = document->root().find("public_key");
  if (!note || !key || document->root().size() != 2) return not_a_checkpoint();
  auto note_text = note->as_string();
  const auto key_digits = key->as_string();
  if (!note_text.ok() || !key_digits.ok()) return not_a_checkpoint();
  auto public_key = hex_decode(*key_digits);
  if (!public_key.ok() || public_key->size() != kPublicKeyBytes) return not_a_checkpoint();
  SignedCheckpoint result;
  result.note = std::move(note_text).value();
  result.public_key = std::move(public_key).value();
  return result;
}

Result<Checkpoint> SignedCheckpoint::open(std::string_view key_name, std::string_view key) const {
  const std::size_t blank = note.find("\n\n");
  if (blank == std::string::npos) return not_a_checkpoint();
  const std::string_view body = std::string_view(note).substr(0, blank + 1);
  std::string_view signatures = std::string_view(note).substr(blank + 2);

  // Exactly one signature line: a witness's copy is checked by the tools of the witness.
  const auto line = take_line(signatures);
  const std::string prefix = std::string(kDash).append(key_name) + " ";
  if (!line || !signatures.empty() || !line->starts_with(prefix)) {
    return Error{Code::kCorrupt, "the checkpoint is not signed by this journal's key"};
  }
  const auto signature = base64_decode(line->substr(prefix.size()));
  if (!signature.ok() || signature->size() != kKeyHashBytes + kSignatureBytes) return not_a_checkpoint();
  if (public_key != key || signature->substr(0, kKeyHashBytes) != key_hash(key_name, key)) {
    return Error{Code::kCorrupt, "the checkpoint is signed by another key"};
  }
  if (!crypto::ed25519_verify(key, body, std::string_view(*signature).substr(kKeyHashBytes))) {
    return Error{Code::kCorrupt, "the checkpoint's signature is wrong"};
  }
  auto checkpoint = parse_text(body);
  if (!checkpoint) return not_a_checkpoint();
  return *std::move(checkpoint);
}

}  // namespace keyhold::core::audit
