#include "core/policy/iam_pattern.h"

#include <utility>

#include "base/limits.h"
#include "base/scalar.h"

namespace keyhold::core::iam {
namespace {

constexpr int kArnColons = 5;

/// What AWS has as variables beside what is supported here: named, so that whoever brings a policy along learns which.
constexpr std::array<std::string_view, 6> kUnsupportedVariables{"aws:PrincipalTag/", "aws:SourceIp", "aws:CurrentTime",
                                                                "aws:ResourceTag/", "aws:RequestTag/", "sts:RoleSessionName"};

bool is_letter_or_digit(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/// What an unknown byte is taken for where a pattern has a character.
enum class UnknownByte : std::uint8_t {
  kFitsNone,  // Then what matches does so whatever the bytes are.
  kFitsAll,   // Then what does not match never will.
};

struct Wildcards {
  char any_bytes;
  char any_byte;
};

/// In time of pattern times text: after a failure only the last '*' may take one more, since earlier ones have nothing to gain.
bool glob(std::string_view pattern, const Subject& subject, UnknownByte unknown, Wildcards wildcards) {
  const std::size_t size = subject.text.size() + subject.unknown_bytes;
  const auto fits = [&](char wanted, std::size_t at) {
    if (wanted == wildcards.any_byte) return true;
    if (at < subject.text.size()) return subject.text[at] == wanted;
    return unknown == UnknownByte::kFitsAll && is_letter_or_digit(wanted);
  };
  std::size_t next = 0;
  std::size_t at = 0;
  std::optional<std::size_t> star;
  std::size_t star_end = 0;
  while (at < size) {
    if (next < pattern.size() && pattern[next] == wildcards.any_bytes) {
      star = next++;
      star_end = at;
    } else if (next < pattern.size() && fits(pattern[next], at)) {
      ++next;
      ++at;
    } else if (star) {
      next = *star + 1;
      at = ++star_end;
    } else {
      return false;
    }
  }
  while (next < pattern.size() && pattern[next] == wildcards.any_bytes) ++next;
  return next == pattern.size();
}

constexpr Wildcards kCompiled{Pattern::kAnyBytes, Pattern::kAnyByte};

Answer match_whole(std::string_view pattern, const Subject& subject) {
  if (glob(pattern, subject, UnknownByte::kFitsNone, kCompiled)) return Answer::kYes;
  if (subject.unknown_bytes == 0) return Answer::kNo;
  return glob(pattern, subject, UnknownByte::kFitsAll, kCompiled) ? Answer::kUnknown : Answer::kNo;
}

Answer match_fields(std::string_view pattern, Subject subject) {
  for (int field = 0; field < kArnColons; ++field) {
    const std::size_t pattern_colon = pattern.find(':');
    const std::size_t colon = subject.text.find(':');
    if (pattern_colon == std::string_view::npos) break;
    if (colon == std::string_view::npos) return Answer::kNo;
    if (match_whole(pattern.substr(0, pattern_colon), {subject.text.substr(0, colon)}) == Answer::kNo) return Answer::kNo;
    pattern.remove_prefix(pattern_colon + 1);
    subject.text.remove_prefix(colon + 1);
  }
  return match_whole(pattern, subject);
}

bool is_control(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return (value < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || value == 0x7f;
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text, Form form, Variables variables) {
  const auto refused = [](std::string reason) { return Error{Code::kInvalid, std::move(reason)}; };
  if (text.size() > limits::kIamPatternBytesMax) return refused("a text over the size limit");
  if (std::any_of(text.begin(), text.end(), is_control)) return refused("a control character");
  Pattern pattern;
  pattern.form_ = form;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("${")) {
      if (variables == Variables::kRefused) return refused("policy variables go with Version 2012-10-17 only");
      const std::size_t end = text.find('}', at);
      if (end == std::string_view::npos) return refused("a policy variable without its end");
      TRY(pattern.add_variable(text.substr(at + 2, end - at - 2)));
      at = end;
      continue;
    }
    const bool wild = form == Form::kWildcards;
    pattern.text_ += wild && text[at] == '*' ? kAnyBytes : wild && text[at] == '?' ? kAnyByte : text[at];
  }
  if (form == Form::kAnyCase) pattern.text_ = to_lower(pattern.text_);
  return pattern;
}

Result<void> Pattern::add_variable(std::string_view name) {
  if (name == "*" || name == "?" || name == "$") {
    text_ += name;
    return {};
  }
  const std::string lower = to_lower(name);
  for (const ConditionKeyRule& rule : kConditionKeys) {
    if (!rule.variable || to_lower(rule.name) != lower) continue;
    if (++variables_ > limits::kIamPatternVariablesMax) return Error{Code::kInvalid, "too many policy variables in one text"};
    text_ += kVariable;
    text_ += static_cast<char>(kFirstKey + static_cast<char>(rule.key));
    return {};
  }
  for (const std::string_view known : kUnsupportedVariables) {
    if (lower.starts_with(to_lower(known))) {
      return Error{Code::kInvalid, "the policy variable " + std::string(known) + " is not supported"};
    }
  }
  return Error{Code::kInvalid, "an unknown policy variable"};
}

std::optional<std::string> Pattern::expand(const Context& context) const {
  std::string expanded;
  for (std::size_t at = 0; at < text_.size(); ++at) {
    if (text_[at] != kVariable) {
      expanded += text_[at];
      continue;
    }
    const Context::Entry entry = context.find(static_cast<ConditionKey>(text_[++at] - kFirstKey), {});
    if (entry.state != Context::State::kValues || entry.values.size() != 1) return std::nullopt;
    const std::string& value = entry.values.front();
    if (std::any_of(value.begin(), value.end(), is_control)) return std::nullopt;  // Might pass for a wildcard.
    expanded += value;
  }
  return form_ == Form::kAnyCase ? to_lower(expanded) : expanded;
}

template <typename Match>
Answer Pattern::ask(const Context& context, const Match& match) const {
  if (variables_ == 0) return match(text_);
  const auto expanded = expand(context);
  return expanded ? match(*expanded) : Answer::kUnknown;
}

Answer Pattern::matches(const Subject& subject, const Context& context) const {
  return ask(context, [&](std::string_view pattern) {
    if (form_ == Form::kAnyCase) return match_whole(pattern, {to_lower(subject.text), subject.unknown_bytes});
    return match_whole(pattern, subject);
  });
}

Answer Pattern::matches_fields(const Subject& subject, const Context& context) const {
  return ask(context, [&](std::string_view pattern) { return match_fields(pattern, subject); });
}

bool Pattern::has_wildcards() const {
  return std::any_of(text_.begin(), text_.end(), [](char byte) { return byte == kAnyBytes || byte == kAnyByte; });
}

bool matches_wildcards(std::string_view pattern, std::string_view text) {
  return glob(pattern, {text}, UnknownByte::kFitsNone, {'*', '?'});
}

}  // namespace keyhold::core::iam
