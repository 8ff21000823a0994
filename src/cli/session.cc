#include "cli/session.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/time_format.h"
#include "cli/key_values.h"
#include "cli/render.h"
#include "cli/request_text.h"
#include "cli/terminal.h"

namespace keyhold::cli {
namespace {

constexpr std::string_view kShown = "shown";  // The name of the Error of a request that was printed in place of being sent.

std::string home_of(const client::Environment& environment) {
  const char* const home = environment("HOME");
  return home == nullptr ? std::string() : std::string(home);
}

Result<Format> format_named(std::string_view name) {
  if (name.empty() || name == "table") return Format::kTable;
  if (name == "json") return Format::kJson;
  if (name == "yaml" || name == "yml") return Format::kYaml;
  if (name == "raw") return Format::kRaw;
  return usage_error("-format is table, json, yaml or raw");
}

/// A member of the envelope under the name that Vault's -field knows it by.
std::optional<json::Value> envelope_field(const client::ApiAnswer& answer, std::string_view name) {
  struct Named {
    std::string_view field, object, member;
  };
  constexpr std::array kNamed{
      Named{"token", "auth", "client_token"},
      Named{"token_accessor", "auth", "accessor"},
      Named{"token_duration", "auth", "lease_duration"},
      Named{"token_renewable", "auth", "renewable"},
      Named{"token_policies", "auth", "token_policies"},
      Named{"identity_policies", "auth", "identity_policies"},
      Named{"policies", "auth", "policies"},
      Named{"wrapping_token", "wrap_info", "token"},
      Named{"wrapping_accessor", "wrap_info", "accessor"},
      Named{"wrapping_token_ttl", "wrap_info", "ttl"},
      Named{"wrapping_token_creation_time", "wrap_info", "creation_time"},
      Named{"wrapping_token_creation_path", "wrap_info", "creation_path"},
      Named{"wrapped_accessor", "wrap_info", "wrapped_accessor"},
  };
  for (const Named& named : kNamed) {
    if (named.field != name) continue;
    const auto object = answer.find(named.object);
    return object && object->is_object() ? object->find(named.member) : std::nullopt;
  }
  if (name == "lease_id" || name == "lease_duration" || name == "request_id") return answer.find(name);
  if (name == "refresh_interval") return answer.find("lease_duration");
  if (name == "lease_renewable") return answer.find("renewable");
  return std::nullopt;
}

std::int64_t integer_of(const std::optional<json::Value>& value) {
  if (!value) return 0;
  const auto number = value->as_int();
  return number.ok() ? *number : 0;
}

/// In the order of Vault's own output.
SecretBytes envelope_json(const client::ApiAnswer& answer) {
  SecretBytes out;
  json::Writer writer(out);
  writer.begin_object();
  const auto root = answer.root();
  for (const std::string_view name : {"request_id", "lease_id", "lease_duration", "renewable", "data", "warnings"}) {
    if (const auto value = root ? root->find(name) : std::nullopt) writer.key(name).raw(value->raw());
  }
  for (const std::string_view name : {"auth", "wrap_info"}) {
    if (const auto value = answer.find(name)) writer.key(name).raw(value->raw());
  }
  writer.end_object();
  return out;
}

/// ["a" "b"], as Vault prints lists of policies.
SecretBytes quoted_list(const std::optional<json::Value>& list) {
  SecretBytes text = SecretBytes::copy_of("[");
  for (std::size_t i = 0; list && list->is_array() && i < list->size(); ++i) {
    if (i > 0) text.push_back(' ');
    text.append(list->at(i).raw());
  }
  text.push_back(']');
  return text;
}

void add_lease_rows(Table& table, const client::ApiAnswer& answer) {
  const std::int64_t duration_s = integer_of(answer.find("lease_duration"));
  if (duration_s <= 0) return;
  const auto id = answer.find("lease_id");
  if (!id || id->raw() == "\"\"") {
    table.row({"refresh_interval", human_duration(duration_s)});
    return;
  }
  table.row("lease_id", plain_text(*id));
  table.row({"lease_duration", human_duration(duration_s)});
  const auto renewable = answer.find("renewable");
  table.row({"lease_renewable", renewable ? renewable->raw() : "false"});
}

void add_wrap_rows(Table& table, const json::Value& info) {
  struct Row {
    std::string_view shown, member;
  };
  constexpr std::array kRows{Row{"wrapping_token:", "token"},
                             Row{"wrapping_accessor:", "accessor"},
                             Row{"wrapping_token_ttl:", "ttl"},
                             Row{"wrapping_token_creation_time:", "creation_time"},
                             Row{"wrapping_token_creation_path:", "creation_path"},
                             Row{"wrapped_accessor:", "wrapped_accessor"}};
  for (const Row& row : kRows) {
    const auto value = info.find(row.member);
    if (!value) continue;
    if (row.member == "ttl") {
      table.row({row.shown, human_duration(integer_of(value))});
    } else {
      table.row(row.shown, table_text(*value));
    }
  }
}

}  // namespace

int exit_code_of(const Error& error) {
  if (error.name == kShown) return kExitDone;
  return error.name == client::kRemote ? kExitRemote : kExitLocal;
}

Session::Session(const Catalogue& catalogue, const Command& command, const Arguments& arguments, const client::Environment& environment,
                 Output& out, Output& err, std::size_t terminal_width, mode_t inherited_umask)
    : catalogue_(catalogue),
      command_(command),
      arguments_(arguments),
      environment_(environment),
      out_(out),
      err_(err),
      terminal_width_(terminal_width),
      inherited_umask_(inherited_umask),
      token_file_(home_of(environment)) {}

Result<void> Session::apply_flags(client::Settings& settings) {
  const auto take = [this](std::string_view name, std::string& to) {
    if (arguments_.has(name)) to = arguments_.value(name);
  };
  take("address", settings.address);
  take("namespace", settings.namespace_path);
  take("ca-cert", settings.ca_file);
  take("ca-path", settings.ca_directory);
  if (arguments_.has("ca-path") && !arguments_.has("ca-cert")) settings.ca_file.clear();
  take("client-cert", settings.http.client_certificate_file);
  take("client-key", settings.http.client_key_file);
  take("tls-server-name", settings.http.tls_server_name);
  take("wrap-ttl", settings.wrap_ttl);
  if (arguments_.has("tls-skip-verify")) {
    settings.http.verify = arguments_.on("tls-skip-verify") ? client::Verify::kNothing : client::Verify::kCertificate;
  }
  if (settings.http.client_certificate_file.empty() != settings.http.client_key_file.empty()) {
    return usage_error("a client's certificate and its key go together: -client-cert and -client-key");
  }
  for (const std::string_view header : arguments_.values("header")) {
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos || equals == 0) return usage_error("-header is NAME=VALUE");
    if (header.find_first_of("\r\n") != std::string_view::npos) return usage_error("a header is one line");
    headers_.emplace_back(header.substr(0, equals), header.substr(equals + 1));
  }
  return {};
}

