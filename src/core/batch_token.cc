#include "core/batch_token.h"

#include "base/limits.h"
#include "core/record.h"

namespace keyhold::core {
namespace {

Error denied() { return {Code::kDenied, "permission denied"}; }

}  // namespace

Result<SecretBytes> BatchTokens::seal(const records::Token& record, crypto::Rng& rng) const {
  SecretBytes token = SecretBytes::copy_of(kPrefix);
  sealed_.append_sealed(token, record.SerializeAsString(), rng);
  if (token.size() > limits::kTokenBytesMax) {
    return Error{Code::kInvalid, "a batch token cannot hold this much: give it fewer policies or less metadata, or make a service token"};
  }
  return token;
}

Result<records::Token> BatchTokens::open(std::string_view token) const {
  if (!looks_like(token)) return denied();
  const auto opened = sealed_.open(token.substr(kPrefix.size()));
  records::Token record;
  if (!opened.ok() || !parse_header(opened->reveal(), record).ok()) return denied();
  return record;
}

}  // namespace keyhold::core
