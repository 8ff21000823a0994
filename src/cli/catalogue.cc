#include "cli/catalogue.h"

#include <algorithm>

namespace keyhold::cli {
namespace {

/// How many of `words` spell `name`; 0 when they do not.
std::size_t spelled(std::string_view name, std::span<const std::string_view> words) {
  std::size_t used = 0;
  while (!name.empty()) {
    const std::size_t space = std::min(name.find(' '), name.size());
    if (used == words.size() || words[used] != name.substr(0, space)) return 0;
    name.remove_prefix(std::min(space + 1, name.size()));
    ++used;
  }
  return used;
}

}  // namespace

Catalogue::Catalogue(std::span<const Command> local) {
  for (const auto table : {data_commands(), kv_commands(), kv_metadata_commands(), import_commands(), export_commands(), run_commands(), mount_commands(), rotation_commands(), login_commands(), auth_commands(),
                           token_commands(), policy_commands(), access_key_commands(), lease_commands(), seal_commands(), key_commands(), snapshot_commands(), audit_commands(),
                           other_commands(), local}) {
    for (const Command& command : table) commands_.push_back(&command);
  }
}

Catalogue::Found Catalogue::find(std::span<const std::string_view> words) const {
  Found found;
  for (const Command* command : commands_) {
    const std::size_t used = spelled(command->name, words);
    if (used > found.words_used) found = {command, used};
  }
  return found;
}

std::string Catalogue::family(std::span<const std::string_view> words) const {
  std::string best, front;
  for (const std::string_view word : words) {
    front.append(front.empty() ? "" : " ").append(word);
    const auto below = [&front](std::string_view name) { return name.starts_with(front + " "); };
    if (std::none_of(commands_.begin(), commands_.end(), [&](const Command* c) { return below(c->name); })) break;
    best = front;
  }
  return best;
}

std::vector<std::span<const Flag>> flags_of(const Command& command) {
  std::vector<std::span<const Flag>> flags{command.flags};
  if (command.run_local != nullptr) return flags;
  flags.push_back(output_flags());
  if (command.talks != Talks::kNot) flags.push_back(connection_flags());
  return flags;
}

}  // namespace keyhold::cli
