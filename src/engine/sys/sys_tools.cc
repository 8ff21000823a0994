#include "engine/sys/sys_tools.h"

#include "base/encoding.h"
#include "crypto/digest.h"

namespace keyhold::engine {
namespace {

using core::Call;
using core::Reply;

constexpr std::int64_t kRandomBytesDefault = 32;
constexpr std::int64_t kRandomBytesMax = 128 * 1024;  // Vault's.
constexpr std::string_view kDefaultAlgorithm = "sha2-256";

enum class Format { kHex, kBase64 };

Result<Format> format_of(const Call& call, Format otherwise) {
  const std::string word = call.fields().text("format");
  if (word.empty()) return otherwise;
  if (word == "hex") return Format::kHex;
  if (word == "base64") return Format::kBase64;
  return Error{Code::kInvalid, "unsupported encoding format; must be \"hex\" or \"base64\""};
}

SecretBytes encoded(std::string_view bytes, Format format) {
  SecretBytes text;
  if (format == Format::kHex) {
    append_hex(text, bytes);
  } else {
    append_base64(text, bytes);
  }
  return text;
}

}  // namespace

Result<Reply> SysTools::random(Call& call) {
  TRY_ASSIGN(const Format format, format_of(call, Format::kBase64));
  const std::string source = call.fields().text("source");
  if (!source.empty() && source != "platform" && source != "seal" && source != "all") {
    return Error{Code::kInvalid, "unsupported entropy source; must be \"platform\", \"seal\" or \"all\""};
  }
  const std::int64_t bytes = call.fields().integer("bytes", kRandomBytesDefault);
  if (bytes < 1) return Error{Code::kInvalid, "\"bytes\" cannot be less than 1"};
  if (bytes > kRandomBytesMax) return Error{Code::kInvalid, "\"bytes\" should be less than 131072"};
  SecretBytes random = SecretBytes::zeroed(static_cast<std::size_t>(bytes));
  call.rng().fill(random.writable());
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("random_bytes").string(encoded(random.reveal(), format).reveal()).end_object();
  return reply;
}

Result<Reply> SysTools::hash(Call& call) {
  TRY_ASSIGN(const Format format, format_of(call, Format::kHex));
  const auto input = base64_decode_secret(call.fields().secret("input").reveal());
  if (!input.ok()) return Error{Code::kInvalid, "unable to decode input as base64"};
  std::string algorithm = call.fields().text("algorithm");
  if (algorithm.empty()) algorithm = kDefaultAlgorithm;
  TRY_ASSIGN(const std::string sum, crypto::digest(algorithm, input->reveal()));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("sum").string(encoded(sum, format).reveal()).end_object();
  return reply;
}

}  // namespace keyhold::engine
