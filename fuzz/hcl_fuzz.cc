// HCL texts: configuration files, and policies as any client may send them. Errors hold a place, never the text.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hcl.h"
#include "base/result.h"

namespace {

using namespace keyhold;

void visit(const hcl::Body& body, std::size_t depth);

void visit(const hcl::Value& value, std::size_t depth) {
  CHECK(depth <= hcl::Limits{}.depth_max);
  static_cast<void>(value.as_int());
  for (const hcl::Value& element : value.list) visit(element, depth + 1);
  if (value.kind == hcl::Kind::kObject) visit(value.body, depth + 1);
}

void visit(const hcl::Body& body, std::size_t depth) {
  for (const hcl::Item& item : body.items) {
    CHECK(body.find(item.key) != nullptr);
    for (const std::size_t labels : {0, 1, 2}) {
      const auto blocks = hcl::blocks_of(item, labels);
      if (!blocks.ok()) continue;
      for (const hcl::Block& block : *blocks) CHECK(block.labels.size() == labels && block.body != nullptr);
    }
    visit(item.value, depth);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = hcl::parse({reinterpret_cast<const char*>(data), size});
  if (body.ok()) {
    visit(*body, 0);
  } else {
    CHECK(body.code() == Code::kInvalid && body.error().message.starts_with("line "));
  }
  return 0;
}
