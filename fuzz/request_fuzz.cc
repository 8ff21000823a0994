// A request in Vault's form: method, target, header name, header value and body, a line each.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/vault/vault_request.h"
#include "core/path.h"

namespace {

using namespace keyhold;

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view method = next_line(rest);
  const std::string_view target = next_line(rest);
  const std::string_view name = next_line(rest);
  const std::string_view value = next_line(rest);
  const std::array headers{http::HeaderField{name, value}};
  http::Request http_request = http::Request::make(method, target, headers, rest);
  const auto request = api::parse_vault_request(http_request);
  if (!request.ok()) return 0;
  std::string_view path = request->path;
  if (request->operation == core::Operation::kList) {
    CHECK(path.ends_with('/'));
    path.remove_suffix(1);
  }
  const auto again = core::canonical_path(path);
  CHECK(again.ok() && *again == path);
  CHECK(!request->path.starts_with("projects/"));
  return 0;
}
