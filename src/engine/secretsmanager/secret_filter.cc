#include "engine/secretsmanager/secret_filter.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "engine/secretsmanager/errors.h"

namespace keyhold::engine::secretsmanager {
namespace {

namespace secrets = core::secrets;

constexpr std::size_t kFiltersMax = 10;
constexpr std::size_t kValuesMax = 10;
constexpr std::size_t kValueCharactersMax = 512;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool begins(std::string_view text, std::string_view with) { return text.starts_with(with); }

bool begins_in_any_case(std::string_view text, std::string_view with) {
  return text.size() >= with.size() &&
         std::equal(with.begin(), with.end(), text.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

/// Whether a word of `text` begins with it. Words are what stands between anything but letters and digits, and the whole.
bool has_word(std::string_view text, std::string_view with) {
  bool at_start = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = lower(text[i]);
    const bool in_word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (at_start && begins_in_any_case(text.substr(i), with)) return true;
    at_start = !in_word;
  }
  return false;
}

template <typename Map, typename Predicate>
bool any_of_map(const Map& map, Predicate&& predicate) {
  return std::any_of(map.begin(), map.end(), predicate);
}

/// The words of a value of "all".
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

}  // namespace

Result<SecretFilter> SecretFilter::parse(const core::FieldValues& fields) {
  static constexpr std::array<std::pair<std::string_view, Key>, 7> kKeys{{{"description", Key::kDescription},
                                                                          {"name", Key::kName},
                                                                          {"tag-key", Key::kTagKey},
                                                                          {"tag-value", Key::kTagValue},
                                                                          {"primary-region", Key::kPrimaryRegion},
                                                                          {"owning-service", Key::kOwningService},
                                                                          {"all", Key::kAll}}};
  SecretFilter filter;
  const auto elements = fields.elements("Filters");
  if (elements.size() > kFiltersMax) return invalid_parameter("Filters must have at most 10 members.");
  for (const json::Value element : elements) {
    const auto key = element.is_object() ? element.find("Key") : std::nullopt;
    const auto values = element.is_object() ? element.find("Values") : std::nullopt;
    const auto name = key ? key->as_string() : Result<std::string>(std::string());
    const auto known = std::find_if(kKeys.begin(), kKeys.end(), [&](const auto& pair) { return name.ok() && pair.first == *name; });
    if (known == kKeys.end()) return invalid_parameter("Invalid filter key");
    if (!values || !values->is_array() || values->size() == 0) return invalid_parameter("Invalid filter values");
    if (values->size() > kValuesMax) return invalid_parameter("Values of a filter must have at most 10 members.");
    Condition condition{known->second, {}};
    for (std::size_t i = 0; i < values->size(); ++i) {
      auto text = values->at(i).as_string();
      if (!text.ok() || text->empty() || utf8::characters(*text) > kValueCharactersMax) return invalid_parameter("Invalid filter values");
      const bool negated = text->front() == '!';
      condition.values.push_back({negated ? text->substr(1) : std::move(*text), negated});
    }
    if (condition.key == Key::kName && condition.values.size() == 1 && !condition.values.front().negated) {
      filter.name_prefix_ = condition.values.front().text;
    }
    filter.conditions_.push_back(std::move(condition));
  }
  return filter;
}

bool SecretFilter::holds(Key key, std::string_view text, std::string_view aws_name, const secrets::Head& head) {
  switch (key) {
    case Key::kDescription: return begins_in_any_case(head.description(), text);
    case Key::kName: return begins(aws_name, text);
    case Key::kTagKey: return any_of_map(head.tags(), [text](const auto& tag) { return begins(tag.first, text); });
    case Key::kTagValue: return any_of_map(head.tags(), [text](const auto& tag) { return begins(tag.second, text); });
    case Key::kPrimaryRegion: return !head.primary_region().empty() && begins(head.primary_region(), text);
    case Key::kOwningService: return false;  // No secret is another service's.
    case Key::kAll: break;
  }
  const auto words = words_of(text);
  return std::all_of(words.begin(), words.end(), [&](std::string_view word) {
    return has_word(aws_name, word) || has_word(head.description(), word) || has_word(head.primary_region(), word) ||
           any_of_map(head.tags(), [word](const auto& tag) { return has_word(tag.first, word) || has_word(tag.second, word); });
  });
}

bool SecretFilter::matches(std::string_view aws_name, const secrets::Head& head) const {
  return std::all_of(conditions_.begin(), conditions_.end(), [&](const Condition& condition) {
    return std::any_of(condition.values.begin(), condition.values.end(), [&](const Value& value) {
      return holds(condition.key, value.text, aws_name, head) != value.negated;
    });
  });
}

}  // namespace keyhold::engine::secretsmanager
