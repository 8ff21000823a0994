// What a client presents as a batch token: nothing that was not sealed here opens, nor what was sealed with one character changed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/batch_token.h"

namespace {

using namespace keyhold;

/// A true token about the text, which opens to the same, and not once a character is another.
void seal_and_change(const core::BatchTokens& tokens, crypto::Rng& rng, std::string_view input) {
  core::records::Token record;
  record.set_namespace_id(1);
  record.set_type(core::records::Token::BATCH);
  record.set_created_ms(static_cast<std::int64_t>(input.size()));
  (*record.mutable_metadata())["k"] = "value";
  record.set_lease_path(std::string(input.size(), 'x'));
  const auto sealed = tokens.seal(record, rng);
  if (!sealed.ok()) return;
  const auto opened = tokens.open(sealed->reveal());
  CHECK(opened.ok() && opened->SerializeAsString() == record.SerializeAsString());
  if (input.size() < 3) return;
  std::string forged(sealed->reveal());
  const auto at = (static_cast<std::uint8_t>(input[0]) << 8 | static_cast<std::uint8_t>(input[1])) % forged.size();
  if (forged[at] == input[2]) return;
  forged[at] = input[2];
  CHECK(!tokens.open(forged).ok());
  forged.assign(sealed->reveal());
  CHECK(!tokens.open(forged.substr(0, at)).ok());
  CHECK(!tokens.open(forged + std::string(input.substr(2))).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static crypto::SeededRng rng(1);
  static const KeyBytes key = rng.key(32);
  static const core::BatchTokens tokens(key);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CHECK(!tokens.open(input).ok());
  CHECK(!tokens.open(std::string(core::BatchTokens::kPrefix) + std::string(input)).ok());
  seal_and_change(tokens, rng, input);
  return 0;
}
