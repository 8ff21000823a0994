#include "cli/policy_format.h"

#include <algorithm>
#include <vector>

namespace keyhold::cli {
namespace {

constexpr std::size_t kIndent = 2;

enum class Kind : std::uint8_t { kWord, kString, kHeredoc, kComment, kOpen, kClose, kComma, kEquals, kNewline };

struct Token {
  Kind kind;
  std::string_view text;
};

bool starts_comment(std::string_view text) { return text.starts_with('#') || text.starts_with("//") || text.starts_with("/*"); }

std::size_t comment_bytes(std::string_view text) {
  if (text.starts_with("/*")) {
    const std::size_t end = text.find("*/", 2);
    return end == std::string_view::npos ? text.size() : end + 2;
  }
  return std::min(text.find('\n'), text.size());
}

std::size_t string_bytes(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

/// `<<NAME` up to the line that holds NAME alone.
std::size_t heredoc_bytes(std::string_view text) {
  std::size_t line_end = std::min(text.find('\n'), text.size());
  std::string_view name = text.substr(2, line_end - 2);
  if (name.starts_with('-')) name.remove_prefix(1);
  while (name.ends_with('\r') || name.ends_with(' ')) name.remove_suffix(1);
  while (line_end < text.size()) {
    const std::size_t begin = line_end + 1;
    line_end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, line_end - begin);
    const std::size_t first = line.find_first_not_of(" \t");
    line = first == std::string_view::npos ? std::string_view() : line.substr(first);
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (line == name) return line_end;
  }
  return text.size();
}

/// Of a text that has been parsed, so whatever it holds is a token.
std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  const auto take = [&](Kind kind, std::size_t bytes) {
    tokens.push_back({kind, text.substr(0, bytes)});
    text.remove_prefix(bytes);
  };
  while (!text.empty()) {
    const char c = text.front();
    if (c == '\n') {
      take(Kind::kNewline, 1);
    } else if (c == ' ' || c == '\t' || c == '\r') {
      text.remove_prefix(1);
    } else if (starts_comment(text)) {
      take(Kind::kComment, comment_bytes(text));
    } else if (c == '"') {
      take(Kind::kString, string_bytes(text));
    } else if (text.starts_with("<<")) {
      take(Kind::kHeredoc, heredoc_bytes(text));
    } else if (c == '{' || c == '[') {
      take(Kind::kOpen, 1);
    } else if (c == '}' || c == ']') {
      take(Kind::kClose, 1);
    } else if (c == ',') {
      take(Kind::kComma, 1);
    } else if (c == '=') {
      take(Kind::kEquals, 1);
    } else {
      std::size_t bytes = 1;
      while (bytes < text.size() && std::string_view(" \t\r\n\"{}[],=").find(text[bytes]) == std::string_view::npos && !starts_comment(text.substr(bytes))) ++bytes;
      take(Kind::kWord, bytes);
    }
  }
  return tokens;
}

/// Whether a space goes between two neighbours of a line.
bool spaced(const Token& left, const Token& right) {
  if (right.kind == Kind::kComma || left.text == "[" || right.text == "]") return right.kind == Kind::kComment;
  return !(left.text == "{" && right.text == "}");
}

struct Line {
  std::string key;     // Before the "=" of a line `key = value`; else all of it.
  std::string value;   // From the value on; "" where there is no "=".
  std::size_t depth = 0;
  bool aligned = false;  // A whole `key = value`.
};

std::string joined(const std::vector<Token>& tokens, std::size_t begin, std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) {
    if (i > begin && spaced(tokens[i - 1], tokens[i])) text.push_back(' ');
    std::string_view own = tokens[i].text;
    while (tokens[i].kind == Kind::kComment && (own.ends_with(' ') || own.ends_with('\t') || own.ends_with('\r'))) own.remove_suffix(1);
    text.append(own);
  }
  return text;
}

