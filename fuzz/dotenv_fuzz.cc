// A .env file: what is read and written again reads as the same, without a warning.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/formats/dotenv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyhold;
  const auto once = cli::parse_dotenv({reinterpret_cast<const char*>(data), size});
  if (!once.ok()) return 0;
  SecretBytes text;
  for (const cli::Field& field : once->fields) {
    const auto value = cli::text_of(field);
    CHECK(value.ok());
    CHECK(cli::append_dotenv(text, field.name, value->reveal()).ok());
  }
  const auto twice = cli::parse_dotenv(text.reveal());
  CHECK(twice.ok() && twice->warnings.empty());
  CHECK(cli::object_of(twice->fields).reveal() == cli::object_of(once->fields).reveal());
  return 0;
}
