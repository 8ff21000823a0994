#include "core/temporary_keys.h"

#include "base/encoding.h"
#include "core/access_key.h"
#include "core/aws_names.h"

namespace keyhold::core {
namespace {

constexpr std::size_t kSecretBytes = 30;  // 40 characters of base64.

}  // namespace

std::string TemporaryKeys::access_key_id(std::string_view token_id) const {
  const crypto::Digest digest = hmac_(std::string("id:").append(token_id));
  return aws::unique_id(access_keys::kTemporaryPrefix, crypto::as_view(digest).substr(0, aws::kUniqueIdBytes));
}

SecretBytes TemporaryKeys::secret_access_key(std::string_view token_id) const {
  const crypto::Digest digest = hmac_(std::string("secret:").append(token_id));
  SecretBytes secret;
  append_base64(secret, crypto::as_view(digest).substr(0, kSecretBytes));
  return secret;
}

}  // namespace keyhold::core
