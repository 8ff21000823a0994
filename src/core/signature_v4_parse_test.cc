#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/signature_v4_test_util.h"

/// What is refused before any key is looked up: recorded requests of botocore, changed.
namespace keyhold::core {
namespace {

using Fault = std::optional<SignatureFault>;
using enum SignatureFault;

Fault parse(const Recorded& recorded) {
  SignatureV4 parsed;
  return recorded.parse(parsed);
}

Fault by_header_replacing(std::string_view old, std::string_view with) { return parse(by_header().replacing(old, with)); }
Fault presigned_replacing(std::string_view old, std::string_view with) { return parse(presigned().replacing(old, with)); }

std::string hash_of(const Recorded& recorded) { return hex_encode(crypto::as_view(crypto::sha256(recorded.request.body))); }

TEST(ParseSignatureV4, WithoutAnyItIsMissing) {
  EXPECT_EQ(parse(by_header().without("Authorization")), kMissing);
  Recorded plain = presigned();
  plain.request.query = "Action=GetCallerIdentity&x-amz-signature=1";
  EXPECT_EQ(parse(plain), kMissing);
}

TEST(ParseSignatureV4, RefusesTwoWaysAtOnce) {
  const std::string authorization = by_header().header("Authorization");
  EXPECT_EQ(parse(by_header().with("authorization", authorization)), kAmbiguous);
  EXPECT_EQ(parse(by_header().with("Authorization", "")), kAmbiguous);
  EXPECT_EQ(parse(presigned().with("Authorization", authorization)), kAmbiguous);
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token",
                           "X-Amz-Signature", "X-Amz-SignedHeaders", "X%2dAmz-Signature"}) {
    Recorded both = by_header();
    both.request.query = std::string(name) + "=";
    EXPECT_EQ(parse(both), kAmbiguous) << name;
    Recorded twice = presigned();
    twice.request.query += "&" + std::string(name) + "=1";
    EXPECT_EQ(parse(twice), kAmbiguous) << name;
  }
  EXPECT_EQ(parse(presigned().with("X-Amz-Date", "20150830T123600Z")), kAmbiguous);
  EXPECT_EQ(parse(presigned().with("x-amz-security-token", "token")), kAmbiguous);
}

