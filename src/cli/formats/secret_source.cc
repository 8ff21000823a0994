#include "cli/formats/secret_source.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/scalar.h"
#include "cli/formats/dotenv.h"
#include "cli/formats/kubernetes_secret.h"
#include "cli/formats/yaml_reader.h"

namespace keyhold::cli {
namespace {

constexpr json::Limits kJsonLimits{.nodes_max = kYamlNodesMax};
constexpr std::array<std::pair<std::string_view, SourceFormat>, 6> kNames{{{"env", SourceFormat::kEnv},
                                                                           {"json", SourceFormat::kJson},
                                                                           {"yaml", SourceFormat::kYaml},
                                                                           {"yml", SourceFormat::kYaml},
                                                                           {"k8s", SourceFormat::kKubernetes},
                                                                           {"vault", SourceFormat::kVault}}};

Result<json::Document> parse_json(std::string_view text) {
  json::Failure failure;
  auto document = json::Document::parse(text, kJsonLimits, &failure);
  if (!document.ok()) return Error{Code::kInvalid, "no JSON: at byte " + std::to_string(failure.offset_bytes) + ", " + failure.reason};
  return document;
}

Result<Source> one_object(SourceFormat format, const json::Value& root) {
  if (!root.is_object()) return Error{Code::kInvalid, "the whole must be an object: its members are the secret's fields"};
  if (root.size() > kFieldsMax) return Error{Code::kTooLarge, "there are over 4,000 fields"};
  Source source{.format = format};
  source.secrets.emplace_back().contents.push_back(fields_of(root));
  return source;
}

Result<Source> from_env(std::string_view text) {
  TRY_ASSIGN(Dotenv file, parse_dotenv(text));
  Source source{.format = SourceFormat::kEnv, .warnings = std::move(file.warnings)};
  source.secrets.emplace_back().contents.push_back(std::move(file.fields));
  return source;
}

Result<Source> from_manifests(Manifests manifests) {
  Source source{.format = SourceFormat::kKubernetes, .warnings = std::move(manifests.warnings)};
  if (manifests.secrets.empty()) return Error{Code::kInvalid, "there is no Secret in it"};
  const auto differs = [&manifests](const KubernetesSecret& one) { return one.namespace_name != manifests.secrets.front().namespace_name; };
  const bool several_namespaces = std::any_of(manifests.secrets.begin(), manifests.secrets.end(), differs);
  std::set<std::string> names;
  for (KubernetesSecret& one : manifests.secrets) {
    SourceSecret secret;
    if (manifests.secrets.size() > 1) secret.name = several_namespaces && !one.namespace_name.empty() ? one.namespace_name + "/" + one.name : one.name;
    if (!names.insert(secret.name).second) return Error{Code::kInvalid, "two Secrets are named " + secret.name};
    secret.contents.push_back(std::move(one.fields));
    source.secrets.push_back(std::move(secret));
  }
  return source;
}

/// What is JSON is read as such, since libyaml takes no key of over 1,024 bytes.
Result<Source> from_documents(SourceFormat format, std::string_view text) {
  std::vector<SecretBytes> documents;
  if (parse_json(text).ok()) {
    documents.push_back(SecretBytes::copy_of(text));
  } else {
    TRY_ASSIGN(documents, yaml_to_json(text));
  }
  if (format == SourceFormat::kYaml) {
    if (documents.size() != 1) return Error{Code::kInvalid, "there must be one document in it: several are read as manifests of Kubernetes alone"};
    TRY_ASSIGN(const auto document, parse_json(documents.front().reveal()));
    return one_object(format, document.root());
  }
  Manifests manifests;
  for (const SecretBytes& json : documents) {
    TRY_ASSIGN(const auto document, parse_json(json.reveal()));
    TRY(add_manifest(manifests, document.root()));
  }
  return from_manifests(std::move(manifests));
}

std::string_view without_front(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

/// Whether a line begins with "apiVersion" and one with "kind".
bool looks_like_manifest(std::string_view text) {
  bool version = false, kind = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(" \t{,\""), line.size()));
    version = version || line.starts_with("apiVersion");
    kind = kind || line.starts_with("kind");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return version && kind;
}

/// Whether the first line that says something is a key of YAML: "word:" and then nothing, a blank, or more.
bool looks_like_yaml(std::string_view text) {
  while (text.starts_with('#')) text = without_front(text.substr(std::min(text.find('\n'), text.size())));
  if (text.starts_with("---") || text.starts_with("%YAML")) return true;
  const std::string_view line = text.substr(0, text.find('\n'));
  const std::size_t colon = line.find(':'), equals = line.find('=');
  return colon != std::string_view::npos && colon < equals;
}

}  // namespace

std::optional<SourceFormat> source_format_named(std::string_view name) {
  for (const auto& [known, format] : kNames) {
    if (known == name) return format;
  }
  return std::nullopt;
}

SourceFormat guess_format(std::string_view file_name, std::string_view text) {
  const std::string name = to_lower(file_name.substr(file_name.rfind('/') + 1));
  text = without_front(text);
  const auto one_of = [text](SourceFormat format) { return looks_like_manifest(text) ? SourceFormat::kKubernetes : format; };
  if (name.ends_with(".json")) {
    // A manifest on one line is told by its members.
    const auto document = json::Document::parse(text, kJsonLimits);
    return document.ok() && is_kubernetes_object(document->root()) ? SourceFormat::kKubernetes : SourceFormat::kJson;
  }
  if (name.ends_with(".yaml") || name.ends_with(".yml")) return one_of(SourceFormat::kYaml);
  if (name.starts_with(".env") || name.ends_with(".env") || name == ".envrc") return SourceFormat::kEnv;
  if (text.starts_with('{')) return guess_format("x.json", text);
  return looks_like_yaml(text) ? one_of(SourceFormat::kYaml) : SourceFormat::kEnv;
}

Result<Source> read_source(SourceFormat format, std::string_view text) {
  switch (format) {
    case SourceFormat::kEnv: return from_env(text);
    case SourceFormat::kJson: {
      TRY_ASSIGN(const auto document, parse_json(without_front(text)));
      return one_object(format, document.root());
    }
    case SourceFormat::kYaml:
    case SourceFormat::kKubernetes: return from_documents(format, without_front(text));
    case SourceFormat::kVault: break;
  }
  return Error{Code::kInvalid, "a Vault is read by its API: give its address"};
}

}  // namespace keyhold::cli
