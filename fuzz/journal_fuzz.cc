// Verifying a journal file never crashes, hangs or accepts what breaks its promises: first the bytes as they are, then
// each of their lines as the members of a journal line, chained as someone without the key could, which leads past the chain.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/audit/line.h"
#include "core/audit/verify.h"

namespace {

using namespace keyhold;
using namespace keyhold::core;

void verify(int file, std::string_view content) {
  CHECK(::ftruncate(file, 0) == 0);
  CHECK(::pwrite(file, content.data(), content.size(), 0) == static_cast<ssize_t>(content.size()));
  const auto report = audit::verify_file("/proc/self/fd/" + std::to_string(file), {});
  if (!report.ok()) {
    CHECK(report.code() == Code::kCorrupt);
    CHECK(report.error().message.starts_with("line "));
    return;
  }
  CHECK(content.ends_with('\n'));
  CHECK(report->last_sequence >= report->first_sequence);
  CHECK(report->records + report->checkpoints + 1 == report->last_sequence - report->first_sequence + 1);
  CHECK(report->unsigned_records <= report->records);
  CHECK(!report->whole || (report->checkpoints > 0 && report->unsigned_records == 0));
}

std::string chained(std::string_view members) {
  std::string text;
  audit::Digest chain{};
  for (std::uint64_t sequence = 1; !members.empty(); ++sequence) {
    const std::string_view line = members.substr(0, members.find('\n'));
    chain = audit::append_line(text, sequence, "2023-11-14T22:13:20.000Z", line, chain);
    members.remove_prefix(std::min(line.size() + 1, members.size()));
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("journal", MFD_CLOEXEC);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  verify(file, input);
  verify(file, chained(input));
  return 0;
}
