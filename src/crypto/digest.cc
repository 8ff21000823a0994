#include "crypto/digest.h"

#include <algorithm>
#include <array>

#include "crypto/openssl.h"

namespace keyhold::crypto {
namespace {

struct Named {
  std::string_view name;
  const char* openssl_name;
};
constexpr std::array kDigests{
    Named{"sha2-224", "SHA2-224"}, Named{"sha2-256", "SHA2-256"}, Named{"sha2-384", "SHA2-384"},
    Named{"sha2-512", "SHA2-512"}, Named{"sha3-224", "SHA3-224"}, Named{"sha3-256", "SHA3-256"},
    Named{"sha3-384", "SHA3-384"}, Named{"sha3-512", "SHA3-512"},
};

}  // namespace

Result<std::string> digest(std::string_view algorithm, std::string_view message) {
  const auto* const named =
      std::find_if(kDigests.begin(), kDigests.end(), [&](const Named& known) { return known.name == algorithm; });
  if (named == kDigests.end()) {
    return Error{Code::kInvalid, "unsupported algorithm: sha2 and sha3 are offered with 224, 256, 384 and 512 bits, as in sha2-256"};
  }
  std::string hash(EVP_MAX_MD_SIZE, '\0');
  std::size_t size = 0;
  CHECK(EVP_Q_digest(nullptr, named->openssl_name, nullptr, message.data(), message.size(), openssl::bytes_of(hash.data()),
                     &size) == 1);
  hash.resize(size);
  return hash;
}

}  // namespace keyhold::crypto
