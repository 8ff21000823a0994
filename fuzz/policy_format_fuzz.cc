// Formatting a policy's file: keeps what it says, whatever it is, and has nothing left to do after once.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/policy_format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyhold;
  hcl::Failure failure;
  const auto once = cli::format_hcl({reinterpret_cast<const char*>(data), size}, &failure);
  if (!once.ok()) {
    CHECK(once.code() == Code::kInvalid);
    return 0;
  }
  const auto twice = cli::format_hcl(*once, &failure);
  CHECK(twice.ok() && *twice == *once);
  return 0;
}
