#include <algorithm>
#include <map>
#include <set>

#include "cli/catalogue.h"

namespace keyhold::cli {
namespace {

/// Words of commands so far -> the words that may come next.
using NextWords = std::map<std::string, std::set<std::string>>;

void add_name(NextWords& next, std::string_view name) {
  std::string front;
  while (!name.empty()) {
    const std::size_t space = std::min(name.find(' '), name.size());
    const std::string word(name.substr(0, space));
    next[front].insert(word);
    front.append(front.empty() ? "" : " ").append(word);
    name.remove_prefix(std::min(space + 1, name.size()));
  }
}

NextWords next_words(const Catalogue& catalogue) {
  NextWords next;
  for (const Command* command : catalogue.commands()) add_name(next, command->name);
  next[""].insert("help");
  return next;
}

std::string joined(const std::set<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : " ").append(word);
  return text;
}

std::string flag_words(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) {
    text.append(text.empty() ? "-" : " -").append(flag.name);
    if (flag.takes != Flag::Takes::kNothing) text.push_back('=');
  }
  return text;
}

/// bash, and zsh through its bashcompinit: one function over a `case` of the words before.
std::string bash_script(const Catalogue& catalogue) {
  std::string text =
      "# Completes keyhold's commands and flags: source <(keyhold completion bash)\n"
      "_keyhold() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} path= candidate word words= flags= i\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    [[ $word == -* ]] && continue\n"
      "    [[ $word == = ]] && { ((i++)); continue; }\n"
      "    candidate=${path:+$path }$word\n"
      "    case $candidate in\n      ";
  std::string known;
  const NextWords next = next_words(catalogue);
  std::set<std::string> paths;
  for (const auto& [front, words] : next) {
    for (const std::string& word : words) paths.insert(front.empty() ? word : front + " " + word);
  }
  for (const std::string& path : paths) known.append(known.empty() ? "\"" : "|\"").append(path).append("\"");
  text.append(known).append(") path=$candidate ;;\n      *) break ;;\n    esac\n  done\n  case $path in\n");
  for (const auto& [front, words] : next) text.append("    \"" + front + "\") words=\"" + joined(words) + "\" ;;\n");
  text.append("  esac\n  case $path in\n");
  for (const Command* command : catalogue.commands()) {
    std::string flags;
    for (const auto set : flags_of(*command)) flags.append(flags.empty() ? "" : " ").append(flag_words(set));
    text.append("    \"" + std::string(command->name) + "\") flags=\"" + flags + "\" ;;\n");
  }
  text.append(
      "  esac\n"
      "  if [[ $current == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$flags\" -- \"$current\"))\n"
      "    [[ -z ${ZSH_VERSION-} && ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n"
      "  elif [[ -n $words ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"${current#@}\"))\n"
      "  fi\n"
      "  if [[ -n ${ZSH_VERSION-} ]]; then\n"  // Which has no compopt: a space is part of what takes no value.
      "    COMPREPLY=(\"${COMPREPLY[@]/%/ }\")\n"
      "    COMPREPLY=(\"${COMPREPLY[@]/%= /=}\")\n"
      "  fi\n"
      "}\n"
      "if [[ -n ${ZSH_VERSION-} ]]; then complete -o nospace -F _keyhold keyhold; else complete -F _keyhold keyhold; fi\n");
  return text;
}

/// In single quotes of fish.
std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted.append("'");
}

std::string fish_script(const Catalogue& catalogue) {
  std::string text =
      "# Completes keyhold's commands and flags: keyhold completion fish | source\n"
      "function __keyhold_words\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    string match -q -- '-*' $word; or echo $word\n"
      "  end\n"
      "end\n"
      "function __keyhold_at\n"
      "  set -l words (__keyhold_words)\n"
      "  test (count $argv) -eq 0; or string match -q -- \"$argv *\" \"$words \"\n"
      "end\n"
      "function __keyhold_exactly\n"
      "  set -l words (__keyhold_words)\n"
      "  test \"$words\" = \"$argv\"\n"
      "end\n";
  for (const auto& [front, words] : next_words(catalogue)) {
    text.append("complete -c keyhold -n " + fish_quoted("__keyhold_exactly " + front) + " -f -a " + fish_quoted(joined(words)) + "\n");
  }
  const auto flags_at = [&text](std::string_view name, std::span<const Flag> flags) {
    for (const Flag& flag : flags) {
      text.append("complete -c keyhold -n " + fish_quoted("__keyhold_at " + std::string(name)) + " -o " + std::string(flag.name));
      if (flag.takes != Flag::Takes::kNothing) text.append(" -r");
      text.append(" -d " + fish_quoted(flag.help) + "\n");
    }
  };
  for (const Command* command : catalogue.commands()) flags_at(command->name, command->flags);
  flags_at("", output_flags());
  flags_at("", connection_flags());
  return text;
}

}  // namespace

std::optional<std::string> completion_script(const Catalogue& catalogue, std::string_view shell) {
  if (shell == "bash") return bash_script(catalogue);
  if (shell == "zsh") return "#compdef keyhold\nautoload -Uz bashcompinit && bashcompinit\n" + bash_script(catalogue);
  if (shell == "fish") return fish_script(catalogue);
  return std::nullopt;
}

}  // namespace keyhold::cli
