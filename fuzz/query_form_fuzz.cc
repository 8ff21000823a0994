// A form of AWS's Query protocol: what is taken becomes one JSON object.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/aws/query_form.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto form = keyhold::api::parse_query_form({reinterpret_cast<const char*>(data), size});
  if (!form.ok()) return 0;
  const auto document = keyhold::json::Document::parse(form->inputs.reveal());
  if (!document.ok() || !document->root().is_object()) std::abort();
  return 0;
}
