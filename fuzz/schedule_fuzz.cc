// An expression and a duration, parted by a NUL byte: a rule that is taken has windows that come one after the other, and end.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyhold;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  core::Schedule::Rules rules;
  rules.schedule_expression = std::string(input.substr(0, end));
  rules.duration = std::string(input.substr(std::min(end + 1, input.size())));
  const auto schedule = core::Schedule::parse(rules);
  if (!schedule.ok() || rules.schedule_expression.empty()) return 0;
  UnixMillis after_ms = 1'700'000'000'000;
  for (int i = 0; i < 4; ++i) {
    const auto window = schedule->next(after_ms);
    CHECK(window.begin_ms > after_ms && window.end_ms > window.begin_ms);
    CHECK(window.begin_ms % 3'600'000 == 0 && window.end_ms % 3'600'000 == 0);
    after_ms = window.begin_ms;
  }
  return 0;
}
