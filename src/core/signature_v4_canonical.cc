#include "core/signature_v4_canonical.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/encoding.h"
#include "base/limits.h"

namespace keyhold::core::signature_v4 {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }
bool is_lower(char character) { return character >= 'a' && character <= 'z'; }
bool is_upper(char character) { return character >= 'A' && character <= 'Z'; }
char lowered(char character) { return is_upper(character) ? static_cast<char>(character + ('a' - 'A')) : character; }

/// RFC 3986, section 2.3.
bool is_unreserved(char character) {
  return is_lower(character) || is_upper(character) || is_digit(character) || character == '-' || character == '.' ||
         character == '_' || character == '~';
}

void append_encoded(SecretBytes& out, char byte) {
  if (is_unreserved(byte)) return out.push_back(byte);
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  out.push_back('%');
  out.push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 15]);
}

/// Appends a name or a value in the one encoding. Whether it could be read.
bool append_recoded(SecretBytes& out, std::string_view raw) {
  for (std::size_t i = 0; i < raw.size(); ++i) {
    char byte = raw[i];
    if (byte == '+') return false;
    if (byte == '%') {
      const auto escaped = percent_escaped_byte(raw.substr(i));
      if (!escaped) return false;
      byte = *escaped;
      i += kPercentEscapeBytes - 1;
    }
    append_encoded(out, byte);
  }
  return true;
}

/// A token of RFC 9110 without upper case.
bool is_name(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
    return is_lower(character) || character == '-' || is_digit(character) || kMarks.find(character) != std::string_view::npos;
  });
}

/// The names of SignedHeaders.
class Names {
 public:
  static std::optional<Names> parse(std::string_view list) {
    Names names;
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(';', begin), list.size());
      const std::string_view name = list.substr(begin, end - begin);
      const bool rising = names.count_ == 0 || names.names_[names.count_ - 1] < name;
      if (!is_name(name) || !rising || names.count_ == names.names_.size()) return std::nullopt;
      names.names_[names.count_++] = name;
      begin = end + 1;
    }
    return names;
  }

  std::span<const std::string_view> all() const { return std::span(names_).first(count_); }
  bool contain(std::string_view any_case) const {
    return std::any_of(all().begin(), all().end(), [&](std::string_view name) { return equal_lowered(any_case, name); });
  }

 private:
  std::array<std::string_view, limits::kHttpHeaderCountMax> names_;
  std::size_t count_ = 0;
};

bool must_be_signed(std::string_view any_case) {
  constexpr std::string_view kPrefix = "x-amz-";
  return equal_lowered(any_case.substr(0, kPrefix.size()), kPrefix) && !equal_lowered(any_case, "x-amz-user-agent") &&
         !equal_lowered(any_case, "x-amz-cf-id");
}

bool is_space(char character) { return character == ' ' || character == '\t'; }
/// Of a word, that is: what neither parts words nor is a control character.
bool is_visible(char character) { return static_cast<unsigned char>(character) > ' ' && character != '\x7f'; }

/// Its words with one space between them. Whether it had no control characters.
bool append_value(SecretBytes& out, std::string_view value) {
  bool first = true;
  const auto end = value.end();
  for (auto at = std::find_if_not(value.begin(), end, is_space); at != end;) {
    const auto word_end = std::find_if_not(at, end, is_visible);
    if (word_end == at) return false;
    if (!first) out.push_back(' ');
    first = false;
    out.append({at, word_end});
    at = std::find_if_not(word_end, end, is_space);
  }
  return true;
}

}  // namespace

bool equal_lowered(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char any, char low) { return lowered(any) == low; });
}

void append_path(SecretBytes& out, std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    begin = end + 1;
  }
  for (const std::string_view segment : segments) {
    out.push_back('/');
    for (const char byte : segment) append_encoded(out, byte);
  }
  if (segments.empty() || path.ends_with('/')) out.push_back('/');
}

std::optional<Query> Query::parse(std::string_view raw) {
  Query query;
  if (raw.empty()) return query;
  query.text_.reserve(kPercentEscapeBytes * raw.size());  // Then no view moves.
  const auto recoded = [&text = query.text_](std::string_view part) -> std::optional<std::string_view> {
    const std::size_t before = text.size();
    if (!append_recoded(text, part)) return std::nullopt;
    return text.reveal().substr(before);
  };
  for (std::size_t begin = 0; begin <= raw.size();) {
    const std::size_t end = std::min(raw.find('&', begin), raw.size());
    const std::string_view parameter = raw.substr(begin, end - begin);
    const std::size_t equals = std::min(parameter.find('='), parameter.size());
    const auto name = recoded(parameter.substr(0, equals));
    const auto value = recoded(parameter.substr(std::min(equals + 1, parameter.size())));
    if (!name || name->empty() || !value || query.parameters_.size() == limits::kQueryParametersMax) return std::nullopt;
    query.parameters_.push_back({*name, *value});
    begin = end + 1;
  }
  std::sort(query.parameters_.begin(), query.parameters_.end(), [](const Parameter& a, const Parameter& b) {
    return std::tie(a.name, a.value) < std::tie(b.name, b.value);
  });
  return query;
}

void Query::append_without(std::string_view name, SecretBytes& out) const {
  bool first = true;
  for (const Parameter& parameter : parameters_) {
    if (parameter.name == name) continue;
    if (!first) out.push_back('&');
    first = false;
    out.append(parameter.name);
    out.push_back('=');
    out.append(parameter.value);
  }
}

void append_decoded(SecretBytes& out, std::string_view encoded) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const auto escaped = percent_escaped_byte(encoded.substr(i));
    out.push_back(escaped.value_or(encoded[i]));
    if (escaped) i += kPercentEscapeBytes - 1;
  }
}

std::optional<SignatureFault> append_headers(SecretBytes& out, std::string_view list, std::span<const SignedRequest::Header> headers) {
  const auto names = Names::parse(list);
  if (!names) return SignatureFault::kIncomplete;
  const bool all_signed = std::all_of(headers.begin(), headers.end(), [&](const SignedRequest::Header& header) {
    return !must_be_signed(header.name) || names->contain(header.name);
  });
  if (!all_signed || !names->contain("host")) return SignatureFault::kUnsignedHeader;

  for (const std::string_view name : names->all()) {
    out.append(name);
    char before = ':';
    for (const SignedRequest::Header& header : headers) {
      if (!equal_lowered(header.name, name)) continue;
      out.push_back(before);
      if (!append_value(out, header.value)) return SignatureFault::kMalformedRequest;
      before = ',';
    }
    if (before == ':') return SignatureFault::kAbsentHeader;
    out.push_back('\n');
  }
  out.push_back('\n');
  out.append(list);
  return std::nullopt;
}

}  // namespace keyhold::core::signature_v4