TEST(ParseSignatureV4, RefusesADecidingHeaderThatComesTwice) {
  for (const char* name : {"Host", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token"}) {
    Recorded recorded = by_header();
    const std::string value = recorded.header(name);
    EXPECT_EQ(parse(recorded.with(name, value)), kAmbiguous) << name;
  }
  Recorded recorded = Recorded::named("js_get_secret");
  EXPECT_EQ(parse(recorded.with("X-Amz-Content-Sha256", hash_of(recorded))), kAmbiguous);
}

TEST(ParseSignatureV4, KnowsOneAlgorithm) {
  for (const char* other : {"AWS4-HMAC-SHA512", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "AWS4-HMAC-SHA256,",
                            "AWS4-HMAC-SHA2567", "AWS4-HMAC", "Bearer"}) {
    EXPECT_EQ(by_header_replacing("AWS4-HMAC-SHA256", other), kUnsupportedAlgorithm) << other;
    EXPECT_EQ(presigned_replacing("AWS4-HMAC-SHA256", other), kUnsupportedAlgorithm) << other;
  }
  for (const char* other : {"", "Basic dXNlcjpwYXNz", "Bearer token"}) {
    Recorded recorded = by_header();
    recorded.header("Authorization") = other;
    EXPECT_EQ(parse(recorded), kUnsupportedAlgorithm) << other;
  }
}

TEST(ParseSignatureV4, NeedsEachPartOnce) {
  const std::string value = by_header().header("Authorization");
  const auto authorization = [](const std::string& text) {
    Recorded recorded = by_header();
    recorded.header("Authorization") = text;
    return parse(recorded);
  };
  EXPECT_EQ(authorization("AWS4-HMAC-SHA256"), kIncomplete);
  EXPECT_EQ(authorization("AWS4-HMAC-SHA256 "), kIncomplete);
  EXPECT_EQ(authorization(value + ","), kIncomplete);
  EXPECT_EQ(authorization(value + ", Other=1"), kIncomplete);
  EXPECT_EQ(authorization(value + ", Signature"), kIncomplete);
  for (const char* name : {"Credential", "SignedHeaders", "Signature"}) {
    const std::size_t begin = value.find(name);
    const std::size_t end = std::min(value.find(',', begin), value.size());
    const std::string part = value.substr(begin, end - begin);
    EXPECT_EQ(authorization(value + "," + part), kAmbiguous) << name;
    std::string without = value;
    without.replace(begin, part.size(), "");
    EXPECT_EQ(authorization(without), kIncomplete) << name;
    EXPECT_EQ(by_header_replacing(part, std::string(name) + "="), kIncomplete) << name;
    std::string other_case = part;
    other_case[0] = static_cast<char>(std::tolower(part[0]));
    EXPECT_EQ(by_header_replacing(part, other_case), kIncomplete) << name;
  }
  for (const char* name : {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature",
                           "X-Amz-SignedHeaders"}) {
    EXPECT_EQ(presigned_replacing(name, "Other"), kIncomplete) << name;
    EXPECT_EQ(presigned_replacing(std::string(name) + "=", std::string(name) + "=&Other="), kIncomplete) << name;
  }
}

TEST(ParseSignatureV4, ACredentialHasFiveParts) {
  const std::string_view whole = "AKIDEXAMPLE/20150830/eu-west-1/secretsmanager/aws4_request";
  for (const char* other : {"AKIDEXAMPLE", "////", "20150830/eu-west-1/secretsmanager/aws4_request",
                            "a/AKIDEXAMPLE/20150830/eu-west-1/secretsmanager/aws4_request",
                            "/20150830/eu-west-1/secretsmanager/aws4_request", "AKIDEXAMPLE/20150830//secretsmanager/aws4_request",
                            "AKIDEXAMPLE/20150830/eu-west-1//aws4_request",
                            "AKIDEXAMPLE/20150830/eu-west-1/secretsmanager/aws4_request/",
                            "AKID EXAMPLE/20150830/eu-west-1/secretsmanager/aws4_request",
                            "AKIDEXAMPLE/20150830/eu\n-west-1/secretsmanager/aws4_request",
                            "AKID\xc3\xbc/20150830/eu-west-1/secretsmanager/aws4_request"}) {
    EXPECT_EQ(by_header_replacing(whole, other), kIncomplete) << other;
  }
  EXPECT_EQ(by_header_replacing("aws4_request", "aws4_Request"), kWrongTerminator);
  EXPECT_EQ(by_header_replacing("/aws4_request", "/"), kWrongTerminator);
  EXPECT_EQ(presigned_replacing("aws4_request", "aws4"), kWrongTerminator);
  EXPECT_EQ(by_header_replacing("/20150830/", "/20150829/"), kWrongScopeDate);
  EXPECT_EQ(by_header_replacing("/20150830/", "//"), kWrongScopeDate);
  EXPECT_EQ(presigned_replacing("%2F20150830", "%2F20150831"), kWrongScopeDate);
}

TEST(ParseSignatureV4, NamesAreBounded) {
  const auto id = [](std::size_t size) { return by_header_replacing("AKIDEXAMPLE", std::string(size, 'A')); };
  EXPECT_EQ(id(limits::kAwsAccessKeyIdBytesMax), std::nullopt);
  EXPECT_EQ(id(limits::kAwsAccessKeyIdBytesMax + 1), kIncomplete);
  for (const char* name : {"eu-west-1", "secretsmanager"}) {
    EXPECT_EQ(by_header_replacing(name, std::string(limits::kAwsScopeNameBytesMax, 'a')), std::nullopt);
    EXPECT_EQ(by_header_replacing(name, std::string(limits::kAwsScopeNameBytesMax + 1, 'a')), kIncomplete);
  }
  const auto token = [](std::size_t size) {
    Recorded recorded = by_header();
    recorded.header("X-Amz-Security-Token") = std::string(size, 't');
    return parse(recorded);
  };
  EXPECT_EQ(token(0), std::nullopt);
  EXPECT_EQ(token(limits::kTokenBytesMax), std::nullopt);
  EXPECT_EQ(token(limits::kTokenBytesMax + 1), kIncomplete);
}

TEST(ParseSignatureV4, ASignatureIsSixtyFourLowerCaseDigits) {
  const std::string right = "10455b2956670c6dd513a331c2a0e4fa048edd9b8da658cd229421dcdb425673";
  ASSERT_EQ(by_header_replacing(right, right), std::nullopt);
  for (const std::string& wrong : {right.substr(1), right.substr(2), right + "0", right + "00", "g" + right.substr(1),
                                   "A" + right.substr(1), " " + right.substr(1)}) {
    EXPECT_EQ(by_header_replacing(right, wrong), kIncomplete) << wrong;
  }
}

TEST(ParseSignatureV4, TheDateIsXAmzDate) {
  EXPECT_EQ(parse(by_header().without("X-Amz-Date").with("Date", "20150830T123600Z")), kIncomplete);
  EXPECT_EQ(parse(by_header().without("X-Amz-Date").with("Date", "Sun, 30 Aug 2015 12:36:00 GMT")), kIncomplete);
  EXPECT_EQ(parse(by_header().with("Date", "Sun, 30 Aug 2000 12:36:00 GMT")), std::nullopt);
  for (const char* wrong : {"", "20150830", "20150830T123600", "20150830T123600z", "20150830t123600Z", "20150830T123600.0Z",
                            "2015-08-30T12:36:00Z", "20150830T1236-1Z", "20150830T 23600Z", "20150832T123600Z", "20150800T123600Z",
                            "20150030T123600Z", "20151330T123600Z", "20150229T123600Z", "20150830T243600Z", "20150830T126000Z",
                            "20150830T123660Z", "+0150830T123600Z", "Sun, 30 Aug 2015"}) {
    Recorded recorded = by_header();
    recorded.header("X-Amz-Date") = wrong;
    EXPECT_EQ(parse(recorded), kIncomplete) << wrong;
  }
}

TEST(ParseSignatureV4, ExpiresIsFromASecondToAWeek) {
  const auto expires = [](const char* text) { return presigned_replacing("Expires=60", std::string("Expires=") + text); };
  for (const char* good : {"1", "60", "604800", "00060"}) EXPECT_EQ(expires(good), std::nullopt) << good;
  for (const char* wrong : {"", "0", "-1", "-0", "604801", "99999999999999999999", "60s", "6.0", "%2B60", "%2060", "0x3c"}) {
    EXPECT_EQ(expires(wrong), kIncomplete) << wrong;
  }
}

TEST(ParseSignatureV4, WhatMayDecideMustBeSigned) {
  EXPECT_EQ(by_header_replacing("content-type;host;", "content-type;"), kUnsignedHeader);
  EXPECT_EQ(by_header_replacing("x-amz-date;", ""), kUnsignedHeader);
  EXPECT_EQ(by_header_replacing(";x-amz-target", ""), kUnsignedHeader);
  EXPECT_EQ(by_header_replacing("x-amz-security-token;", ""), kUnsignedHeader);
  EXPECT_EQ(presigned_replacing("host%3B", ""), kUnsignedHeader);
  EXPECT_EQ(parse(presigned().with("X-Amz-Target", "secretsmanager.GetSecretValue")), kUnsignedHeader);
  EXPECT_EQ(parse(by_header().with("X-Amz-Content-Sha256", hash_of(by_header()))), kUnsignedHeader);
}

TEST(ParseSignatureV4, SignedHeadersAreInOrderAndThere) {
  EXPECT_EQ(by_header_replacing("content-type;host", "host;content-type"), kIncomplete);
  EXPECT_EQ(by_header_replacing("content-type;host", "Content-Type;host"), kIncomplete);
  EXPECT_EQ(by_header_replacing("content-type;host", "content-type;;host"), kIncomplete);
  EXPECT_EQ(by_header_replacing("content-type;host", "content-md5;content-type;host"), kAbsentHeader);
}

TEST(ParseSignatureV4, ABodysHashIsTheBodys) {
  for (const char* wrong : {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                            "required", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    Recorded recorded = Recorded::named("js_get_secret");
    recorded.header("x-amz-content-sha256") = wrong;
    EXPECT_EQ(parse(recorded), kWrongBodyHash) << wrong;
    const bool of_no_body = *wrong == 'e';
    EXPECT_EQ(parse(presigned().with("x-amz-content-sha256", wrong)), of_no_body ? kUnsignedHeader : kWrongBodyHash) << wrong;
    Recorded in_query = Recorded::named("js_presigned_with_body");
    in_query.request.query += "&X-Amz-Content-Sha256=" + std::string(wrong);
    EXPECT_EQ(parse(in_query), kWrongBodyHash) << wrong;
  }
  Recorded in_query = Recorded::named("js_presigned_with_body");
  in_query.request.query += "&X-Amz-Content-Sha256=" + hash_of(in_query);
  EXPECT_EQ(parse(in_query), std::nullopt);
}

TEST(ParseSignatureV4, RefusesWhatHasNoCanonicalForm) {
  const auto changed = [](auto&& change) {
    Recorded recorded = by_header();
    change(recorded.request);
    return parse(recorded);
  };
  for (const char* query : {"a=b+c", "a=%", "a=%4g", "a&&b", "=a"}) {
    EXPECT_EQ(changed([&](AwsRequest& request) { request.query = query; }), kMalformedRequest) << query;
  }
  for (const char* path : {"", "a", "*", "http://host/"}) {
    EXPECT_EQ(changed([&](AwsRequest& request) { request.path = path; }), kMalformedRequest) << path;
  }
  for (const char* method : {"", "GET\n/", "GET /", "G\xc3"}) {
    EXPECT_EQ(changed([&](AwsRequest& request) { request.method = method; }), kMalformedRequest) << method;
  }
  EXPECT_EQ(changed([](AwsRequest& request) { request.headers[0].second += "\nx-amz-date:20150830T123600Z"; }), kMalformedRequest);
}

TEST(ParseSignatureV4, RefusesWhatIsOverABound) {
  const auto changed = [](auto&& change) {
    Recorded recorded = by_header();
    change(recorded.request);
    return parse(recorded);
  };
  const auto headers = [&](std::size_t count) {
    return changed([&](AwsRequest& request) { request.headers.resize(count, {"a", "b"}); });
  };
  const auto path = [&](std::size_t size) {
    return changed([&](AwsRequest& request) { request.path = "/" + std::string(size - 1, 'a'); });
  };
  EXPECT_EQ(headers(limits::kHttpHeaderCountMax), std::nullopt);
  EXPECT_EQ(headers(limits::kHttpHeaderCountMax + 1), kMalformedRequest);
  EXPECT_EQ(path(limits::kHttpTargetBytesMax), std::nullopt);
  EXPECT_EQ(path(limits::kHttpTargetBytesMax + 1), kMalformedRequest);
  const auto long_text = [](std::size_t size) { return std::string(size, 'a'); };
  EXPECT_EQ(changed([&](AwsRequest& request) { request.headers.emplace_back("a", long_text(limits::kHttpHeaderBytesMax)); }),
            kMalformedRequest);
  EXPECT_EQ(changed([&](AwsRequest& request) { request.query = "a=" + long_text(limits::kHttpTargetBytesMax); }), kMalformedRequest);
  EXPECT_EQ(changed([](AwsRequest& request) { request.method = std::string(33, 'A'); }), kMalformedRequest);
  EXPECT_EQ(changed([](AwsRequest& request) {
              request.query = "a";
              for (std::size_t count = 0; count < limits::kQueryParametersMax; ++count) request.query += "&a";
            }), kMalformedRequest);
}

}  // namespace
}  // namespace keyhold::core
