#include <algorithm>
#include <array>
#include <charconv>

#include "base/time_format.h"
#include "core/random_password.h"
#include "core/rotation/rotator.h"

namespace keyhold::core::rotation {
namespace {

constexpr std::int64_t kTimeoutDefaultS = 30;
constexpr std::int64_t kTimeoutMaxS = 120;  // A run's leadership outlasts it.
constexpr std::size_t kSettingBytesMax = 16 * 1024;
constexpr std::array<std::string_view, 8> kRandomSettings{"field",         "length",       "exclude_characters", "lowercase",
                                                          "uppercase", "numbers", "punctuation",        "space"};
constexpr std::array<std::string_view, 3> kHttpSettings{kUrlSetting, kTimeoutSetting, kCaSetting};

Result<PasswordRules::Use> use_of(const records::Rotator& rotator, std::string_view name, PasswordRules::Use otherwise) {
  const std::string text = setting(rotator, name);
  if (text.empty()) return otherwise;
  if (text == "true") return PasswordRules::Use::kYes;
  if (text == "false") return PasswordRules::Use::kNo;
  return Error{Code::kInvalid, "the setting \"" + std::string(name) + "\" must be true or false"};
}

/// Of "scheme://host[:port]/…"; empty: it is none.
std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) return {};
  if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
  return authority.substr(0, authority.find(':'));
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

Result<void> check_url(const std::string& url) {
  const bool visible = std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  const std::string_view host = host_of(url);
  if (!visible || host.empty()) return Error{Code::kInvalid, "the setting \"url\" must be an https:// URL without a user's name"};
  if (url.starts_with("https://")) return {};
  if (url.starts_with("http://") && is_loopback(host)) return {};
  return Error{Code::kInvalid, "the setting \"url\" must be an https:// URL: without encryption only this machine can be reached"};
}

template <typename Names>
Result<void> check_names(const records::Rotator& rotator, const Names& known) {
  for (const auto& [name, value] : rotator.settings()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Error{Code::kInvalid, "a rotator of the type \"" + rotator.type() + "\" does not have all of these settings"};
    }
    if (value.size() > kSettingBytesMax) return Error{Code::kInvalid, "a setting is too long"};
  }
  return {};
}

}  // namespace

std::string setting(const records::Rotator& rotator, std::string_view name) {
  const auto found = rotator.settings().find(std::string(name));
  return found == rotator.settings().end() ? std::string() : found->second;
}

Result<SecretBytes> password_of(const records::Rotator& rotator, crypto::Rng& rng) {
  using Use = PasswordRules::Use;
  PasswordRules rules;
  rules.punctuation = Use::kNo;  // What breaks connection strings is asked for.
  if (const std::string length = setting(rotator, "length"); !length.empty()) {
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), rules.length);
    if (error != std::errc() || end != length.data() + length.size()) {
      return Error{Code::kInvalid, "the setting \"length\" must be a number"};
    }
  }
  rules.exclude_characters = setting(rotator, "exclude_characters");
  TRY_ASSIGN(rules.lowercase, use_of(rotator, "lowercase", rules.lowercase));
  TRY_ASSIGN(rules.uppercase, use_of(rotator, "uppercase", rules.uppercase));
  TRY_ASSIGN(rules.numbers, use_of(rotator, "numbers", rules.numbers));
  TRY_ASSIGN(rules.punctuation, use_of(rotator, "punctuation", rules.punctuation));
  TRY_ASSIGN(rules.space, use_of(rotator, "space", rules.space));
  return random_password(rules, rng);
}

Result<std::int64_t> timeout_ms_of(const records::Rotator& rotator) {
  const std::string text = setting(rotator, kTimeoutSetting);
  if (text.empty()) return kTimeoutDefaultS * 1000;
  const auto seconds = parse_duration_s(text);
  if (!seconds.ok() || *seconds < 1 || *seconds > kTimeoutMaxS) {
    return Error{Code::kInvalid, "the setting \"timeout\" must be a duration from 1s to 120s"};
  }
  return *seconds * 1000;
}

Result<void> check_rotator(const records::Rotator& rotator, crypto::Rng& rng) {
  if (rotator.type() == kRandomRotator) {
    TRY(check_names(rotator, kRandomSettings));
    TRY(password_of(rotator, rng));
    return {};
  }
  if (rotator.type() == kHttpRotator) {
    TRY(check_names(rotator, kHttpSettings));
    TRY(timeout_ms_of(rotator));
    return check_url(setting(rotator, kUrlSetting));
  }
  return Error{Code::kInvalid, "the type of a rotator must be \"random\" or \"http\""};
}

}  // namespace keyhold::core::rotation
