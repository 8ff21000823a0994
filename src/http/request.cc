#include <algorithm>

#include "http/server.h"

namespace keyhold::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(), [name](const HeaderField& field) { return field.name == name; });
  if (found == headers.end()) return std::nullopt;
  return found->value;
}

Request Request::make(std::string_view method, std::string_view target, std::span<const HeaderField> headers,
                      std::string_view body) {
  std::size_t head_bytes = method.size() + target.size();
  for (const HeaderField& field : headers) head_bytes += field.name.size() + field.value.size();

  Request request;
  request.head.reserve(head_bytes);  // Then no view moves.
  const auto keep = [&head = request.head](std::string_view text) {
    head.append(text);
    return head.reveal().substr(head.size() - text.size());
  };
  request.method = keep(method);
  request.target = keep(target);
  for (const HeaderField& field : headers) {
    const std::string_view name = keep(field.name);
    request.headers.push_back({name, keep(field.value)});
  }
  request.body = SecretBytes::copy_of(body);
  request.peer_address = "127.0.0.1";
  return request;
}

}  // namespace keyhold::http
