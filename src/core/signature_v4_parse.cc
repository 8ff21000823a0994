#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/encoding.h"
#include "base/limits.h"
#include "core/signature_v4.h"
#include "core/signature_v4_canonical.h"

namespace keyhold::core {
namespace {

using signature_v4::equal_lowered;
using signature_v4::Query;
using Fault = std::optional<SignatureFault>;
using Form = SignatureV4::Form;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kContentHash = "x-amz-content-sha256";
constexpr std::size_t kMethodBytesMax = 32;

/// What a request says about itself, not yet judged. The views point into the request, or into `decoded`.
struct Claim {
  Form form = Form::kHeader;
  std::string_view algorithm;
  std::string_view credential;
  std::string_view signed_headers;
  std::string_view signature;
  std::string_view date;
  std::string_view expires;
  std::string_view token;
  SecretBytes decoded;
};

using ClaimPart = std::string_view Claim::*;
struct Named {
  std::string_view name;
  ClaimPart part;
};
constexpr std::array kHeaderParts{
    Named{"Credential", &Claim::credential},
    Named{"SignedHeaders", &Claim::signed_headers},
    Named{"Signature", &Claim::signature},
};
constexpr std::array kQueryParts{
    Named{"X-Amz-Algorithm", &Claim::algorithm}, Named{"X-Amz-Credential", &Claim::credential},
    Named{"X-Amz-Date", &Claim::date},           Named{"X-Amz-Expires", &Claim::expires},
    Named{"X-Amz-Security-Token", &Claim::token}, Named{"X-Amz-Signature", &Claim::signature},
    Named{"X-Amz-SignedHeaders", &Claim::signed_headers},
};
constexpr std::string_view kSignatureParameter = "X-Amz-Signature";

const Named* find(std::span<const Named> parts, std::string_view name) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Named& named) { return named.name == name; });
  return found == parts.end() ? nullptr : &*found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \t";
  const std::size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

