// Stored records: what decodes also encodes, to something that decodes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/record.h"
#include "core/records.pb.h"

namespace {

using namespace keyhold;

template <typename Message>
void try_as(const core::RecordParts& parts) {
  Message message;
  if (!core::parse_header(parts.header, message).ok()) return;
  const SecretBytes encoded = core::encode_record(message, parts.content);
  const auto again = core::split_record(encoded.reveal());
  CHECK(again.ok() && again->content == parts.content);
  Message decoded;
  CHECK(core::parse_header(again->header, decoded).ok());
}

template <typename... Messages>
void try_all(const core::RecordParts& parts) {
  (try_as<Messages>(parts), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = core::split_record({reinterpret_cast<const char*>(data), size});
  if (!parts.ok()) return 0;
  using namespace core::records;
  try_all<Mount, MountGuard, InstalledVersion, NextId, Policy, Token, TokenRef, Liveness, Uses, TokenRole, TimeMark, Epoch,
          NameEntry, Secret, SecretSettings, VersionContent, Chunk, PendingChunks, Job>(*parts);
  return 0;
}
