// export: a secret as a file, for who must have one.
#include <array>

#include "base/new_file.h"
#include "base/scalar.h"
#include "cli/formats/dotenv.h"
#include "cli/formats/kubernetes_secret.h"
#include "cli/formats/secret_source.h"
#include "cli/kv_path.h"
#include "cli/render.h"
#include "cli/session.h"

namespace keyhold::cli {
namespace {

using Takes = Flag::Takes;
constexpr json::Limits kJsonLimits{.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax};

Result<Fields> read_fields(Session& session, const MountedPath& path) {
  client::ApiRequest request{.path = path.api_path("data")};
  if (session.arguments().has("version")) {
    const auto version = parse_integer(session.flag("version"));
    if (!version || *version < 0) return usage_error("-version is a number");
    if (path.version == 1) return usage_error("the engine at " + path.mount + " keeps no versions");
    request.query.emplace_back("version", std::to_string(*version));
  }
  TRY_ASSIGN(const auto answer, session.send(request));
  const auto content = answer.ok() ? kv_content(answer, path.version) : std::nullopt;
  if (content) return fields_of(*content);
  if (answer.ok() || (answer.status() == 404 && answer.errors().empty())) return no_value_at(request.path);
  return session.refusal(request, answer);
}

/// Formats that know texts alone get other values as JSON.
void warn_of_other_kinds(Session& session, const Fields& fields, std::string_view format) {
  for (const Field& field : fields) {
    if (!is_text(field)) session.err().line("Warning: " + field.name + " is no text, and " + std::string(format) + " knows nothing else: it is written as JSON.", Style::kWarning);
  }
}

Result<SecretBytes> env_text(Session& session, const Fields& fields) {
  warn_of_other_kinds(session, fields, ".env");
  SecretBytes out;
  for (const Field& field : fields) {
    TRY_ASSIGN(const SecretBytes value, text_of(field));
    TRY(append_dotenv(out, field.name, value.reveal()));
  }
  return out;
}

/// In JSON or YAML, as it stands.
Result<SecretBytes> document_text(const SecretBytes& json, SourceFormat format) {
  TRY_ASSIGN(const auto document, json::Document::parse(json.reveal(), kJsonLimits));
  SecretBytes out;
  if (format == SourceFormat::kJson) {
    append_pretty_json(out, document.root());
    out.push_back('\n');
  } else {
    append_yaml(out, document.root());
  }
  return out;
}

Result<SecretBytes> manifest_text(Session& session, const Fields& fields, const MountedPath& path) {
  warn_of_other_kinds(session, fields, "a Secret of Kubernetes");
  const std::string own = kubernetes_name(path.rest.substr(path.rest.rfind('/') + 1));
  TRY_ASSIGN(const SecretBytes manifest, kubernetes_manifest(session.arguments().value("name", own), fields));
  return document_text(manifest, SourceFormat::kYaml);
}

Result<int> run_export(Session& session) {
  const auto format = source_format_named(session.arguments().value("to", "env"));
  if (!format || *format == SourceFormat::kVault) return usage_error("-to is env, json, yaml or k8s");
  const std::string file(session.flag("file"));
  if (file.empty() && session.out().is_terminal() && !session.arguments().on("show")) {
    return usage_error("this would show the secret on the terminal: -file=FILE writes it to a file that only you can read, -show shows it all the same");
  }
  TRY_ASSIGN(const MountedPath path, find_mount(session, session.argument(0)));
  TRY_ASSIGN(const Fields fields, read_fields(session, path));
  SecretBytes text;
  switch (*format) {
    case SourceFormat::kEnv: {
      TRY_ASSIGN(text, env_text(session, fields));
      break;
    }
    case SourceFormat::kKubernetes: {
      TRY_ASSIGN(text, manifest_text(session, fields, path));
      break;
    }
    default: {
      TRY_ASSIGN(text, document_text(object_of(fields), *format));
    }
  }
  if (file.empty()) {
    session.out().print(text.reveal());
    return kExitDone;
  }
  const bool overwrite = session.arguments().on("overwrite");
  TRY(write_new_file(file, text, overwrite ? NewFile::Replace::kWhatIsThere : NewFile::Replace::kNothing));
  return session.success("Written to " + file + ", which only you can read.");
}

constexpr std::array kExportFlags{
    Flag{.name = "to", .value_name = "FORMAT", .help = "env, json, yaml or k8s; env if not given"},
    Flag{.name = "file", .value_name = "FILE", .help = "Write to this file, with mode 0600"},
    Flag{.name = "overwrite", .help = "Replace the file if it is there", .takes = Takes::kNothing},
    Flag{.name = "show", .help = "Show the secret on the terminal", .takes = Takes::kNothing},
    Flag{.name = "name", .value_name = "NAME", .help = "Of the Secret of k8s; the last part of PATH if not given"},
    Flag{.name = "version", .value_name = "NUMBER", .help = "Number of a version; the current one if not given"},
    Flag{.name = "mount", .value_name = "PATH", .help = "The engine's path; PATH is then within it"},
};

constexpr std::array kCommands{
    Command{.name = "export",
            .group = Group::kSecrets,
            .arguments = "PATH",
            .help = "Write a secret as a file, for what can read nothing else\n\n`keyhold import` reads it back as it was. To start a program with its secrets, `keyhold run` needs no file.",
            .example = "keyhold export -to=k8s secret/app | kubectl apply -f -\nkeyhold export -file=.env secret/app",
            .flags = kExportFlags,
            .arguments_min = 1,
            .arguments_max = 1,
            .run = run_export},
};

}  // namespace

std::span<const Command> export_commands() { return kCommands; }

}  // namespace keyhold::cli
