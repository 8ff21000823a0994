#include "core/batch_token.h"

#include "base/encoding.h"
#include "base/limits.h"
#include "core/record.h"

namespace keyhold::core {
namespace {

constexpr char kFormat = 0x01;
constexpr std::size_t kNonceBytes = crypto::Xaes256Gcm::kNonceBytes;
constexpr std::string_view kAssociated{&kFormat, 1};

Error denied() { return {Code::kDenied, "permission denied"}; }

}  // namespace

Result<SecretBytes> BatchTokens::seal(const records::Token& record, crypto::Rng& rng) const {
  const std::string nonce = rng.bytes(kNonceBytes);
  std::string sealed(1, kFormat);
  sealed.append(nonce);
  cipher_.seal(nonce, kAssociated, record.SerializeAsString(), sealed);
  SecretBytes token = SecretBytes::copy_of(kPrefix);
  append_base64(token, sealed, Base64::kUrlSafe);
  if (token.size() > limits::kTokenBytesMax) {
    return Error{Code::kInvalid, "a batch token cannot hold this much: give it fewer policies or less metadata, or make a service token"};
  }
  return token;
}

Result<records::Token> BatchTokens::open(std::string_view token) const {
  if (!looks_like(token)) return denied();
  const auto sealed = base64_decode(token.substr(kPrefix.size()), Base64::kUrlSafe);
  if (!sealed.ok() || sealed->size() < 1 + kNonceBytes || sealed->front() != kFormat) return denied();
  const std::string_view rest = std::string_view(*sealed).substr(1);
  const auto opened = cipher_.open(rest.substr(0, kNonceBytes), kAssociated, rest.substr(kNonceBytes));
  records::Token record;
  if (!opened.ok() || !parse_header(opened->reveal(), record).ok()) return denied();
  return record;
}

}  // namespace keyhold::core