Result<void> Session::open() {
  TRY_ASSIGN(format_, format_named(arguments_.has("format") ? arguments_.value("format") : client::variable(environment_, "FORMAT")));
  if (command_.talks == Talks::kNot) return {};
  if (arguments_.on("output-curl-string")) show_ = Show::kCurl;
  if (arguments_.on("output-policy")) show_ = Show::kPolicy;
  TRY_ASSIGN(client::Settings settings, client::settings_from(environment_));
  TRY(apply_flags(settings));
  wrap_ttl_ = settings.wrap_ttl;
  token_ = std::move(settings.token);
  TRY_ASSIGN(client::Api api, client::Api::make(std::move(settings)));
  api_ = std::make_unique<client::Api>(std::move(api));
  return {};
}

Result<SecretBytes> Session::token() const {
  if (!token_.empty()) return token_.clone();
  return token_file_.read();
}

Result<void> Session::prepare(client::ApiRequest& request) {
  request.headers.insert(request.headers.end(), headers_.begin(), headers_.end());
  if (command_.talks != Talks::kWithToken || !request.token.empty()) return {};
  TRY_ASSIGN(sent_token_, token());
  if (sent_token_.reveal().find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return usage_error("the token of KEYHOLD_TOKEN, VAULT_TOKEN or of the token's file is no token: it holds a line break");
  }
  request.token = sent_token_.reveal();
  return {};
}

