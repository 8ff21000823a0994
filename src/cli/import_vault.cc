#include "cli/import_vault.h"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/encoding.h"
#include "base/scalar.h"
#include "cli/kv_path.h"
#include "cli/progress.h"
#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

constexpr std::size_t kSourcePathBytesMax = 1024;  // A folder that names itself below itself ends there.

/// "%41" becomes "A".
Result<std::string> unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const auto byte = percent_escaped_byte(text);
    if (!byte) return usage_error("the address of the source has a % that begins no escape");
    out.push_back(*byte);
    text.remove_prefix(kPercentEscapeBytes);
  }
  return out;
}

Result<SecretBytes> source_token(const Session& session) {
  SecretBytes token;
  if (const std::string_view file = session.flag("source-token-file"); file == "-") {
    TRY_ASSIGN(token, read_secret_line());
  } else if (!file.empty()) {
    TRY_ASSIGN(token, read_file(file));
  } else {
    token = SecretBytes::copy_of(client::variable(session.environment(), "SOURCE_TOKEN"));
    if (token.empty() && session.arguments().on("non-interactive")) {
      return usage_error("-non-interactive: give the source's token by -source-token-file, KEYHOLD_SOURCE_TOKEN or VAULT_SOURCE_TOKEN");
    }
    if (token.empty()) {
      TRY_ASSIGN(token, prompt_hidden("Token of the source (will be hidden): "));
    }
  }
  constexpr std::string_view kBlank = " \t\r\n";
  const std::string_view text = token.reveal();
  const std::size_t begin = std::min(text.find_first_not_of(kBlank), text.size());
  const std::string_view word = text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin);
  if (word.empty() || word.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos) return usage_error("the source's token must be one word");
  return SecretBytes::copy_of(word);
}

/// The other server: its settings share nothing with ours.
Result<client::Api> source_api(const Session& session, const client::Url& url) {
  const auto setting = [&session](std::string_view flag, std::string_view variable) {
    return std::string(session.arguments().has(flag) ? session.flag(flag) : client::variable(session.environment(), variable));
  };
  client::Settings settings;
  settings.address = url.origin();
  settings.ca_file = setting("source-ca-cert", "SOURCE_CACERT");
  settings.namespace_path = setting("source-namespace", "SOURCE_NAMESPACE");
  settings.http.proxy = client::Proxy::kEnvironment;
  if (session.arguments().on("source-tls-skip-verify")) settings.http.verify = client::Verify::kNothing;
  return client::Api::make(std::move(settings));
}

class VaultReader {
 public:
  VaultReader(client::Api api, SecretBytes token, Versions versions) : api_(std::move(api)), token_(std::move(token)), versions_(versions) {
    source_.format = SourceFormat::kVault;
  }

  Result<Source> read(const std::string& whole) {
    const std::string path = clean_path(whole);
    if (path.empty()) return usage_error("say what to import of the source: https://host:8200/secret/app, or https://host:8200/secret/ for all of an engine");
    const client::ApiRequest request{.path = "sys/internal/ui/mounts/" + path, .token = token_.reveal()};
    auto answer = api_.call(request);
    if (!answer.ok()) return of_source(std::move(answer).error());
    auto mount = mounted_path(*answer, path);
    if (!mount.ok()) return of_source(std::move(mount).error());
    target_ = std::move(*mount);
    if (versions_ == Versions::kAll && target_.version == 1) return usage_error("the source's engine keeps no versions: leave -versions out");
    if (!whole.ends_with('/') && !target_.rest.empty()) {
      TRY(add_secret(target_.rest, ""));
    }
    if (source_.secrets.empty()) {
      source_.warnings.clear();
      TRY(add_tree());
    }
    if (source_.secrets.empty()) return Error{Code::kNotFound, "The source has no secret at " + path, client::kRemote};
    return std::move(source_);
  }

 private:
  static Error of_source(Error error) {
    error.message = "The source: " + error.message;
    return error;
  }

  /// Of a path within the mount, whatever the status.
  Result<client::ApiAnswer> ask(std::string_view method, std::string_view section, const std::string& rest, client::Query query = {}) {
    MountedPath path = target_;
    path.rest = rest;
    const client::ApiRequest request{.method = method, .path = path.api_path(section), .query = std::move(query), .token = token_.reveal()};
    auto answer = api_.send(request);
    if (!answer.ok()) return of_source(std::move(answer).error());
    if (!answer->ok() && answer->status() != 404) return of_source(api_.refusal(request, *answer));
    return answer;
  }

