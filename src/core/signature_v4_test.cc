#include "core/signature_v4.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "core/signature_v4_test_util.h"

namespace keyhold::core {
namespace {

using testdata::kSessionToken;
using testdata::kSignatureVectors;
using testdata::kTimeMs;
using testdata::SignatureVector;
using Form = SignatureV4::Form;
using Fault = std::optional<SignatureFault>;
using enum SignatureFault;

std::string signature_of(const Recorded& recorded) {
  SignatureV4 parsed;
  EXPECT_EQ(recorded.parse(parsed), std::nullopt);
  return hex_encode(crypto::as_view(parsed.signature));
}

// --- What others have signed.

TEST(SignatureV4, VerifiesWhatSdksSign) {
  for (const SignatureVector& vector : kSignatureVectors) {
    const Recorded recorded(vector);
    EXPECT_EQ(recorded.judge(), std::nullopt) << vector.name;
    SignatureV4 parsed;
    ASSERT_EQ(recorded.parse(parsed), std::nullopt) << vector.name;
    EXPECT_EQ(parsed.access_key_id, testdata::kAccessKeyId);
    EXPECT_EQ(parsed.date(), "20150830");
    EXPECT_EQ(parsed.time_ms, kTimeMs);
    EXPECT_EQ(parsed.service, vector.service);
    EXPECT_EQ(parsed.region, vector.region);
    const bool by_query = vector.name.find("presigned") != std::string_view::npos;
    EXPECT_EQ(parsed.form, by_query ? Form::kPresigned : Form::kHeader) << vector.name;
    EXPECT_EQ(parsed.expires_s > 0, by_query) << vector.name;
    const bool has_token = vector.name.find("token") != std::string_view::npos;
    EXPECT_EQ(parsed.session_token.reveal(), has_token ? kSessionToken : "") << vector.name;
  }
}

TEST(SignatureV4, MatchesAwsDocumentedExample) {
  SignatureV4 parsed;
  ASSERT_EQ(Recorded::named("documented").parse(parsed), std::nullopt);
  EXPECT_EQ(hex_encode(crypto::as_view(parsed.canonical_request_sha256)),
            "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
  const SigningKey key = SigningKey::derive(SecretBytes::copy_of(testdata::kSecretAccessKey), parsed);
  EXPECT_EQ(hex_encode(crypto::as_view(key.sign(parsed))), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  // As published with AWS's test suite.
  EXPECT_EQ(signature_of(Recorded::named("get_vanilla")), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(signature_of(Recorded::named("post_vanilla")), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(SignatureV4, TheOrderOnTheWireDoesNotMatter) {
  for (const SignatureVector& vector : kSignatureVectors) {
    Recorded recorded(vector);
    if (vector.name != "header_duplicates") std::reverse(recorded.request.headers.begin(), recorded.request.headers.end());
    std::vector<std::string> parameters;
    for (std::string_view rest = vector.query; !rest.empty();) {
      const std::size_t end = std::min(rest.find('&'), rest.size());
      parameters.insert(parameters.begin(), std::string(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    recorded.request.query.clear();
    for (const std::string& parameter : parameters) recorded.request.query += (recorded.request.query.empty() ? "" : "&") + parameter;
    EXPECT_EQ(recorded.judge(), std::nullopt) << vector.name;
  }
}

TEST(SignatureV4, HeaderNamesComeInAnyCase) {
  for (const SignatureVector& vector : kSignatureVectors) {
    Recorded recorded(vector);
    for (auto& [name, value] : recorded.request.headers) {
      for (char& character : name) character = static_cast<char>(std::toupper(character));
    }
    EXPECT_EQ(recorded.judge(), std::nullopt) << vector.name;
  }
}

TEST(SignatureV4, AuthorizationIsReadWithAndWithoutSpacesInAnyOrder) {
  EXPECT_EQ(by_header().replacing(", SignedHeaders", ",SignedHeaders").replacing(", Signature", ",Signature").judge(), std::nullopt);
  EXPECT_EQ(by_header().replacing(" Credential", "   Credential").replacing(", Signature", " , \tSignature").judge(), std::nullopt);
  const std::string signature = "Signature=" + signature_of(by_header());
  EXPECT_EQ(by_header().replacing(", " + signature, "").replacing("Credential", signature + ", Credential").judge(), std::nullopt);
}

TEST(SignatureV4, EscapesComeInAnyCaseAndNumber) {
  Recorded recorded = presigned();
  recorded.replacing("%2Fus-east-1%2F", "%2fus%2deast-1/").replacing("GetCallerIdentity", "%47etCallerIdentity");
  EXPECT_EQ(recorded.judge(), std::nullopt);
}

// --- What was changed on the way.

TEST(SignatureV4, NoBitOfASignatureIsFree) {
  for (Recorded recorded : {by_header(), presigned()}) {
    const std::string right = signature_of(recorded);
    std::string last = right;
    for (std::size_t i = 0; i < right.size(); ++i) {
      std::string wrong = right;
      wrong[i] = wrong[i] == '0' ? '1' : '0';
      EXPECT_EQ(recorded.replacing(last, wrong).judge(), kSignatureMismatch) << i;
      last = wrong;
    }
  }
}

TEST(SignatureV4, NoPartOfARequestCanBeChanged) {
  for (const SignatureVector& vector : kSignatureVectors) {
    const auto changed = [&](auto&& change) {
      Recorded recorded(vector);
      change(recorded.request);
      return recorded.judge();
    };
    EXPECT_EQ(changed([](AwsRequest& request) { request.method = "PUT"; }), kSignatureMismatch) << vector.name;
    EXPECT_EQ(changed([](AwsRequest& request) { request.path += "x"; }), kSignatureMismatch) << vector.name;
    const char* const more = vector.query.empty() ? "x" : "&x";
    EXPECT_EQ(changed([&](AwsRequest& request) { request.query += more; }), kSignatureMismatch) << vector.name;
    const bool tells_hash = vector.name == "js_get_secret" || vector.name == "js_get_secret_with_token";
    EXPECT_EQ(changed([](AwsRequest& request) { request.body += " "; }), tells_hash ? kWrongBodyHash : kSignatureMismatch) << vector.name;
    const auto is_host = [](const auto& header) { return header.first == "Host" || header.first == "host"; };
    EXPECT_EQ(changed([&](AwsRequest& request) { std::erase_if(request.headers, is_host); }), kAbsentHeader) << vector.name;
  }
}

TEST(SignatureV4, NoSignedHeaderCanBeChanged) {
  for (const char* name : {"Host", "Content-Type", "X-Amz-Target", "X-Amz-Security-Token"}) {
    Recorded recorded = by_header();
    recorded.header(name) += "x";
    EXPECT_EQ(recorded.judge(), kSignatureMismatch) << name;
    const Fault gone = by_header().without(name).judge();
    EXPECT_EQ(gone, kAbsentHeader) << name;
  }
  Recorded later = by_header();
  later.header("X-Amz-Date") = "20150830T123601Z";
  EXPECT_EQ(later.judge(), kSignatureMismatch);
  EXPECT_EQ(by_header().with("Content-Type", "text/plain").judge(), kSignatureMismatch);
  EXPECT_EQ(by_header().with("User-Agent", "other").with("X-Anything", "other").judge(), std::nullopt);

  Recorded cluster = presigned();
  cluster.header("x-k8s-aws-id") = "other";
  EXPECT_EQ(cluster.judge(), kSignatureMismatch);
}

TEST(SignatureV4, NoPresignedParameterCanBeChanged) {
  EXPECT_EQ(presigned().replacing("X-Amz-Expires=60", "X-Amz-Expires=61").judge(), kSignatureMismatch);
  EXPECT_EQ(presigned().replacing("T123600Z", "T123601Z").judge(), kSignatureMismatch);
  EXPECT_EQ(presigned().replacing("Action=GetCallerIdentity", "Action=AssumeRole").judge(), kSignatureMismatch);
  EXPECT_EQ(presigned().replacing("EXAMPLE%2Fsession", "EXAMPLE%2FSession").judge(), kSignatureMismatch);
  EXPECT_EQ(presigned().replacing("X-Amz-Security-Token", "X-Amz-Other-Token").judge(), kSignatureMismatch);
  EXPECT_EQ(presigned().replacing("AKIDEXAMPLE", "AKIDOTHER").judge(), kSignatureMismatch);
}

/// Whose key it is does not go into the signature: which key is looked up decides.
TEST(SignatureV4, AnotherKeyDoesNotVerify) {
  for (Recorded recorded : {by_header(), presigned()}) {
    recorded.secret.back() ^= 1;
    EXPECT_EQ(recorded.judge(), kSignatureMismatch);
    recorded.secret.clear();
    EXPECT_EQ(recorded.judge(), kSignatureMismatch);
  }
}

TEST(SignatureV4, AKeyServesItsOwnScopeOnly) {
  SignatureV4 first;
  ASSERT_EQ(by_header().parse(first), std::nullopt);
  const SigningKey key = SigningKey::derive(SecretBytes::copy_of(testdata::kSecretAccessKey), first);
  EXPECT_TRUE(key.serves(first));
  const SignatureExpectation expected{.service = "secretsmanager", .now_ms = kTimeMs};
  EXPECT_EQ(verify_signature_v4(first, key, expected), std::nullopt);
  first.access_key_id = "AKIDOTHER";
  EXPECT_FALSE(key.serves(first));
  EXPECT_EQ(verify_signature_v4(first, key, expected), kSignatureMismatch);

  for (const char* other : {"boto_kms_list", "get_vanilla"}) {
    SignatureV4 parsed;
    ASSERT_EQ(Recorded::named(other).parse(parsed), std::nullopt);
    EXPECT_FALSE(key.serves(parsed)) << other;
  }
}

// --- What is not for us, or not now.

TEST(SignatureV4, IsForOneServiceAndRegion) {
  Recorded recorded = by_header();
  recorded.service = "kms";
  EXPECT_EQ(recorded.judge(), kWrongService);
  recorded = by_header();
  recorded.region = "eu-west-2";
  EXPECT_EQ(recorded.judge(), kWrongRegion);
  recorded.region.clear();
  EXPECT_EQ(recorded.judge(), std::nullopt) << "any region";
  EXPECT_EQ(by_header().replacing("eu-west-1", "eu-west-2").judge(), kWrongRegion);
  EXPECT_EQ(by_header().replacing("/secretsmanager/", "/SecretsManager/").judge(), kWrongService);
}

TEST(SignatureV4, IsGoodForFiveMinutesEitherWay) {
  const auto at = [](std::int64_t after_ms) {
    Recorded recorded = by_header();
    recorded.now_ms = kTimeMs + after_ms;
    return recorded.judge();
  };
  EXPECT_EQ(at(300'000), std::nullopt);
  EXPECT_EQ(at(300'001), kRequestExpired);
  EXPECT_EQ(at(-300'000), std::nullopt);
  EXPECT_EQ(at(-300'001), kRequestInFuture);
}

TEST(SignatureV4, APresignedOneIsGoodForAsLongAsItSays) {
  const auto at = [](const char* name, std::int64_t after_ms) {
    Recorded recorded = Recorded::named(name);
    recorded.now_ms = kTimeMs + after_ms;
    return recorded.judge();
  };
  EXPECT_EQ(at("boto_presigned", 60'000), std::nullopt);
  EXPECT_EQ(at("boto_presigned", 60'001), kRequestExpired);
  EXPECT_EQ(at("boto_presigned", -300'000), std::nullopt);
  EXPECT_EQ(at("boto_presigned", -300'001), kRequestInFuture);
  EXPECT_EQ(at("boto_presigned_week", 604'800'000), std::nullopt);
  EXPECT_EQ(at("boto_presigned_week", 604'800'001), kRequestExpired);
}

TEST(SignatureV4, TheSignatureOfATestSignerIsGoodAtAnyTime) {
  // 2000-02-28T23:59:59Z, 2000-03-01T00:00:00Z, 2100-01-01T00:00:00Z.
  for (const UnixMillis time_ms : {951'782'399'000, 951'868'800'000, 4'102'444'800'000}) {
    AwsRequest request{.headers = {{"Host", "h"}, {"Zulu", "1"}}, .body = "{}"};
    AwsSigner{.session_token = "token"}.sign(request, time_ms);
    std::vector<SignedRequest::Header> storage;
    SignatureV4 parsed;
    ASSERT_EQ(parse_signature_v4(request.view(storage), parsed), std::nullopt);
    EXPECT_EQ(parsed.time_ms, time_ms);
    EXPECT_EQ(parsed.session_token.reveal(), "token");
  }
}

}  // namespace
}  // namespace keyhold::core
