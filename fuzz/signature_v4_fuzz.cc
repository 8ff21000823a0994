// A request as text: "METHOD TARGET", lines "name: value", an empty line, the body. Whatever is read of its signature is within its
// bounds, does not depend on what must not matter, depends on what must, and verifies under the one signature only.
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/signature_v4.h"
#include "core/signature_v4_canonical.h"

namespace {

using namespace keyhold;
using namespace keyhold::core;

struct Text {
  std::string method, path, query, body;
  std::vector<std::pair<std::string, std::string>> headers;

  static Text parse(std::string_view input) {
    const auto line = [&input] {
      const std::size_t end = std::min(input.find('\n'), input.size());
      const std::string_view taken = input.substr(0, end);
      input.remove_prefix(std::min(end + 1, input.size()));
      return taken;
    };
    Text text;
    const std::string_view first = line();
    const std::size_t space = std::min(first.find(' '), first.size());
    const std::string_view target = first.substr(std::min(space + 1, first.size()));
    const std::size_t mark = std::min(target.find('?'), target.size());
    text.method = first.substr(0, space);
    text.path = target.substr(0, mark);
    text.query = target.substr(std::min(mark + 1, target.size()));
    for (std::string_view header = line(); !header.empty(); header = line()) {
      const std::size_t colon = std::min(header.find(':'), header.size());
      text.headers.emplace_back(header.substr(0, colon), header.substr(std::min(colon + 1, header.size())));
    }
    text.body = input;
    return text;
  }

  std::optional<SignatureFault> read(SignatureV4& parsed) const {
    std::vector<SignedRequest::Header> views;
    for (const auto& [name, value] : headers) views.push_back({name, value});
    return parse_signature_v4({method, path, query, views, crypto::sha256(body)}, parsed);
  }

  Text with_names(int (*change)(int)) const {
    Text changed = *this;
    for (auto& [name, value] : changed.headers) {
      for (char& character : name) {
        const auto byte = static_cast<unsigned char>(character);
        if (std::isalpha(byte)) character = static_cast<char>(change(byte));
      }
    }
    return changed;
  }
};

bool is_word(std::string_view text, std::size_t bytes_max) {
  return !text.empty() && text.size() <= bytes_max && text.find_first_of("/\n;, \0") == std::string_view::npos;
}

void check_query(std::string_view raw) {
  const auto query = signature_v4::Query::parse(raw);
  if (!query) return;
  SecretBytes once, twice;
  query->append_without("", once);
  const auto again = signature_v4::Query::parse(once.reveal());
  CHECK(again.has_value());
  again->append_without("", twice);
  CHECK(once.reveal() == twice.reveal());
}

void check_path(std::string_view path) {
  if (!path.starts_with('/')) return;
  SecretBytes out;
  signature_v4::append_path(out, path);
  CHECK(out.reveal().starts_with('/') && out.reveal().find("//") == std::string_view::npos && out.size() <= 3 * path.size());
  CHECK((std::string(out.reveal()) + "/").find("/../") == std::string::npos);
}

void check_signature(SignatureV4& parsed) {
  const SigningKey key = SigningKey::derive(SecretBytes::copy_of("secret"), parsed);
  const SignatureExpectation expected{.service = parsed.service, .region = parsed.region, .now_ms = parsed.time_ms};
  CHECK(key.serves(parsed));
  parsed.signature = key.sign(parsed);
  CHECK(!verify_signature_v4(parsed, key, expected));
  parsed.signature[parsed.canonical_request_sha256[0] % parsed.signature.size()] ^= 0x10;
  CHECK(verify_signature_v4(parsed, key, expected) == SignatureFault::kSignatureMismatch);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Text text = Text::parse({reinterpret_cast<const char*>(data), size});
  check_query(text.query);
  check_path(text.path);
  SignatureV4 parsed;
  const auto fault = text.read(parsed);
  for (const Text& same : {text.with_names(std::tolower), text.with_names(std::toupper)}) {
    SignatureV4 again;
    CHECK(same.read(again) == fault);
    CHECK(fault || again.canonical_request_sha256 == parsed.canonical_request_sha256);
  }
  if (fault) {
    CHECK(*fault <= SignatureFault::kWrongBodyHash && !aws_text_of(*fault).empty());
    return 0;
  }
  CHECK(is_word(parsed.access_key_id, limits::kAwsAccessKeyIdBytesMax) && is_word(parsed.region, limits::kAwsScopeNameBytesMax) &&
        is_word(parsed.service, limits::kAwsScopeNameBytesMax));
  CHECK(parsed.session_token.size() <= limits::kTokenBytesMax && parsed.timestamp.size() == 16 && parsed.date().size() == 8);
  CHECK(parsed.expires_s >= 0 && parsed.expires_s <= limits::kAwsPresignedSecondsMax);

  text.body += 'x';
  text.method += 'X';
  SignatureV4 other;
  const auto other_fault = text.read(other);
  CHECK(other_fault || other.canonical_request_sha256 != parsed.canonical_request_sha256);
  check_signature(parsed);
  return 0;
}
