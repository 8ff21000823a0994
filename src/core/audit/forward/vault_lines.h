#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "core/audit/forward/cursor.h"
#include "core/audit/line.h"

namespace keyhold::core::audit {

/// Turns the lines of one stream into Vault's audit lines: a request and a response for each request.
///
/// A write's records, intent and outcome, are two lines of the stream with others between: what the response repeats of the
/// request is kept until the outcome comes. Only what is named here gets over, as the journal holds it: hashed, or declared clear.
///
/// threads   One at a time.
/// source    Vault's audit log format.
class VaultLines {
 public:
  static constexpr std::size_t kPendingMax = 64 * 1024;               // Writes in flight; more are closed, the oldest first.
  static constexpr std::size_t kPendingBytesMax = 64 * 1024 * 1024;

  /// Nothing while there is no key to hash with (the node is sealed).
  using Hash = std::function<std::optional<std::string>(std::string_view)>;
  enum class Accessors : std::uint8_t { kClear, kHashed };

  VaultLines(Accessors accessors, Hash hash) : accessors_(accessors), hash_(std::move(hash)) {}

  enum class Taken : std::uint8_t { kTaken, kNeedsKey };
  /// Appends to `out` what a line of the journal says, which stands at `begin`. kNeedsKey: nothing happened, try again later.
  Taken take(const Line& line, std::string_view text, const Position& begin, std::string& out);

  /// Says of the writes begun before a time (as lines have it) that their outcome was not recorded.
  void close_before(std::string_view time, std::string& out);

  /// Where the oldest write without its outcome stands.
  std::optional<Position> oldest_pending() const;

 private:
  struct Pending {
    Position begin;
    std::string id;
    std::string time;
    std::string head;   // "auth" and "request" of both lines.
    std::string mount;  // Of the response.
  };
  using PendingBySequence = std::map<std::uint64_t, Pending>;

  std::optional<std::string> accessor(const std::optional<json::Value>& value);
  bool append_head(std::string& out, const json::Value& record, bool allowed);
  bool append_auth(std::string& out, const json::Value& record, bool allowed);
  bool append_request(std::string& out, const json::Value& record);
  Taken take_access(const json::Value& record, std::string& out);
  Taken take_intent(const json::Value& record, std::uint64_t sequence, const Position& begin, std::string& out);
  Taken take_outcome(const json::Value& record, std::string& out);
  bool append_wrap_info(std::string& out, const json::Value& reply);
  bool append_response(std::string& out, const json::Value& record, std::string_view head, std::string_view mount);
  void close(PendingBySequence::iterator pending, std::string_view time, std::string& out);
  void close_all(std::string_view time, std::string& out);
  void forget(PendingBySequence::iterator pending);

  const Accessors accessors_;
  const Hash hash_;
  std::unordered_map<std::string, std::string> accessor_hashes_;
  PendingBySequence pending_;
  std::unordered_map<std::string, std::uint64_t> sequence_of_id_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace keyhold::core::audit
