#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/policy/iam_context.h"

namespace keyhold::core::iam {

/// Whether something holds, in order: what is unknown never allows and always denies.
enum class Answer : std::uint8_t { kNo, kUnknown, kYes };
constexpr Answer answer(bool holds) { return holds ? Answer::kYes : Answer::kNo; }
constexpr Answer both(Answer left, Answer right) { return std::min(left, right); }
constexpr Answer either(Answer left, Answer right) { return std::max(left, right); }
constexpr Answer opposite(Answer given) {
  if (given == Answer::kUnknown) return given;
  return answer(given == Answer::kNo);
}

/// A text to be matched, whose last letters may not be known yet: of a secret that does not exist, the suffix of its ARN.
struct Subject {
  std::string_view text;
  std::size_t unknown_bytes = 0;  // Letters and digits that will follow `text`.
};

/// A text of a policy, with '*' (any bytes), '?' (any one) and variables. Immutable.
///
/// Variables stand for their value, in which '*' and '?' are but characters; "${*}", "${?}" and "${$}" are those characters themselves.
/// A variable whose key is absent or unknown makes the answer unknown.
class Pattern {
 public:
  enum class Form : std::uint8_t { kExact, kAnyCase, kWildcards };  // kAnyCase: exact but for the case of ASCII letters.
  enum class Variables : std::uint8_t { kAllowed, kRefused };       // Policies of 2008-10-17 have none.

  /// errors   kInvalid with the reason: control characters, an unsupported variable by its name, over its bounds; never `text`.
  static Result<Pattern> parse(std::string_view text, Form form, Variables variables);

  /// Unknown where some values of the unknown bytes match and others do not.
  Answer matches(const Subject& subject, const Context& context) const;
  /// The same field by field, of the six that an ARN has; wildcards do not reach beyond theirs. A pattern of fewer fields has all the
  /// rest in its last.
  Answer matches_fields(const Subject& subject, const Context& context) const;

  bool has_wildcards() const;
  bool has_variables() const { return variables_ != 0; }
  /// As compiled: its wildcards are the bytes of kAnyBytes and kAnyByte.
  std::string_view compiled() const { return text_; }

  static constexpr char kAnyBytes = '\1';
  static constexpr char kAnyByte = '\2';

 private:
  static constexpr char kVariable = '\3';  // The next byte is the key's number + kFirstKey.
  static constexpr char kFirstKey = '\20';

  Result<void> add_variable(std::string_view name);
  /// With the values of its variables; nullopt when one has none.
  std::optional<std::string> expand(const Context& context) const;
  template <typename Match>
  Answer ask(const Context& context, const Match& match) const;

  std::string text_;
  std::size_t variables_ = 0;
  Form form_ = Form::kExact;
};

/// Wildcards of a plain text, without variables or unknown bytes: '*' and '?'.
bool matches_wildcards(std::string_view pattern, std::string_view text);

}  // namespace keyhold::core::iam
