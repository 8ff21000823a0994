#include <algorithm>
#include <array>

#include "cli/catalogue.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kNameWidth = 18;
constexpr std::size_t kRestWidth = 26;  // Of a command without its family's name.
constexpr std::size_t kFlagWidth = 32;

using Takes = Flag::Takes;

constexpr std::array kConnectionFlags{
    Flag{.name = "address", .value_name = "URL", .help = "The server. Environment: KEYHOLD_ADDR, VAULT_ADDR; https://127.0.0.1:8200 if none"},
    Flag{.name = "agent-address", .value_name = "URL", .help = "Accepted for Vault's sake; there is no agent to go through"},
    Flag{.name = "ca-cert", .value_name = "FILE", .help = "Authority to trust, in PEM (…_CACERT)"},
    Flag{.name = "ca-path", .value_name = "FOLDER", .help = "The same, all files of a folder (…_CAPATH)"},
    Flag{.name = "client-cert", .value_name = "FILE", .help = "Certificate to show, in PEM (…_CLIENT_CERT)"},
    Flag{.name = "client-key", .value_name = "FILE", .help = "Its key, in PEM (…_CLIENT_KEY)"},
    Flag{.name = "tls-server-name", .value_name = "NAME", .help = "Name to find in the server's certificate (…_TLS_SERVER_NAME)"},
    Flag{.name = "tls-skip-verify", .help = "Trust any certificate: for tests alone (…_SKIP_VERIFY)", .takes = Takes::kNothing},
    Flag{.name = "namespace", .value_name = "PATH", .help = "Namespace (…_NAMESPACE)", .alias = "ns"},
    Flag{.name = "header", .value_name = "NAME=VALUE", .help = "Further header; may be repeated", .takes = Takes::kValues},
    Flag{.name = "wrap-ttl", .value_name = "DURATION", .help = "Wrap the answer in a token of one use (…_WRAP_TTL)"},
    Flag{.name = "output-curl-string", .help = "Print the request as a curl command, and do not send it", .takes = Takes::kNothing},
    Flag{.name = "output-policy", .help = "Print the policy that allows the request, and do not send it", .takes = Takes::kNothing},
    Flag{.name = "non-interactive", .help = "Never ask on the terminal", .takes = Takes::kNothing},
};

constexpr std::array kOutputFlags{
    Flag{.name = "format", .value_name = "FORMAT", .help = "table, json, yaml or raw (…_FORMAT)"},
    Flag{.name = "field", .value_name = "NAME", .help = "Print this value alone"},
};

struct Heading {
  Group group;
  std::string_view text;
};
constexpr std::array kHeadings{Heading{Group::kSecrets, "Secrets"}, Heading{Group::kAccess, "Who may do what"},
                               Heading{Group::kOperation, "Operating a server"}, Heading{Group::kServer, "On the server's own machine"},
                               Heading{Group::kOther, "Other"}};

/// Families of commands in the short help.
struct Family {
  std::string_view name, help;
};
constexpr std::array kFamilies{
    Family{"kv", "Secrets with versions"},
    Family{"kv metadata", "What is known about a secret"},
    Family{"secrets", "Engines that hold secrets"},
    Family{"auth", "Ways to log in"},
    Family{"token", "Tokens"},
    Family{"policy", "Policies"},
    Family{"lease", "Leases"},
    Family{"rotation", "Secrets that get new contents by themselves"},
    Family{"access-key", "Keys for clients that sign their requests"},
    Family{"audit", "The journal, and where it is sent"},
    Family{"operator", "Initialise, unseal, seal"},
    Family{"print", "Values that commands use"},
};

std::string_view summary_of(std::string_view help) { return help.substr(0, help.find('\n')); }

std::string padded(std::string_view text, std::size_t width) {
  std::string line(text);
  line.append(line.size() < width ? width - line.size() : 1, ' ');
  return line;
}

/// The first word of a name.
std::string_view first_word(std::string_view name) { return name.substr(0, name.find(' ')); }

struct Listed {
  std::string_view name;
  std::string help;
};

/// Families once, others each.
void list(std::vector<Listed>& lines, std::string_view name, std::string_view help) {
  const std::string_view family = first_word(name);
  if (family == name) {
    lines.push_back({name, std::string(summary_of(help))});
    return;
  }
  if (std::any_of(lines.begin(), lines.end(), [family](const Listed& line) { return line.name == family; })) return;
  const auto known = std::find_if(kFamilies.begin(), kFamilies.end(), [family](const Family& f) { return f.name == family; });
  lines.push_back({family, known == kFamilies.end() ? std::string() : std::string(known->help)});
}

void print_flags(Output& out, std::span<const Flag> flags) {
  for (const Flag& flag : flags) {
    std::string text = "  -" + std::string(flag.name);
    if (!flag.alias.empty()) text.append(", -").append(flag.alias);
    if (!flag.value_name.empty()) text.append("=").append(flag.value_name);
    out.line(padded(text, kFlagWidth) + std::string(flag.help));
  }
}

}  // namespace

std::span<const Flag> connection_flags() { return kConnectionFlags; }
std::span<const Flag> output_flags() { return kOutputFlags; }

void print_help(Output& out, const Catalogue& catalogue) {
  out.line("Keyhold keeps the secrets of applications.\n\nUsage: keyhold COMMAND [flags] [arguments]");
  for (const Heading& heading : kHeadings) {
    std::vector<Listed> lines;
    for (const Command* command : catalogue.commands()) {
      if (command->group == heading.group) list(lines, command->name, command->help);
    }
    out.print("\n");
    out.line(heading.text, Style::kBold);
    for (const Listed& line : lines) out.line("  " + padded(line.name, kNameWidth) + line.help);
  }
  out.line("\n`keyhold COMMAND -h` tells more, with an example.");
}

void print_family_help(Output& out, const Catalogue& catalogue, std::string_view family) {
  const auto known = std::find_if(kFamilies.begin(), kFamilies.end(), [family](const Family& f) { return f.name == family; });
  if (known != kFamilies.end()) out.line(std::string(known->help) + ".\n");
  out.line("Usage: keyhold " + std::string(family) + " COMMAND [flags] [arguments]\n");
  const std::string front = std::string(family) + " ";
  for (const Command* command : catalogue.commands()) {
    if (command->name.starts_with(front)) out.line("  " + padded(command->name.substr(front.size()), kRestWidth) + std::string(summary_of(command->help)));
  }
  out.line("\n`keyhold " + front + "COMMAND -h` tells more, with an example.");
}

std::string usage_of(const Command& command) {
  std::string text = "Usage: keyhold " + std::string(command.name);
  if (command.run_local == nullptr || !command.flags.empty()) text += " [flags]";
  if (!command.arguments.empty()) text.append(" ").append(command.arguments);
  return text;
}

void print_command_help(Output& out, const Command& command) {
  out.line(usage_of(command) + "\n");
  out.line(command.help);
  if (!command.example.empty()) {
    out.line("\nExample:\n", Style::kBold);
    std::string_view lines = command.example;
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size());
      out.line("    $ " + std::string(lines.substr(0, end)));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
  }
  if (!command.flags.empty()) {
    out.line("\nFlags of this command:\n", Style::kBold);
    print_flags(out, command.flags);
  }
  if (command.run_local != nullptr) return;
  out.line("\nOutput:\n", Style::kBold);
  print_flags(out, kOutputFlags);
  if (command.talks == Talks::kNot) return;
  out.line("\nThe server:\n", Style::kBold);
  print_flags(out, kConnectionFlags);
}

}  // namespace keyhold::cli