  Result<void> add_tree() {
    const std::string top = target_.rest.empty() ? "" : target_.rest + "/";
    std::vector<std::string> folders{top};
    std::vector<std::string> names;
    while (!folders.empty()) {
      const std::string folder = std::move(folders.back());
      folders.pop_back();
      if (folder.size() > kSourcePathBytesMax) return Error{Code::kTooLarge, "The source: its folders are nested too deeply"};
      // Version 1 lists the engine itself with its slash, which its path has already.
      TRY_ASSIGN(const auto answer, ask("LIST", "metadata", folder.empty() ? "" : folder.substr(0, folder.size() - 1)));
      const auto data = answer.data();
      const auto keys = answer.ok() && data && data->is_object() ? data->find("keys") : std::nullopt;
      for (std::size_t i = 0; keys && keys->is_array() && i < keys->size(); ++i) {
        const auto key = keys->at(i).as_string();
        if (!key.ok() || key->empty()) continue;
        if (folders.size() + names.size() == kSourceSecretsMax) return Error{Code::kTooLarge, "The source: there are over 10,000 secrets; import its folders one by one"};
        (key->ends_with('/') ? folders : names).push_back(folder + *key);
      }
    }
    std::sort(names.begin(), names.end());
    Progress progress("Reading");
    for (std::size_t i = 0; i < names.size(); ++i) {
      progress.show(i, names.size());
      TRY(add_secret(names[i], names[i].substr(top.size())));
    }
    return {};
  }

  Result<void> add_secret(const std::string& rest, std::string name) {
    SourceSecret secret{std::move(name), {}};
    if (versions_ == Versions::kAll) {
      TRY(add_older(rest, secret));
    } else {
      TRY(add_content(rest, {}, secret));
    }
    if (!secret.contents.empty()) source_.secrets.push_back(std::move(secret));
    return {};
  }

  Result<void> add_content(const std::string& rest, client::Query query, SourceSecret& secret) {
    TRY_ASSIGN(const auto answer, ask("GET", "data", rest, std::move(query)));
    const auto content = answer.ok() ? kv_content(answer, target_.version) : std::nullopt;
    if (!content) {
      source_.warnings.push_back(target_.mount + rest + " has no content that can be read (deleted?): it is left out");
      return {};
    }
    if (content->raw().size() > kSourceBytesMax - bytes_) return Error{Code::kTooLarge, "The source: it holds over 256 MiB; import its folders one by one"};
    bytes_ += content->raw().size();
    secret.contents.push_back(fields_of(*content));
    return {};
  }

  /// All versions that can be read, oldest first.
  Result<void> add_older(const std::string& rest, SourceSecret& secret) {
    TRY_ASSIGN(const auto answer, ask("GET", "metadata", rest));
    const auto data = answer.data();
    const auto versions = answer.ok() && data && data->is_object() ? data->find("versions") : std::nullopt;
    std::map<std::int64_t, bool> numbers;  // Number -> whether it can be read.
    for (std::size_t i = 0; versions && versions->is_object() && i < versions->size(); ++i) {
      const auto number = parse_integer(versions->key_at(i));
      if (!number) continue;
      const json::Value one = versions->at(i);
      const auto deleted = one.is_object() ? one.find("deletion_time") : std::nullopt;
      const auto destroyed = one.is_object() ? one.find("destroyed") : std::nullopt;
      numbers[*number] = !(destroyed && destroyed->raw() == "true") && (!deleted || deleted->raw() == "\"\"");
    }
    for (const auto& [number, readable] : numbers) {
      if (readable) TRY(add_content(rest, {{"version", std::to_string(number)}}, secret));
    }
    if (numbers.empty()) return {};
    const auto gone = std::count_if(numbers.begin(), numbers.end(), [](const auto& entry) { return !entry.second; });
    if (gone > 0) {
      source_.warnings.push_back(target_.mount + rest + ": " + std::to_string(gone) + " deleted or destroyed versions are left out, so numbers differ");
    }
    return {};
  }

  client::Api api_;
  SecretBytes token_;
  Versions versions_;
  MountedPath target_;
  std::size_t bytes_ = 0;
  Source source_;
};

}  // namespace

bool is_vault_address(std::string_view source) { return source.starts_with("https://") || source.starts_with("http://"); }

Result<Source> read_vault(Session& session, std::string_view address, Versions versions) {
  auto url = client::Url::parse(address);
  if (!url.ok()) return usage_error("the source's address cannot be used: " + url.error().message);
  std::string_view target = url->target;
  if (target.starts_with("/v1/")) target.remove_prefix(3);
  if (target.find('?') != std::string_view::npos) return usage_error("the source's address has a query");
  TRY_ASSIGN(const std::string path, unescaped(target));
  TRY_ASSIGN(client::Api api, source_api(session, *url));
  TRY_ASSIGN(SecretBytes token, source_token(session));
  return VaultReader(std::move(api), std::move(token), versions).read(path);
}

}  // namespace keyhold::cli