bool is_letter(char character) { return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z'); }
bool is_digit(char character) { return character >= '0' && character <= '9'; }

/// Of what access key ids, regions and services are made: nothing that parts them.
bool is_word(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && std::all_of(text.begin(), text.end(), [](char character) {
    return is_letter(character) || is_digit(character) || character == '-' || character == '_';
  });
}

/// Decimal digits, and nothing else.
std::optional<std::int64_t> number(std::string_view digits) {
  std::int64_t value = 0;
  if (digits.empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = error == std::errc() && end == digits.data() + digits.size() && digits.front() != '-';
  return whole ? std::optional(value) : std::nullopt;
}

/// "20150830T123600Z".
std::optional<UnixMillis> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != std::string_view("yyyymmddThhmmssZ").size() || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto part = [&](std::size_t begin, std::size_t size) {
    const std::string_view digits = text.substr(begin, size);
    return std::all_of(digits.begin(), digits.end(), is_digit) ? static_cast<int>(number(digits).value_or(-1)) : -1;
  };
  const int date[] = {part(0, 4), part(4, 2), part(6, 2)};
  const int clock[] = {part(9, 2), part(11, 2), part(13, 2)};
  if (std::min({date[0], date[1], date[2], clock[0], clock[1], clock[2]}) < 0) return std::nullopt;
  const year_month_day day{year(date[0]), month(static_cast<unsigned>(date[1])), std::chrono::day(static_cast<unsigned>(date[2]))};
  if (!day.ok() || clock[0] > 23 || clock[1] > 59 || clock[2] > 59) return std::nullopt;
  return milliseconds(sys_days(day).time_since_epoch() + hours(clock[0]) + minutes(clock[1]) + seconds(clock[2])).count();
}

std::size_t header_bytes(const SignedRequest& request) {
  std::size_t bytes = 0;
  for (const SignedRequest::Header& header : request.headers) bytes += header.name.size() + header.value.size();
  return bytes;
}

/// About what the canonical form takes; more is allowed to follow.
std::size_t canonical_bytes(const SignedRequest& request) {
  constexpr std::size_t kRestBytes = 256;  // Method, hash, names of signed headers.
  return request.path.size() + request.query.size() + header_bytes(request) + kRestBytes;
}

bool within_bounds(const SignedRequest& request) {
  return request.headers.size() <= limits::kHttpHeaderCountMax && header_bytes(request) <= limits::kHttpHeaderBytesMax &&
         request.path.size() + request.query.size() <= limits::kHttpTargetBytesMax && request.path.starts_with('/') &&
         !request.method.empty() && request.method.size() <= kMethodBytesMax &&
         std::all_of(request.method.begin(), request.method.end(), is_letter);
}

/// The headers that decide, trimmed.
struct DecidingHeaders {
  std::optional<std::string_view> authorization;
  std::optional<std::string_view> date;
  std::optional<std::string_view> token;
  std::optional<std::string_view> content_hash;
  std::optional<std::string_view> host;
  std::optional<std::string_view> target;
};

/// Of two headers of one name, what was signed would be their join, and what is served perhaps the first.
Fault find_headers(std::span<const SignedRequest::Header> headers, DecidingHeaders& found) {
  const std::pair<std::string_view, std::optional<std::string_view>*> wanted[] = {
      {"authorization", &found.authorization}, {"x-amz-date", &found.date}, {"x-amz-security-token", &found.token},
      {kContentHash, &found.content_hash},     {"host", &found.host},       {"x-amz-target", &found.target},
  };
  for (const SignedRequest::Header& header : headers) {
    for (const auto& [name, value] : wanted) {
      if (!equal_lowered(header.name, name)) continue;
      if (value->has_value()) return SignatureFault::kAmbiguous;
      *value = trimmed(header.value);
    }
  }
  return std::nullopt;
}

/// "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…", the parts in any order.
Fault read_header_form(const DecidingHeaders& headers, Claim& claim) {
  const std::string_view value = *headers.authorization;
  const std::size_t space = std::min(value.find(' '), value.size());
  claim.algorithm = value.substr(0, space);
  if (claim.algorithm != kAlgorithm) return SignatureFault::kUnsupportedAlgorithm;
  const std::string_view parts = value.substr(space);
  for (std::size_t begin = 0; begin <= parts.size();) {
    const std::size_t end = std::min(parts.find(',', begin), parts.size());
    const std::string_view part = trimmed(parts.substr(begin, end - begin));
    const std::size_t equals = std::min(part.find('='), part.size());
    const Named* const named = find(kHeaderParts, part.substr(0, equals));
    if (named == nullptr || equals == part.size()) return SignatureFault::kIncomplete;
    if (!(claim.*named->part).empty()) return SignatureFault::kAmbiguous;
    claim.*named->part = part.substr(equals + 1);
    begin = end + 1;
  }
  claim.date = headers.date.value_or("");
  claim.token = headers.token.value_or("");
  return std::nullopt;
}

Fault read_presigned_form(const Query& query, const DecidingHeaders& headers, Claim& claim) {
  if (headers.date || headers.token) return SignatureFault::kAmbiguous;
  claim.form = Form::kPresigned;
  std::size_t bytes = 0;
  for (const Query::Parameter& parameter : query.parameters()) bytes += parameter.value.size();
  claim.decoded.reserve(bytes);  // Then no view moves.
  std::string_view last;
  for (const Query::Parameter& parameter : query.parameters()) {
    const Named* const named = find(kQueryParts, parameter.name);
    if (named == nullptr) continue;
    if (parameter.name == std::exchange(last, parameter.name)) return SignatureFault::kAmbiguous;  // They are sorted.
    const std::size_t before = claim.decoded.size();
    signature_v4::append_decoded(claim.decoded, parameter.value);
    claim.*named->part = claim.decoded.reveal().substr(before);
  }
  if (claim.algorithm.empty()) return SignatureFault::kIncomplete;
  return claim.algorithm == kAlgorithm ? std::nullopt : Fault(SignatureFault::kUnsupportedAlgorithm);
}

Fault read_claim(const Query& query, const DecidingHeaders& headers, Claim& claim) {
  const auto parameters = query.parameters();
  const bool presigned = std::any_of(parameters.begin(), parameters.end(), [](const Query::Parameter& parameter) {
    return find(kQueryParts, parameter.name) != nullptr;
  });
  if (presigned && headers.authorization) return SignatureFault::kAmbiguous;
  if (presigned) return read_presigned_form(query, headers, claim);
  if (headers.authorization) return read_header_form(headers, claim);
  return SignatureFault::kMissing;
}

/// "AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request".
Fault parse_credential(std::string_view credential, SignatureV4& parsed) {
  std::array<std::string_view, 5> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t slash = credential.find('/');
    const bool last = i + 1 == parts.size();
    if (last != (slash == std::string_view::npos)) return SignatureFault::kIncomplete;
    parts[i] = credential.substr(0, slash);
    credential.remove_prefix(last ? 0 : slash + 1);
  }
  const auto& [id, date, region, service, terminator] = parts;
  const bool words = is_word(id, limits::kAwsAccessKeyIdBytesMax) && is_word(region, limits::kAwsScopeNameBytesMax) &&
                     is_word(service, limits::kAwsScopeNameBytesMax);
  if (!words) return SignatureFault::kIncomplete;
  if (terminator != kTerminator) return SignatureFault::kWrongTerminator;
  if (date != parsed.date()) return SignatureFault::kWrongScopeDate;
  parsed.access_key_id = id;
  parsed.region = region;
  parsed.service = service;
  return std::nullopt;
}

