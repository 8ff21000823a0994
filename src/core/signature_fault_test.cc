#include "core/signature_fault.h"

#include <gtest/gtest.h>

#include <set>

namespace keyhold::core {
namespace {

constexpr int kFaults = static_cast<int>(SignatureFault::kExpiredToken) + 1;

TEST(SignatureFault, SaysWhatSdksKnow) {
  struct Case {
    SignatureFault fault;
    const char* json;
    const char* query;
    int query_status;
  };
  for (const Case& c : {
           Case{SignatureFault::kMissing, "MissingAuthenticationTokenException", "MissingAuthenticationToken", 403},
           Case{SignatureFault::kIncomplete, "IncompleteSignatureException", "IncompleteSignature", 400},
           Case{SignatureFault::kUnsupportedAlgorithm, "IncompleteSignatureException", "IncompleteSignature", 400},
           Case{SignatureFault::kSignatureMismatch, "InvalidSignatureException", "SignatureDoesNotMatch", 403},
           Case{SignatureFault::kWrongRegion, "InvalidSignatureException", "SignatureDoesNotMatch", 403},
           Case{SignatureFault::kRequestExpired, "RequestExpired", "RequestExpired", 400},
           Case{SignatureFault::kUnrecognizedClient, "UnrecognizedClientException", "InvalidClientTokenId", 403},
           Case{SignatureFault::kExpiredToken, "ExpiredTokenException", "ExpiredToken", 403},
       }) {
    EXPECT_EQ(aws_code_of(c.fault, AwsProtocol::kJson), c.json);
    EXPECT_EQ(aws_code_of(c.fault, AwsProtocol::kQuery), c.query);
    EXPECT_EQ(aws_status_of(c.json, AwsProtocol::kJson), 400);
    EXPECT_EQ(aws_status_of(c.query, AwsProtocol::kQuery), c.query_status);
  }
}

TEST(SignatureFault, EachHasACodeAndATextOfItsOwn) {
  std::set<std::string_view> texts;
  for (int number = 0; number < kFaults; ++number) {
    const auto fault = static_cast<SignatureFault>(number);
    EXPECT_FALSE(aws_code_of(fault, AwsProtocol::kJson).empty()) << number;
    EXPECT_FALSE(aws_code_of(fault, AwsProtocol::kQuery).empty()) << number;
    for (const auto protocol : {AwsProtocol::kJson, AwsProtocol::kQuery}) {
      EXPECT_TRUE(aws_status_of(aws_code_of(fault, protocol), protocol)) << number;
    }
    EXPECT_FALSE(aws_text_of(fault).empty()) << number;
    texts.insert(aws_text_of(fault));
  }
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(kFaults));
  EXPECT_FALSE(aws_status_of("AccessDenied", AwsProtocol::kQuery)) << "no fault's";
}

}  // namespace
}  // namespace keyhold::core
