#include "core/field_warnings.h"

#include <algorithm>
#include <string_view>

namespace keyhold::core {
namespace {

constexpr std::size_t kNamesMax = 32;
constexpr std::size_t kNameBytesMax = 128;

/// What makes a GET a list, or asks for help: not the route's business.
bool for_the_api(std::string_view name) { return name == "list" || name == "scan" || name == "help"; }

/// Views of what the client sent: a copy would stay in memory.
class Names {
 public:
  void add(std::string_view name) { names_.push_back(name); }
  /// As Go prints a list: "[a b]".
  void append_to(std::vector<SecretBytes>& warnings, std::string_view text) {
    if (names_.empty()) return;
    std::sort(names_.begin(), names_.end());
    SecretBytes& warning = warnings.emplace_back(SecretBytes::copy_of(text));
    warning.append(": [");
    for (std::size_t i = 0; i < std::min(names_.size(), kNamesMax); ++i) {
      if (i > 0) warning.push_back(' ');
      warning.append(names_[i].size() <= kNameBytesMax ? names_[i] : std::string_view("…"));
    }
    if (names_.size() > kNamesMax) warning.append(" …");
    warning.push_back(']');
  }

 private:
  std::vector<std::string_view> names_;
};

/// A key as received without its quotes. One with escapes is not any field's.
std::string_view plain(std::string_view quoted) { return quoted.substr(1, quoted.size() - 2); }

}  // namespace

std::vector<SecretBytes> field_warnings(const RouteInfo& route, const Request& request, const FieldValues& fields) {
  std::vector<SecretBytes> warnings;
  const bool by_query = only_looks(request.operation) || request.operation == Operation::kDelete;
  const auto body = fields.body();
  if (by_query ? request.query.empty() : !body) return warnings;
  const bool takes_anything = std::any_of(route.fields.begin(), route.fields.end(),
                                          [](const Field& field) { return field.source == FieldSource::kWholeBody; });
  if (takes_anything) return warnings;
  Names unknown;
  Names replaced;
  const auto judge = [&](std::string_view name) {
    const auto field =
        std::find_if(route.fields.begin(), route.fields.end(), [name](const Field& known) { return known.name == name; });
    if (field == route.fields.end()) return unknown.add(name);
    if (field->source == FieldSource::kPath) replaced.add(name);
  };
  if (by_query) {
    for (const auto& [name, value] : request.query) {
      if (!for_the_api(name)) judge(name);
    }
  } else {
    for (std::size_t i = 0; i < body->size(); ++i) judge(plain(body->key_raw(i)));
  }
  unknown.append_to(warnings, "Endpoint ignored these unrecognized parameters");
  replaced.append_to(warnings, "Endpoint replaced the value of these parameters with the values captured from the endpoint's path");
  return warnings;
}

}  // namespace keyhold::core