/// The parts of the claim, each into its type.
Fault parse_claim(const Claim& claim, SignatureV4& parsed) {
  parsed.form = claim.form;
  const auto time_ms = parse_timestamp(claim.date);
  if (!time_ms) return SignatureFault::kIncomplete;
  parsed.timestamp = claim.date;
  parsed.time_ms = *time_ms;
  if (const Fault fault = parse_credential(claim.credential, parsed)) return fault;
  if (claim.form == Form::kPresigned) {
    const auto expires_s = number(claim.expires);
    if (!expires_s || *expires_s < 1 || *expires_s > limits::kAwsPresignedSecondsMax) return SignatureFault::kIncomplete;
    parsed.expires_s = *expires_s;
  }
  const auto signature = hex_decode(claim.signature);
  const bool upper = std::any_of(claim.signature.begin(), claim.signature.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (!signature.ok() || signature->size() != parsed.signature.size() || upper) return SignatureFault::kIncomplete;
  std::copy(signature->begin(), signature->end(), parsed.signature.begin());
  if (claim.token.size() > limits::kTokenBytesMax) return SignatureFault::kIncomplete;
  parsed.session_token = SecretBytes::copy_of(claim.token);
  return std::nullopt;
}

/// Wherever the request tells the hash of its body it must be this one, which is the one that is signed.
bool body_hash_holds(const DecidingHeaders& headers, const Query& query, std::string_view body_hex) {
  const auto parameters = query.parameters();
  return headers.content_hash.value_or(body_hex) == body_hex &&
         std::all_of(parameters.begin(), parameters.end(), [&](const Query::Parameter& parameter) {
           return !equal_lowered(parameter.name, kContentHash) || parameter.value == body_hex;
         });
}

}  // namespace

std::optional<SignatureFault> parse_signature_v4(const SignedRequest& request, SignatureV4& parsed) {
  if (!within_bounds(request)) return SignatureFault::kMalformedRequest;
  const auto query = Query::parse(request.query);
  if (!query) return SignatureFault::kMalformedRequest;
  DecidingHeaders headers;
  if (const Fault fault = find_headers(request.headers, headers)) return fault;
  Claim claim;
  if (const Fault fault = read_claim(*query, headers, claim)) return fault;
  if (const Fault fault = parse_claim(claim, parsed)) return fault;
  const std::string body_hex = hex_encode(crypto::as_view(request.body_sha256));
  if (!body_hash_holds(headers, *query, body_hex)) return SignatureFault::kWrongBodyHash;

  SecretBytes canonical;
  canonical.reserve(canonical_bytes(request));
  canonical.append(request.method);
  canonical.push_back('\n');
  signature_v4::append_path(canonical, request.path);
  canonical.push_back('\n');
  query->append_without(kSignatureParameter, canonical);
  canonical.push_back('\n');
  if (const Fault fault = signature_v4::append_headers(canonical, claim.signed_headers, request.headers)) return fault;
  canonical.push_back('\n');
  canonical.append(body_hex);
  parsed.canonical_request_sha256 = crypto::sha256(canonical.reveal());
  return std::nullopt;
}

}  // namespace keyhold::core
