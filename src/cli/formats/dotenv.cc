#include "cli/formats/dotenv.h"

#include <algorithm>
#include <optional>

#include "base/encoding.h"

namespace keyhold::cli {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_part(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; }
bool is_name_start(char c) { return is_name_part(c) && c != '-'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/// What a double-quoted text has after a backslash; nullopt: nothing that dialects agree on.
std::optional<char> unescaped(char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'v': return '\v';
    case '\\':
    case '"':
    case '\'':
    case '$':
    case '`': return c;
    default: return std::nullopt;
  }
}

/// One pass over the text. Ends of lines are "\n", "\r\n" or "\r", and all become "\n" within values.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Dotenv> parse() {
    if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) return Error{Code::kInvalid, "the file is UTF-16: save it as UTF-8"};
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
    while (!ended()) TRY(parse_line());
    return std::move(found_);
  }

 private:
  bool ended() const { return at_ == text_.size(); }
  char peek() const { return text_[at_]; }
  bool at_line_end() const { return ended() || is_line_end(peek()); }

  /// One character, or one end of a line as "\n".
  char take() {
    const char c = text_[at_++];
    if (!is_line_end(c)) return c;
    if (c == '\r' && !ended() && peek() == '\n') ++at_;
    ++line_;
    return '\n';
  }
  void skip_blanks() {
    while (!ended() && is_blank(peek())) ++at_;
  }
  void skip_line() {
    while (!at_line_end()) ++at_;
    if (!ended()) take();
  }

  static Error wrong(std::size_t line, const char* what) { return Error{Code::kInvalid, "line " + std::to_string(line) + ": " + what}; }
  void warn(std::size_t line, const std::string& name, const char* what) {
    found_.warnings.push_back("line " + std::to_string(line) + ": " + name + " " + what);
  }

  Result<void> parse_line() {
    skip_blanks();
    if (at_line_end() || peek() == '#') {
      skip_line();
      return {};
    }
    const std::size_t line = line_;
    TRY_ASSIGN(std::string name, parse_name());
    if (name == "export" && !ended() && is_blank(peek())) {
      skip_blanks();
      if (!ended() && (is_name_start(peek()) || peek() == '\'')) {
        TRY_ASSIGN(name, parse_name());
      }
    }
    skip_blanks();
    if (at_line_end() || peek() == '#') {
      // Without its name: a line of a value whose quotes are missing looks just so.
      found_.warnings.push_back("line " + std::to_string(line) + ": a name without a value is left out");
      skip_line();
      return {};
    }
    const bool colon = peek() == ':' && (at_ + 1 == text_.size() || is_blank(text_[at_ + 1]) || is_line_end(text_[at_ + 1]));
    if (peek() != '=' && !colon) return wrong(line, "there is no = after the name; a value of several lines needs quotes");
    ++at_;
    SecretBytes value;
    TRY(parse_value(name, value));
    if (value.reveal().find('\0') != std::string_view::npos) return wrong(line, "the value holds a NUL byte");
    if (!valid_utf8(value.reveal())) return wrong(line, "the value is not text (UTF-8)");
    return keep(line, std::move(name), value);
  }

  Result<void> keep(std::size_t line, std::string name, const SecretBytes& value) {
    const auto same = std::find_if(found_.fields.begin(), found_.fields.end(), [&name](const Field& field) { return field.name == name; });
    if (same != found_.fields.end()) {
      warn(line, name, "is given again: the last one counts");
      *same = text_field(std::move(name), value.reveal());
      return {};
    }
    if (found_.fields.size() == kFieldsMax) return Error{Code::kTooLarge, "there are over 4,000 fields"};
    found_.fields.push_back(text_field(std::move(name), value.reveal()));
    return {};
  }

  Result<std::string> parse_name() {
    const bool quoted = peek() == '\'';
    if (quoted) ++at_;
    const std::size_t begin = at_;
    if (ended() || !is_name_start(peek())) return wrong(line_, "there is no name at its beginning; a value of several lines needs quotes");
    while (!ended() && is_name_part(peek())) ++at_;
    std::string name(text_.substr(begin, at_ - begin));
    if (quoted && (ended() || take() != '\'')) return wrong(line_, "a name has letters, digits, \"_\", \".\" and \"-\"");
    return name;
  }

  Result<void> parse_value(const std::string& name, SecretBytes& value) {
    const std::size_t opened = line_, after_sign = at_;
    skip_blanks();
    if (at_line_end()) {
      skip_line();
      return {};
    }
    const char quote = peek();
    if (quote != '\'' && quote != '"' && quote != '`') {
      parse_plain(name, value, at_ != after_sign);
      return {};
    }
    ++at_;
    const bool closed = quote == '"' ? parse_double_quoted(name, value) : parse_literal(value, quote);
    if (!closed) return wrong(opened, "the quote of the value never closes");
    skip_blanks();
    if (!at_line_end() && peek() != '#') return wrong(line_, "there is text after the closing quote");
    skip_line();
    return {};
  }

  /// To the end of the line, or a "#" after a blank.
  void parse_plain(const std::string& name, SecretBytes& value, bool after_blank) {
    const std::size_t line = line_, begin = at_;
    std::size_t end = begin;  // Behind the last character that is no blank.
    bool holds_number_sign = false, holds_reference = false;
    while (!at_line_end()) {
      const char c = peek();
      if (c == '#' && (at_ == begin ? after_blank : is_blank(text_[at_ - 1]))) break;
      holds_number_sign = holds_number_sign || c == '#';
      holds_reference = holds_reference || begins_reference();
      ++at_;
      if (!is_blank(c)) end = at_;
    }
    value.append(text_.substr(begin, end - begin));
    skip_line();
    if (holds_number_sign) warn(line, name, "holds a #, which is kept; some programs would take it for a comment");
    if (holds_reference) warn_of_reference(line, name);
  }

  /// Nothing is special but the closing quote, and a quote behind a backslash when more of the value comes after it.
  bool parse_literal(SecretBytes& value, char quote) {
    while (!ended()) {
      if (peek() == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == quote && !only_comment_from(at_ + 2)) {
        value.push_back(quote);
        at_ += 2;
        continue;
      }
      const char c = take();
      if (c == quote) return true;
      value.push_back(c);
    }
    return false;
  }

  bool only_comment_from(std::size_t at) const {
    while (at < text_.size() && is_blank(text_[at])) ++at;
    return at == text_.size() || is_line_end(text_[at]) || text_[at] == '#';
  }

  bool parse_double_quoted(const std::string& name, SecretBytes& value) {
    const std::size_t line = line_;
    bool holds_reference = false, holds_unknown = false;
    while (!ended()) {
      holds_reference = holds_reference || begins_reference();
      const char c = take();
      if (c == '"') {
        if (holds_reference) warn_of_reference(line, name);
        if (holds_unknown) warn(line, name, "has a backslash before a letter that means nothing: both are kept");
        return true;
      }
      if (c != '\\' || ended()) {
        value.push_back(c);
        continue;
      }
      const char escaped = take();
      if (escaped == '\n') continue;  // The line goes on, as in a shell.
      if (const auto meant = unescaped(escaped)) {
        value.push_back(*meant);
        continue;
      }
      holds_unknown = true;
      value.push_back('\\');
      value.push_back(escaped);
    }
    return false;
  }

  /// Whether what comes is `$X`, `${X}` or `$(command)`.
  bool begins_reference() const {
    if (peek() != '$' || at_ + 1 == text_.size()) return false;
    const char next = text_[at_ + 1];
    return is_letter(next) || next == '_' || next == '{' || next == '(';
  }
  void warn_of_reference(std::size_t line, const std::string& name) {
    warn(line, name, "refers to a variable or a command by $: that is kept as it stands, nothing is put in");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  Dotenv found_;
};

