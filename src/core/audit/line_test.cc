#include "core/audit/line.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "core/audit/checkpoint.h"
#include "core/audit/genesis.h"
#include "core/audit/text.h"

namespace keyhold::core::audit {
namespace {

TEST(TimeText, Rfc3339WithMilliseconds) {
  TimeText time;
  EXPECT_EQ(time.at(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time.at(1'700'000'000'007), "2023-11-14T22:13:20.007Z");
  EXPECT_EQ(time.at(1'700'000'000'999), "2023-11-14T22:13:20.999Z");
  EXPECT_EQ(time.at(1'700'000'001'000), "2023-11-14T22:13:21.000Z");
  EXPECT_EQ(time.at(951'782'399'500), "2000-02-28T23:59:59.500Z");
  EXPECT_EQ(time.at(951'782'400'000), "2000-02-29T00:00:00.000Z");
  EXPECT_EQ(time.at(-5), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(time.at(INT64_MAX), "9999-12-31T23:59:59.999Z");
}

TEST(Line, ChainIsTheHashOfThePreviousChainAndTheBytesBefore) {
  const Digest previous = crypto::sha256("previous");
  std::string text;
  const Digest chain = append_line(text, 42, "2023-11-14T22:13:20.007Z", "\"a\":1", previous);
  const std::string before = "{\"seq\":42,\"time\":\"2023-11-14T22:13:20.007Z\",\"a\":1";
  EXPECT_EQ(chain, crypto::sha256(crypto::as_view(previous), before));
  EXPECT_EQ(text, before + ",\"chain\":\"" + hex_encode(crypto::as_view(chain)) + "\"}\n");

  const auto line = parse_line(std::string_view(text).substr(0, text.size() - 1));
  ASSERT_TRUE(line);
  EXPECT_EQ(line->sequence, 42u);
  EXPECT_EQ(line->members, "\"a\":1");
  EXPECT_EQ(line->chain, chain);
  EXPECT_TRUE(line->follows(previous));
  EXPECT_FALSE(line->follows(chain));
}

TEST(Line, EveryPrefixIsRefused) {
  std::string text;
  append_line(text, 7, "2023-11-14T22:13:20.007Z", "\"a\":1", {});
  for (std::size_t size = 0; size + 1 < text.size(); ++size) EXPECT_FALSE(parse_line(text.substr(0, size))) << size;
}

TEST(FileName, SortsByAgeWithinAStream) {
  EXPECT_EQ((FileName{.stream = 3, .first_sequence = 17}).text(), "3-00000000000000000017.jsonl");
  for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{17}, UINT64_MAX}) {
    const FileName name{.stream = 12, .first_sequence = sequence};
    EXPECT_EQ(FileName::parse(name.text()), name);
  }
  for (const char* text : {"", "-", "0-17.jsonl", "x-00000000000000000017.jsonl", "00-00000000000000000017.jsonl",
                           "0-0000000000000000001x.jsonl", "0-00000000000000000017.json", "0-99999999999999999999.jsonl",
                           "12345-00000000000000000017.jsonl", "0-00000000000000000017.jsonl.bak"}) {
    EXPECT_FALSE(FileName::parse(text)) << text;
  }
}

TEST(Genesis, ReadsBackWhatItWrites) {
  Genesis genesis;
  genesis.journal = std::string(32, 'a');
  genesis.stream = 7;
  EXPECT_EQ(Genesis::parse(genesis.members())->members(), genesis.members());
  genesis.begin = Begin::kRestart;
  genesis.torn_bytes = 12;
  genesis.previous = {.file = "0-x.jsonl", .sequence = 99, .chain = crypto::sha256("x")};
  genesis.public_key = std::string(32, 'p');
  const std::string members = genesis.members();
  const auto parsed = Genesis::parse(members);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->members(), members);
  EXPECT_EQ(parsed->previous->sequence, 99u);

  std::string other = members;
  other.replace(other.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_FALSE(Genesis::parse(other)) << "of another format version";
  EXPECT_FALSE(Genesis::parse(members + ",\"more\":1"));
  EXPECT_FALSE(Genesis::parse("\"genesis\":{}"));
}

/// The published example of the signed-note format (golang.org/x/mod/sumdb/note).
TEST(SignedCheckpoint, KeyHashAndSignatureAreThoseOfTheFormat) {
  const auto typed = base64_decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  ASSERT_TRUE(typed.ok());
  const std::string key = typed->substr(1);
  EXPECT_EQ(verifier_key("PeterNeumann", key), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");

  SignedCheckpoint note;
  note.note =
      "If you think cryptography is the answer to your problem,\n"
      "then you don't know what your problem is.\n"
      "\n"
      "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
  note.public_key = key;
  EXPECT_EQ(note.open("PeterNeumann", key).error().message, "not a well-formed checkpoint") << "but well signed";
  note.note[0] = 'i';
  EXPECT_EQ(note.open("PeterNeumann", key).error().message, "the checkpoint's signature is wrong");
}

TEST(SignedCheckpoint, AnythingElseIsCorrupt) {
  for (const char* members :
       {"\"checkpoint\":1,\"public_key\":\"00\"", "\"checkpoint\":\"\",\"public_key\":1", "\"checkpoint\":\"\",\"public_key\":\"0\"",
        "\"checkpoint\":\"\",\"public_key\":\"00\"", "\"checkpoint\":\"\"", "\"checkpoint\":", "\"checkpoint\":\"\\ud800\""}) {
    EXPECT_EQ(SignedCheckpoint::parse(members).code(), Code::kCorrupt) << members;
  }
}

TEST(ParseDecimal, OneSpellingOnly) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "00", "01", "+1", "-1", "1 ", " 1", "1x", "18446744073709551616"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

}  // namespace
}  // namespace keyhold::core::audit
