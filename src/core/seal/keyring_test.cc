#include "core/seal/keyring.h"

#include <gtest/gtest.h>

#include "core/seal/tagged_record.h"

namespace keyhold::core {
namespace {

constexpr UnixMillis kNowMs = 1'700'000'000'123;

std::string seal_with(const crypto::Xaes256Gcm& cipher) {
  std::string out;
  cipher.seal(std::string(crypto::Xaes256Gcm::kNonceBytes, 'n'), "", "message", out);
  return out;
}

TEST(Keyring, SurvivesItsRecord) {
  crypto::SeededRng rng(1);
  Keyring keyring = Keyring::create(rng, kNowMs);
  ASSERT_TRUE(keyring.add_term(rng, kNowMs + 5).ok());

  const auto read = Keyring::parse(keyring.serialize().reveal());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->active_term(), 2u);
  EXPECT_EQ(read->active_since_ms(), kNowMs + 5);
  EXPECT_EQ(read->derivation_secret().reveal(), keyring.derivation_secret().reveal());
  for (const std::uint32_t term : {1u, 2u}) EXPECT_EQ(seal_with(*read->cipher(term)), seal_with(*keyring.cipher(term)));
  EXPECT_EQ(read->serialize().reveal(), keyring.serialize().reveal());
}

TEST(Keyring, EachTermHasAKeyOfItsOwnAndUnknownTermsNone) {
  crypto::SeededRng rng(2);
  Keyring keyring = Keyring::create(rng, kNowMs);
  ASSERT_TRUE(keyring.add_term(rng, kNowMs).ok());
  EXPECT_NE(seal_with(*keyring.cipher(1)), seal_with(*keyring.cipher(2)));
  EXPECT_EQ(keyring.cipher(0), nullptr);
  EXPECT_EQ(keyring.cipher(3), nullptr);
}

TEST(Keyring, KeepsTheFieldsOfANewerProgram) {
  crypto::SeededRng rng(3);
  SecretBytes record = Keyring::create(rng, kNowMs).serialize();
  append_tagged(record, 77, "from the future");
  auto read = Keyring::parse(record.reveal());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->serialize().reveal(), record.reveal());
}

TEST(Keyring, RefusesARecordCutAnywhere) {
  crypto::SeededRng rng(4);
  Keyring keyring = Keyring::create(rng, kNowMs);
  const SecretBytes record = keyring.serialize();
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto read = Keyring::parse(record.reveal().substr(0, size));
    ASSERT_FALSE(read.ok()) << size;
    EXPECT_EQ(read.code(), Code::kCorrupt);
  }
}

TEST(Keyring, RefusesWhatIsNotOne) {
  crypto::SeededRng rng(5);
  const SecretBytes record = Keyring::create(rng, kNowMs).serialize();
  const auto refused = [](const SecretBytes& bytes) { return !Keyring::parse(bytes.reveal()).ok(); };
  const auto fields = parse_tagged(record.reveal(), 1);
  ASSERT_TRUE(fields.ok());
  ASSERT_EQ(fields->size(), 2u);

  SecretBytes other_format = record.clone();
  other_format.writable()[0] = 2;
  EXPECT_TRUE(refused(other_format));

  SecretBytes same_term_twice = record.clone();
  append_tagged(same_term_twice, fields->back().tag, fields->back().value);
  EXPECT_TRUE(refused(same_term_twice));

  SecretBytes two_secrets = record.clone();
  append_tagged(two_secrets, fields->front().tag, fields->front().value);
  EXPECT_TRUE(refused(two_secrets));

  SecretBytes short_term = record.clone();
  append_tagged(short_term, fields->back().tag, fields->back().value.substr(1));
  EXPECT_TRUE(refused(short_term));

  for (const TaggedField& only : *fields) {
    SecretBytes half;
    begin_tagged(half, 1);
    append_tagged(half, only.tag, only.value);
    EXPECT_TRUE(refused(half));
  }
}

TEST(Keyring, IsBounded) {
  crypto::SeededRng rng(6);
  Keyring keyring = Keyring::create(rng, kNowMs);
  for (std::size_t terms = 1; terms < Keyring::kTermsMax; ++terms) ASSERT_TRUE(keyring.add_term(rng, kNowMs).ok());
  const auto full = keyring.add_term(rng, kNowMs);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.code(), Code::kLimited);
  EXPECT_TRUE(Keyring::parse(keyring.serialize().reveal()).ok());
}

}  // namespace
}  // namespace keyhold::core