/// One line of tokens at this depth; `depth` becomes that of the next.
Line line_of(const std::vector<Token>& tokens, std::size_t& depth) {
  Line line;
  std::size_t closers = 0;
  while (closers < tokens.size() && tokens[closers].kind == Kind::kClose) ++closers;
  line.depth = depth - std::min(depth, closers);
  std::ptrdiff_t change = 0;
  for (const Token& token : tokens) change += token.kind == Kind::kOpen ? 1 : token.kind == Kind::kClose ? -1 : 0;
  depth = static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(depth) + change));
  const bool assigns = tokens.size() > 2 && tokens[1].kind == Kind::kEquals && (tokens[0].kind == Kind::kWord || tokens[0].kind == Kind::kString);
  if (!assigns) {
    line.key = joined(tokens, 0, tokens.size());
    return line;
  }
  line.key = tokens[0].text;
  line.value = joined(tokens, 2, tokens.size());
  line.aligned = change == 0 && line.value.find('\n') == std::string::npos;
  return line;
}

void append_lines(std::string& out, const std::vector<Line>& lines) {
  for (std::size_t i = 0; i < lines.size();) {
    // A group of neighbours whose "=" stand below each other.
    std::size_t end = i + 1;
    while (lines[i].aligned && end < lines.size() && lines[end].aligned && lines[end].depth == lines[i].depth) ++end;
    std::size_t width = 0;
    for (std::size_t k = i; k < end; ++k) width = std::max(width, lines[k].key.size());
    for (; i < end; ++i) {
      const Line& line = lines[i];
      if (!line.key.empty()) out.append(line.depth * kIndent, ' ').append(line.key);
      if (!line.value.empty()) out.append(width - line.key.size(), ' ').append(" = ").append(line.value);
      out.push_back('\n');
    }
  }
}

bool same(const hcl::Body& a, const hcl::Body& b);

bool same(const hcl::Value& a, const hcl::Value& b) {
  if (a.kind != b.kind || a.text != b.text || a.list.size() != b.list.size()) return false;
  for (std::size_t i = 0; i < a.list.size(); ++i) {
    if (!same(a.list[i], b.list[i])) return false;
  }
  return same(a.body, b.body);
}

bool same(const hcl::Body& a, const hcl::Body& b) {
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), [](const hcl::Item& x, const hcl::Item& y) {
    const auto label = [](const hcl::Label& p, const hcl::Label& q) { return p.text == q.text; };
    return x.key == y.key && std::equal(x.labels.begin(), x.labels.end(), y.labels.begin(), y.labels.end(), label) && same(x.value, y.value);
  });
}

}  // namespace

Result<std::string> format_hcl(std::string_view text, hcl::Failure* failure) {
  TRY_ASSIGN(const hcl::Body parsed, hcl::parse(text, {}, failure));
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return Error{Code::kInvalid, "it is JSON, which has no form to keep: only HCL is formatted"};
  std::vector<Line> lines;
  std::vector<Token> line;
  std::size_t depth = 0;
  const auto end_line = [&] {
    const bool opens = !lines.empty() && (lines.back().key.ends_with('{') || lines.back().value.ends_with('[') || lines.back().value.ends_with('{'));
    if (line.empty()) {
      if (!lines.empty() && !(lines.back().key.empty() && lines.back().value.empty()) && !opens) lines.emplace_back();
      return;
    }
    const bool blank_before = !lines.empty() && lines.back().key.empty() && lines.back().value.empty();
    if (blank_before && line.front().kind == Kind::kClose) lines.pop_back();
    lines.push_back(line_of(line, depth));
    line.clear();
  };
  for (const Token& token : tokens_of(text)) {
    if (token.kind == Kind::kNewline) {
      end_line();
    } else {
      line.push_back(token);
    }
  }
  if (!line.empty()) end_line();
  while (!lines.empty() && lines.back().key.empty() && lines.back().value.empty()) lines.pop_back();
  std::string formatted;
  append_lines(formatted, lines);
  const auto again = hcl::parse(formatted);
  if (!again.ok() || !same(parsed, *again)) return Error{Code::kInternal, "formatting would change what it says: left as it is"};
  return formatted;
}

}  // namespace keyhold::cli
