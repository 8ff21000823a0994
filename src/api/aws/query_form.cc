#include "api/aws/query_form.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/json.h"
#include "core/path.h"

namespace keyhold::api {
namespace {

constexpr std::size_t kParametersMax = 256;
constexpr std::size_t kDepthMax = 5;
constexpr std::size_t kListMax = 100;

Error malformed(const char* what) { return {Code::kInvalid, std::string("The query string is malformed: ") + what + ".", "MalformedQueryString"}; }

Result<SecretBytes> decode(std::string_view encoded) {
  auto text = core::decode_form_component(encoded);
  if (!text.ok()) return malformed("it contains a broken percent escape or invalid UTF-8");
  return text;
}

/// A value, or an object or list of further nodes.
struct Node {
  std::optional<SecretBytes> value;
  std::map<std::string, Node> members;
};

/// Puts a value at "Tags.member.1.Key".
Result<void> put(Node& root, std::string_view name, SecretBytes value) {
  Node* node = &root;
  std::size_t depth = 0;
  for (;;) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    if (dot == 0 || ++depth > kDepthMax) return malformed("it names a parameter that cannot be");
    node = &node->members[std::string(name.substr(0, dot))];
    if (node->value) return malformed("a parameter is given as a value and as more");
    if (dot == name.size()) break;
    name.remove_prefix(dot + 1);
  }
  if (!node->members.empty()) return malformed("a parameter is given as a value and as more");
  node->value = std::move(value);
  return {};
}

Result<void> append(json::Writer& writer, const Node& node);

Result<void> append_list(json::Writer& writer, const Node& list) {
  if (list.members.size() > kListMax) return malformed("a list is too long");
  writer.begin_array();
  for (std::size_t i = 1; i <= list.members.size(); ++i) {
    const auto element = list.members.find(std::to_string(i));
    if (element == list.members.end()) return malformed("a list does not count from 1 without gaps");
    TRY(append(writer, element->second));
  }
  writer.end_array();
  return {};
}

Result<void> append(json::Writer& writer, const Node& node) {
  if (node.value) {
    writer.string(node.value->reveal());
    return {};
  }
  if (node.members.size() == 1 && node.members.begin()->first == "member") return append_list(writer, node.members.begin()->second);
  writer.begin_object();
  for (const auto& [name, member] : node.members) TRY(append(writer.key(name), member));
  writer.end_object();
  return {};
}

}  // namespace

Result<QueryForm> parse_query_form(std::string_view text) {
  Node root;
  std::size_t parameters = 0;
  QueryForm form;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (++parameters > kParametersMax) return malformed("it has too many parameters");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    TRY_ASSIGN(const SecretBytes name, decode(pair.substr(0, equals)));
    TRY_ASSIGN(SecretBytes value, decode(pair.substr(std::min(equals + 1, pair.size()))));
    const std::string_view key = name.reveal();
    if (key.starts_with("X-Amz-") || key == "Version") continue;
    if (key == "Action") {
      if (!form.action.empty()) return malformed("it names the Action twice");
      form.action = std::string(value.reveal());
      continue;
    }
    TRY(put(root, key, std::move(value)));
  }
  json::Writer writer(form.inputs);
  writer.begin_object();
  for (const auto& [name, member] : root.members) TRY(append(writer.key(name), member));
  writer.end_object();
  return form;
}

}  // namespace keyhold::api
