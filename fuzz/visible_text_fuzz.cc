// A server's strings on a terminal: whatever they hold, what is printed moves no cursor.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/encoding.h"
#include "base/result.h"
#include "cli/output.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyhold;
  SecretBytes out;
  cli::append_visible(out, {reinterpret_cast<const char*>(data), size});
  const std::string_view text = out.reveal();
  CHECK(valid_utf8(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    CHECK(byte >= 0x20 || byte == '\n' || byte == '\t');
    CHECK(byte != 0x7f);
    CHECK(byte != 0xc2 || static_cast<unsigned char>(text[i + 1]) >= 0xa0);
  }
  return 0;
}