Result<void> Session::show(const client::ApiRequest& request) {
  if (show_ == Show::kNothing) return {};
  if (show_ == Show::kCurl) {
    out_.line(curl_text(*api_, request, command_.talks == Talks::kWithToken ? CurlToken::kByCommand : CurlToken::kLeftOut).reveal());
  } else {
    out_.print(policy_text(request));
  }
  return Error{Code::kInvalid, {}, kShown};
}

Result<client::ApiAnswer> Session::send(client::ApiRequest request) {
  request.wrap_ttl = wrap_ttl_;
  TRY(prepare(request));
  TRY(show(request));
  return api_->send(request);
}

Result<client::ApiAnswer> Session::call(client::ApiRequest request) {
  request.wrap_ttl = wrap_ttl_;
  TRY(prepare(request));
  TRY(show(request));
  return api_->call(request);
}

Result<client::ApiAnswer> Session::look(client::ApiRequest request) {
  TRY(prepare(request));
  return api_->call(request);
}

Result<client::ApiAnswer> Session::peek(client::ApiRequest request) {
  TRY(prepare(request));
  return api_->send(request);
}

Error Session::refusal(client::ApiRequest request, const client::ApiAnswer& answer) const {
  request.token = sent_token_.reveal();
  return api_->refusal(request, answer);
}

Result<SecretBytes> Session::secret_argument(std::string_view given, std::string_view question) const {
  if (!given.empty() && given != "-") return SecretBytes::copy_of(given);
  if (!is_terminal(STDIN_FILENO)) return read_secret_line();
  if (arguments_.on("non-interactive")) return usage_error("-non-interactive: give the secret on standard input");
  return prompt_hidden(question);
}

Result<SecretBytes> Session::object_argument(std::size_t first) const {
  ValueSources sources;
  sources.file = read_file;
  sources.input = [this](std::string_view key) -> Result<SecretBytes> {
    if (!is_terminal(STDIN_FILENO)) return read_standard_input();
    if (arguments_.on("non-interactive")) return usage_error("-non-interactive: give " + std::string(key) + " on standard input");
    return prompt_hidden(std::string(key) + " (will be hidden): ");
  };
  return object_from(std::span(arguments_.positional()).subspan(std::min(first, arguments_.positional().size())), sources);
}

void Session::print_warnings(const client::ApiAnswer& answer) {
  const auto warnings = answer.find("warnings");
  if (!warnings || !warnings->is_array() || warnings->size() == 0) return;
  err_.line("WARNING! The following warnings were returned from the server:\n", Style::kWarning);
  for (std::size_t i = 0; i < warnings->size(); ++i) {
    err_.print("  * ", Style::kWarning);
    err_.line(plain_text(warnings->at(i)).reveal(), Style::kWarning);
  }
  err_.line("");
}

Result<int> Session::print_value(const json::Value& value) {
  SecretBytes text;
  if (format_ == Format::kYaml) {
    append_yaml(text, value);
    out_.print(text.reveal());
  } else {
    append_pretty_json(text, value);
    out_.line(text.reveal());
  }
  return kExitDone;
}

Result<int> Session::print_sorted(const json::Value& object) {
  SecretBytes sorted;
  json::Writer writer(sorted);
  writer.begin_object();
  for (const auto& [name, value] : sorted_members(object)) writer.key(name).raw(value.raw());
  writer.end_object();
  return print_json(sorted);
}

Result<int> Session::print_json(const SecretBytes& json) {
  auto document = json::Document::parse(json.reveal(), {.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax});
  CHECK(document.ok());  // We wrote it, around what was parsed before.
  return print_value(document->root());
}

Result<int> Session::print_field(const json::Value& object) {
  const std::string_view name = flag("field");
  const auto value = object.is_object() ? object.find(name) : std::nullopt;
  if (!value) return usage_error("there is no field " + std::string(name) + " here");
  if (format_ == Format::kJson || format_ == Format::kYaml) return print_value(*value);
  out_.value(plain_text(*value).reveal());
  return kExitDone;
}

void Session::print_rows(const json::Value& object) {
  Table table({"Key", "Value"});
  add_rows(table, object);
  if (!table.empty()) print_table(table);
}

