#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/signature_v4.h"
#include "core/test_support/aws_signer.h"
#include "core/testdata/signature_v4_vectors.h"

namespace keyhold::core {

/// A recorded request that can be changed, and what it is judged by.
struct Recorded {
  AwsRequest request;
  std::string service;
  std::string region;
  std::string secret{testdata::kSecretAccessKey};
  UnixMillis now_ms = testdata::kTimeMs;

  explicit Recorded(const testdata::SignatureVector& vector)
      : request{std::string(vector.method), std::string(vector.path), std::string(vector.query), {}, std::string(vector.body)},
        service(vector.service),
        region(vector.region) {
    for (const auto& [name, value] : vector.headers) request.headers.emplace_back(name, value);
  }
  static Recorded named(std::string_view name) {
    for (const testdata::SignatureVector& vector : testdata::kSignatureVectors) {
      if (vector.name == name) return Recorded(vector);
    }
    ADD_FAILURE() << "no vector is named " << name;
    return Recorded({});
  }

  std::optional<SignatureFault> parse(SignatureV4& parsed) const {
    std::vector<SignedRequest::Header> storage;
    return parse_signature_v4(request.view(storage), parsed);
  }
  std::optional<SignatureFault> judge() const {
    SignatureV4 parsed;
    if (const auto fault = parse(parsed)) return fault;
    const SigningKey key = SigningKey::derive(SecretBytes::copy_of(secret), parsed);
    return verify_signature_v4(parsed, key, {.service = service, .region = region, .now_ms = now_ms});
  }

  std::string& header(std::string_view name) {
    for (auto& [known, value] : request.headers) {
      if (known == name) return value;
    }
    ADD_FAILURE() << "no header is named " << name;
    return request.headers.front().second;
  }
  Recorded& with(std::string_view name, std::string_view value) {
    request.headers.emplace_back(name, value);
    return *this;
  }
  Recorded& without(std::string_view name) {
    std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
    return *this;
  }
  /// In Authorization, or in the query when there is none.
  Recorded& replacing(std::string_view old, std::string_view with) {
    const auto is_authorization = [](const auto& header) { return header.first == "Authorization"; };
    const bool by_header = std::any_of(request.headers.begin(), request.headers.end(), is_authorization);
    std::string& text = by_header ? header("Authorization") : request.query;
    const std::size_t at = text.find(old);
    EXPECT_NE(at, std::string::npos) << old;
    if (at != std::string::npos) text.replace(at, old.size(), with);
    return *this;
  }
};

inline Recorded by_header() { return Recorded::named("boto_create_secret_with_token"); }
inline Recorded presigned() { return Recorded::named("boto_presigned_with_token"); }

}  // namespace keyhold::core