bool is_plain(char c) { return is_letter(c) || is_digit(c) || std::string_view("_./:@%+,=-").find(c) != std::string_view::npos; }

}  // namespace

Result<SecretBytes> text_of(const Field& field) {
  if (!is_text(field)) return field.json.clone();
  TRY_ASSIGN(const auto document, json::Document::parse(field.json.reveal()));
  return document.root().as_secret();
}

Result<Dotenv> parse_dotenv(std::string_view text) { return Parser(text).parse(); }

Result<void> append_dotenv(SecretBytes& out, std::string_view name, std::string_view value) {
  if (name.empty() || !is_name_start(name.front()) || !std::all_of(name.begin(), name.end(), is_name_part)) {
    return Error{Code::kInvalid, "a .env file has no form for the name of the field " + std::string(name)};
  }
  if (value.find('\0') != std::string_view::npos) return Error{Code::kInvalid, "a .env file cannot hold the NUL byte of the field " + std::string(name)};
  out.append(name);
  out.push_back('=');
  if (std::all_of(value.begin(), value.end(), is_plain)) {
    out.append(value);
  } else if (value.find_first_of("'\r") == std::string_view::npos) {
    out.push_back('\'');
    out.append(value);
    out.push_back('\'');
  } else {
    out.push_back('"');
    for (const char c : value) {
      if (c == '"' || c == '\\' || c == '$' || c == '`') out.push_back('\\');
      if (c == '\r') {
        out.append("\\r");
      } else {
        out.push_back(c);
      }
    }
    out.push_back('"');
  }
  out.push_back('\n');
  return {};
}

}  // namespace keyhold::cli
