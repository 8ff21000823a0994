#include "core/field_warnings.h"

#include <algorithm>

namespace keyhold::core {
namespace {

constexpr std::size_t kNamesMax = 32;
constexpr std::size_t kNameBytesMax = 128;

/// What makes a GET a list, or asks for help: not the route's business.
bool for_the_api(std::string_view name) { return name == "list" || name == "scan" || name == "help"; }

class Names {
 public:
  void add(std::string name) { names_.push_back(std::move(name)); }
  /// As Go prints a list: "[a b]".
  void append_to(std::vector<std::string>& warnings, std::string_view text) {
    if (names_.empty()) return;
    std::sort(names_.begin(), names_.end());
    std::string warning(text);
    warning += ": [";
    for (std::size_t i = 0; i < std::min(names_.size(), kNamesMax); ++i) {
      if (i > 0) warning += ' ';
      warning += names_[i].size() <= kNameBytesMax ? names_[i] : std::string("…");
    }
    if (names_.size() > kNamesMax) warning += " …";
    warnings.push_back(warning + "]");
  }

 private:
  std::vector<std::string> names_;
};

}  // namespace

std::vector<std::string> field_warnings(const RouteInfo& route, const Request& request, const FieldValues& fields) {
  std::vector<std::string> warnings;
  const bool by_query = only_looks(request.operation) || request.operation == Operation::kDelete;
  const auto body = fields.body();
  if (by_query ? request.query.empty() : !body) return warnings;
  const bool takes_anything = std::any_of(route.fields.begin(), route.fields.end(),
                                          [](const Field& field) { return field.source == FieldSource::kWholeBody; });
  if (takes_anything) return warnings;
  Names unknown;
  Names replaced;
  const auto judge = [&](std::string name) {
    const auto field =
        std::find_if(route.fields.begin(), route.fields.end(), [&name](const Field& known) { return known.name == name; });
    if (field == route.fields.end()) return unknown.add(std::move(name));
    if (field->source == FieldSource::kPath) replaced.add(std::move(name));
  };
  if (by_query) {
    for (const auto& [name, value] : request.query) {
      if (!for_the_api(name)) judge(name);
    }
  } else {
    for (std::size_t i = 0; i < body->size(); ++i) judge(body->key_at(i));
  }
  unknown.append_to(warnings, "Endpoint ignored these unrecognized parameters");
  replaced.append_to(warnings, "Endpoint replaced the value of these parameters with the values captured from the endpoint's path");
  return warnings;
}

}  // namespace keyhold::core