void Session::add_auth_rows(Table& table, const json::Value& auth) const {
  const auto text = [&auth](std::string_view name) {
    const auto value = auth.find(name);
    return value ? table_text(*value) : SecretBytes();
  };
  table.row("token", text("client_token"));
  table.row("token_accessor", text("accessor"));
  const std::int64_t duration_s = integer_of(auth.find("lease_duration"));
  table.row({"token_duration", duration_s == 0 ? std::string("∞") : human_duration(duration_s)});
  table.row("token_renewable", text("renewable"));
  table.row("token_policies", quoted_list(auth.find("token_policies")));
  table.row("identity_policies", quoted_list(auth.find("identity_policies")));
  table.row("policies", quoted_list(auth.find("policies")));
  const auto metadata = auth.find("metadata");
  if (!metadata) return;
  for (const auto& [name, value] : sorted_members(*metadata)) table.row("token_meta_" + name, table_text(value));
}

Result<int> Session::print_answer(const client::ApiAnswer& answer) {
  if (format_ == Format::kRaw && !wants_field()) {
    out_.value(answer.body().reveal());
    return kExitDone;
  }
  if (!answer.root()) {
    if (answer.body().empty()) return kExitDone;
    return Error{Code::kInternal, "the answer is not JSON: -format=raw shows it", client::kRemote};
  }
  const auto data = answer.data();
  if (wants_field()) {
    if (const auto value = envelope_field(answer, flag("field")); value && !(data && data->is_object() && data->find(flag("field")))) {
      if (format_ == Format::kJson || format_ == Format::kYaml) return print_value(*value);
      out_.value(plain_text(*value).reveal());
      return kExitDone;
    }
    return print_field(data ? *data : *answer.root());
  }
  if (format_ != Format::kTable) return print_json(envelope_json(answer));
  print_warnings(answer);
  Table table({"Key", "Value"});
  add_lease_rows(table, answer);
  if (const auto auth = answer.find("auth")) add_auth_rows(table, *auth);
  if (const auto info = answer.find("wrap_info")) add_wrap_rows(table, *info);
  if (data) add_rows(table, *data);
  if (!table.empty()) print_table(table);
  return kExitDone;
}

Result<int> Session::print_keys(const client::ApiAnswer& answer, std::string_view path) {
  if (answer.find("wrap_info") || format_ == Format::kRaw) return print_answer(answer);
  const auto data = answer.data();
  const auto keys = data && data->is_object() ? data->find("keys") : std::nullopt;
  if (!keys || !keys->is_array() || keys->size() == 0) return no_value_at(path);
  if (wants_field()) return print_field(*data);
  if (format_ != Format::kTable) return print_value(*keys);
  print_warnings(answer);
  Table table({"Keys"});
  for (std::size_t i = 0; i < keys->size(); ++i) {
    std::vector<SecretBytes> cells;
    cells.push_back(plain_text(keys->at(i)));
    table.row(std::move(cells));
  }
  print_table(table);
  return kExitDone;
}

Result<int> Session::success(std::string_view text) {
  if (format_ == Format::kTable && !wants_field()) {
    out_.print("Success! ", Style::kGood);
    out_.line(text);
  }
  return kExitDone;
}

Result<int> Session::line(std::string_view text) {
  if (format_ == Format::kTable && !wants_field()) out_.line(text);
  return kExitDone;
}

std::string clean_path(std::string_view path) {
  constexpr std::string_view kAround = " \t\r\n";
  const std::size_t begin = path.find_first_not_of(kAround);
  if (begin == std::string_view::npos) return {};
  path = path.substr(begin, path.find_last_not_of(kAround) + 1 - begin);
  while (path.starts_with('/')) path.remove_prefix(1);
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

std::string folder_path(std::string_view path) { return clean_path(path) + "/"; }

Error no_value_at(std::string_view path) { return Error{Code::kNotFound, "No value found at " + std::string(path), client::kRemote}; }

Error foreign_answer() {
  return Error{Code::kInternal, "that was no answer of Keyhold or Vault: is the address right?", client::kRemote};
}

Error usage_error(std::string text) { return Error{Code::kInvalid, std::move(text)}; }

}  // namespace keyhold::cli
