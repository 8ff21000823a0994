// policy: policies.
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/new_file.h"
#include "cli/policy_format.h"
#include "cli/render.h"
#include "cli/session.h"
#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

const std::string kPath = "sys/policies/acl/";

Result<int> list(Session& session) {
  TRY_ASSIGN(const auto answer, session.call({.method = "LIST", .path = "sys/policies/acl"}));
  const auto data = answer.data();
  const auto keys = data ? data->find("keys") : std::nullopt;
  if (!keys || session.format() == Format::kRaw || session.wants_field()) return session.print_answer(answer);
  if (session.format() != Format::kTable) return session.print_value(*keys);
  for (std::size_t i = 0; i < keys->size(); ++i) session.out().line(plain_text(keys->at(i)).reveal());
  return kExitDone;
}

Result<int> read(Session& session) {
  const std::string name = clean_path(session.argument(0));
  TRY_ASSIGN(const auto answer, session.send({.path = kPath + name}));
  if (answer.status() == 404 && answer.errors().empty()) return Error{Code::kNotFound, "No policy named: " + name, client::kRemote};
  if (!answer.ok()) return session.refusal({.path = kPath + name}, answer);
  const auto data = answer.data();
  if (!data || session.format() != Format::kTable || session.wants_field()) return session.print_answer(answer);
  const SecretBytes policy = member_text(*data, "policy");
  std::string_view text = policy.reveal();
  while (text.ends_with('\n') || text.ends_with(' ')) text.remove_suffix(1);
  session.out().line(text);
  return kExitDone;
}

Result<int> write(Session& session) {
  const std::string name = clean_path(session.argument(0));
  TRY_ASSIGN(const SecretBytes text, session.argument(1) == "-" ? read_standard_input() : read_file(session.argument(1)));
  SecretBytes body;
  json::Writer(body).begin_object().key("policy").string(text.reveal()).end_object();
  TRY_ASSIGN(const auto answer, session.call({.method = "PUT", .path = kPath + name, .body = &body}));
  session.print_warnings(answer);
  return session.success("Uploaded policy: " + name);
}

Result<int> remove(Session& session) {
  const std::string name = clean_path(session.argument(0));
  TRY(session.call({.method = "DELETE", .path = kPath + name}));
  return session.success("Deleted policy: " + name);
}

/// Replaces a file, which keeps its rights.
Result<void> replace_file(const std::string& path, std::string_view text) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return Error{Code::kUnavailable, "cannot read " + path + ": " + std::strerror(errno)};
  return write_new_file(path, SecretBytes::copy_of(text), NewFile::Replace::kWhatIsThere, status.st_mode & 07777);
}

Result<int> format(Session& session) {
  const std::string path(session.argument(0));
  const bool input = path == "-";
  TRY_ASSIGN(const SecretBytes text, input ? read_standard_input() : read_file(path));
  hcl::Failure failure;
  const auto formatted = format_hcl(text.reveal(), &failure);
  if (!formatted.ok()) {
    const std::string name = input ? "standard input" : path;
    if (failure.reason.empty()) return usage_error(name + ": " + formatted.error().message);
    return usage_error(name + ":" + std::to_string(failure.at.line) + ":" + std::to_string(failure.at.column) + ": " + failure.reason);
  }
  if (input) {
    session.out().print(*formatted);
    return kExitDone;
  }
  if (*formatted != text.reveal()) TRY(replace_file(path, *formatted));
  return session.success("Formatted policy: " + path);
}

constexpr std::array kCommands{
    Command{.name = "policy list", .group = Group::kAccess, .help = "List the policies' names", .example = "keyhold policy list", .run = list},
    Command{.name = "policy read",
            .group = Group::kAccess,
            .arguments = "NAME",
            .help = "Print a policy",
            .example = "keyhold policy read app",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = read},
    Command{.name = "policy write",
            .group = Group::kAccess,
            .arguments = "NAME FILE",
            .help = "Write a policy from a file\n\n- reads it from standard input.",
            .example = "keyhold policy write app app.hcl",
            .arguments_min = 2,
            .arguments_max = 2,
            .run = write},
    Command{.name = "policy delete",
            .group = Group::kAccess,
            .arguments = "NAME",
            .help = "Remove a policy",
            .example = "keyhold policy delete app",
            .arguments_min = 1,
            .arguments_max = 1,
            .run = remove},
    Command{.name = "policy fmt",
            .group = Group::kAccess,
            .arguments = "FILE",
            .help = "Format a policy's file in place\n\nComments and lines stay. - formats standard input to standard output. An error names its line.",
            .example = "keyhold policy fmt app.hcl",
            .arguments_min = 1,
            .arguments_max = 1,
            .talks = Talks::kNot,
            .run = format},
};

}  // namespace

std::span<const Command> policy_commands() { return kCommands; }

}  // namespace keyhold::cli
