#include "cli/flag_fields.h"

#include <algorithm>
#include <string>

#include "base/scalar.h"

namespace keyhold::cli {
namespace {

void append_list(json::Writer& writer, const Arguments& arguments, std::string_view flag) {
  writer.begin_array();
  for (std::string_view list : arguments.values(flag)) {
    while (!list.empty()) {
      const std::size_t comma = std::min(list.find(','), list.size());
      if (comma > 0) writer.string(list.substr(0, comma));
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
  }
  writer.end_array();
}

}  // namespace

Result<void> append_pairs(json::Writer& writer, const Arguments& arguments, std::string_view flag) {
  for (const std::string_view pair : arguments.values(flag)) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0) return Error{Code::kInvalid, "-" + std::string(flag) + " is key=value"};
    writer.key(pair.substr(0, equals)).string(pair.substr(equals + 1));
  }
  return {};
}

Result<void> append_fields(json::Writer& writer, const Arguments& arguments, std::span<const FlagField> fields) {
  using Kind = FlagField::Kind;
  for (const FlagField& field : fields) {
    if (!arguments.has(field.flag)) continue;
    writer.key(field.field);
    switch (field.kind) {
      case Kind::kText: writer.string(arguments.value(field.flag)); break;
      case Kind::kTruth: writer.boolean(arguments.on(field.flag)); break;
      case Kind::kList: append_list(writer, arguments, field.flag); break;
      case Kind::kNumber: {
        const auto number = parse_integer(arguments.value(field.flag));
        if (!number) return Error{Code::kInvalid, "-" + std::string(field.flag) + " is a number"};
        writer.number(*number);
        break;
      }
      case Kind::kPairs:
        writer.begin_object();
        TRY(append_pairs(writer, arguments, field.flag));
        writer.end_object();
        break;
    }
  }
  return {};
}

}  // namespace keyhold::cli
