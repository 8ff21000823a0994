#include "cli/run_secrets.h"

#include <algorithm>
#include <array>

#include "crypto/hmac.h"

namespace keyhold::cli {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_variable_name(std::string_view text) {
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  return !text.empty() && !is_digit(text.front()) && std::all_of(text.begin(), text.end(), fits);
}

/// What loaders and shells obey: whoever may write the secret is not to run code by it.
bool changes_how_programs_run(std::string_view name) {
  constexpr std::array<std::string_view, 4> kNames{"PATH", "IFS", "BASH_ENV", "GLIBC_TUNABLES"};
  return name.starts_with("LD_") || std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Result<void> add_one(std::vector<Variable>& variables, std::string name, const Field& field, const SecretChoice& choice) {
  std::string origin = choice.path + "#" + field.name;
  if (changes_how_programs_run(name)) {
    return usage_error(origin + " would set " + name + ", which changes how programs run: give it another name, -secret=NAME=" + choice.path + "#" + field.name);
  }
  const auto same = std::find_if(variables.begin(), variables.end(), [&name](const Variable& other) { return other.name == name; });
  if (same != variables.end()) {
    return usage_error(same->origin + " and " + origin + " would both be " + name + ": give one another name, -secret=NAME=" + choice.path + "#" + field.name);
  }
  TRY_ASSIGN(SecretBytes value, text_of(field));
  variables.push_back({std::move(name), std::move(value), std::move(origin)});
  return {};
}

}  // namespace

Result<SecretChoice> parse_choice(std::string_view text) {
  SecretChoice choice;
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos && is_variable_name(text.substr(0, equals))) {
    choice.name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
  }
  const std::size_t sign = text.rfind('#');
  if (sign != std::string_view::npos) {
    choice.field = text.substr(sign + 1);
    if (choice.field.empty()) return usage_error("after the # of -secret comes a field: -secret=secret/app#password");
    text = text.substr(0, sign);
  }
  choice.path = clean_path(text);
  if (choice.path.empty()) return usage_error("-secret is PATH, PATH#FIELD or NAME=PATH#FIELD");
  return choice;
}

std::string variable_name(std::string_view field) {
  std::string name;
  if (field.empty() || is_digit(field.front())) name.push_back('_');
  for (const char c : field) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    name.push_back(is_letter(upper) || is_digit(upper) ? upper : '_');
  }
  return name;
}

Result<void> add_variables(std::vector<Variable>& variables, const SecretChoice& choice, const Fields& fields) {
  if (choice.field.empty()) {
    for (const Field& field : fields) {
      TRY(add_one(variables, variable_name(choice.name.empty() ? field.name : choice.name + "_" + field.name), field, choice));
    }
    return {};
  }
  const auto field = std::find_if(fields.begin(), fields.end(), [&choice](const Field& one) { return one.name == choice.field; });
  if (field == fields.end()) return Error{Code::kNotFound, "There is no field " + choice.field + " in " + choice.path, client::kRemote};
  return add_one(variables, choice.name.empty() ? variable_name(field->name) : choice.name, *field, choice);
}

Result<ChosenSecrets> ChosenSecrets::find(Session& session, std::vector<SecretChoice> choices) {
  std::vector<Chosen> chosen;
  for (SecretChoice& choice : choices) {
    TRY_ASSIGN(MountedPath path, find_mount(session, choice.path));
    if (path.rest.empty()) return usage_error("-secret=" + choice.path + " is a whole engine, not a secret");
    chosen.push_back({std::move(choice), std::move(path)});
  }
  return ChosenSecrets(std::move(chosen));
}

Result<std::vector<Variable>> ChosenSecrets::read(Session& session) {
  std::vector<Variable> variables;
  std::vector<Seen> seen;  // Not before all of it can be used: else the next look would find nothing changed.
  for (const Chosen& chosen : chosen_) {
    const client::ApiRequest request{.path = chosen.path.api_path("data")};
    TRY_ASSIGN(const auto answer, session.peek(request));
    if (!answer.ok() && !(answer.status() == 404 && answer.errors().empty())) return session.refusal(request, answer);
    const auto content = answer.ok() ? kv_content(answer, chosen.path.version) : std::nullopt;
    if (!content) return no_value_at(request.path);
    seen.push_back({kv_version(answer), SecretBytes::copy_of(chosen.path.version == 1 ? content->raw() : "")});
    TRY(add_variables(variables, chosen.choice, fields_of(*content)));
  }
  for (std::size_t i = 0; i < chosen_.size(); ++i) chosen_[i].seen = std::move(seen[i]);
  return variables;
}

Result<bool> ChosenSecrets::has_changed(Session& session, Chosen& chosen) {
  if (chosen.path.version == 2 && chosen.reads_metadata) {
    const client::ApiRequest request{.path = chosen.path.api_path("metadata")};
    TRY_ASSIGN(const auto answer, session.peek(request));
    const auto data = answer.ok() ? answer.data() : std::nullopt;
    const auto current = data && data->is_object() ? data->find("current_version") : std::nullopt;
    const auto number = current ? current->as_int() : Result<std::int64_t>(Error{});
    if (number.ok()) return *number != chosen.seen.version;
    if (answer.status() != 403) return session.refusal(request, answer);
    chosen.reads_metadata = false;  // The policy allows the secret alone.
  }
  const client::ApiRequest request{.path = chosen.path.api_path("data")};
  TRY_ASSIGN(const auto answer, session.peek(request));
  if (!answer.ok()) return session.refusal(request, answer);
  if (chosen.path.version == 2) return kv_version(answer) != chosen.seen.version;
  const auto content = kv_content(answer, 1);
  return !content || !crypto::equal_constant_time(content->raw(), chosen.seen.content.reveal());
}

Result<bool> ChosenSecrets::changed(Session& session) {
  for (Chosen& chosen : chosen_) {
    TRY_ASSIGN(const bool one, has_changed(session, chosen));
    if (one) return true;
  }
  return false;
}

}  // namespace keyhold::cli
