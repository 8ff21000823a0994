#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/time_format.h"
#include "core/signature_v4.h"

namespace keyhold::core {

/// A request on its way to be signed, and after.
struct AwsRequest {
  std::string method = "POST";
  std::string path = "/";
  std::string query{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};

  /// The views are good until the request changes; `storage` holds the headers'.
  SignedRequest view(std::vector<SignedRequest::Header>& storage) const {
    storage.clear();
    for (const auto& [name, value] : headers) storage.push_back({name, value});
    return {method, path, query, storage, crypto::sha256(body)};
  }
};

/// Signs as an SDK does, in the header form, every header there is. It shares its canonical form with what verifies: tests of
/// Signature Version 4 itself use recordings of other signers.
struct AwsSigner {
  std::string access_key_id = "AKIDEXAMPLE";
  std::string secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  std::string session_token{};
  std::string region = "us-east-1";
  std::string service = "secretsmanager";

  /// Adds X-Amz-Date, X-Amz-Security-Token when there is one, and Authorization. There must be a Host, and no header twice.
  void sign(AwsRequest& request, UnixMillis time_ms) const {
    std::string timestamp;
    const Rfc3339 time = format_rfc3339(time_ms / 1'000 * 1'000);
    for (const char character : std::string_view(time)) {
      if (character != '-' && character != ':') timestamp.push_back(character);
    }
    request.headers.emplace_back("X-Amz-Date", timestamp);
    if (!session_token.empty()) request.headers.emplace_back("X-Amz-Security-Token", session_token);

    std::vector<std::string> names;
    for (const auto& [name, value] : request.headers) {
      std::string& lower = names.emplace_back(name);
      const auto lowered = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
      std::transform(lower.begin(), lower.end(), lower.begin(), lowered);
    }
    std::sort(names.begin(), names.end());
    std::string list;
    for (const std::string& name : names) list += (list.empty() ? "" : ";") + name;

    const std::string scope = timestamp.substr(0, 8) + "/" + region + "/" + service + "/aws4_request";
    const std::string unsigned_part =
        "AWS4-HMAC-SHA256 Credential=" + access_key_id + "/" + scope + ", SignedHeaders=" + list + ", Signature=";
    request.headers.emplace_back("Authorization", unsigned_part + std::string(64, '0'));
    SignatureV4 parsed;
    std::vector<SignedRequest::Header> storage;
    CHECK(!parse_signature_v4(request.view(storage), parsed));
    const SigningKey key = SigningKey::derive(SecretBytes::copy_of(secret_access_key), parsed);
    request.headers.back().second = unsigned_part + hex_encode(crypto::as_view(key.sign(parsed)));
  }
};

}  // namespace keyhold::core
