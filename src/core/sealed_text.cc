#include "core/sealed_text.h"

#include "base/encoding.h"

namespace keyhold::core {
namespace {

constexpr char kFormat = 0x01;
constexpr std::size_t kNonceBytes = crypto::Xaes256Gcm::kNonceBytes;
constexpr std::string_view kAssociated{&kFormat, 1};

}  // namespace

void SealedText::append_sealed(SecretBytes& out, std::string_view content, crypto::Rng& rng) const {
  const std::string nonce = rng.bytes(kNonceBytes);
  std::string sealed(1, kFormat);
  sealed.append(nonce);
  cipher_.seal(nonce, kAssociated, content, sealed);
  append_base64(out, sealed, Base64::kUrlSafe);
}

Result<SecretBytes> SealedText::open(std::string_view text) const {
  const Error refused{Code::kInvalid, "it was not made by this server"};
  const auto sealed = base64_decode(text, Base64::kUrlSafe);
  if (!sealed.ok() || sealed->size() < 1 + kNonceBytes || sealed->front() != kFormat) return refused;
  const std::string_view rest = std::string_view(*sealed).substr(1);
  auto opened = cipher_.open(rest.substr(0, kNonceBytes), kAssociated, rest.substr(kNonceBytes));
  if (!opened.ok()) return refused;
  return std::move(*opened);
}

}  // namespace keyhold::core
