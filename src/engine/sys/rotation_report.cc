// Which secrets rotate, and which should have.
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_format.h"
#include "core/last_read.h"
#include "core/rotation/rotation.h"
#include "engine/kv/kv_reply.h"
#include "engine/sys/rotator_routes.h"

namespace keyhold::engine {
namespace {

namespace rotation = core::rotation;
namespace secrets = core::secrets;
using core::Call;
using core::Reply;

constexpr std::size_t kLookedAtMax = 500;  // Heads read for one page.
constexpr std::int64_t kListedMax = 100;

constexpr std::int64_t kStaleDays = 90;
constexpr std::int64_t kStaleDaysMax = 36'500;

/// A secret, and what is asked of it.
struct Looked {
  const secrets::Head& head;
  const core::records::LastRead* last_read;  // nullptr: never.
  UnixMillis now;
  UnixMillis stale_ms;  // Not read since then is stale.
};
using Wanted = bool (*)(const Looked& at);

bool every(const Looked& at) { return at.head.has_rotation(); }
bool overdue(const Looked& at) { return rotation::overdue(at.head, at.now); }
bool failing(const Looked& at) { return rotation::failing(at.head); }
bool never_rotated(const Looked& at) { return rotation::never_rotated(at.head); }
bool expired(const Looked& at) { return secrets::expired(at.head, at.now); }
bool rotate_by_passed(const Looked& at) { return secrets::rotate_by_passed(at.head, at.now); }
/// What was made lately had no time to be read.
bool stale(const Looked& at) {
  return at.head.created_ms() < at.stale_ms && (at.last_read == nullptr || at.last_read->read_ms() < at.stale_ms);
}

struct State {
  std::string_view word;
  Wanted holds;
  std::string_view kind = core::keys::kAttendedKind;  // Where they are looked for.
};
constexpr std::array kStates{State{"", every},
                             State{"overdue", overdue},
                             State{"failing", failing},
                             State{"never", never_rotated},
                             State{"expired", expired},
                             State{"rotate_by", rotate_by_passed},
                             State{"stale", stale, core::keys::kSecretKind}};

void time_if_any(json::Writer& writer, std::string_view key, UnixMillis time_ms) {
  if (time_ms != 0) writer.key(key).string(format_rfc3339(time_ms));
}

void append_secret(json::Writer& writer, const std::string& path, const Looked& at) {
  const secrets::Head& head = at.head;
  const auto& rule = head.rotation();
  time_if_any(writer.begin_object(), "created_time", head.created_ms());
  writer.key("enabled").boolean(rule.enabled());
  writer.key("failing").boolean(rotation::failing(head));
  if (rotation::failing(head)) writer.key("error").string(rule.run().error());
  time_if_any(writer, "expires", head.expires_ms());
  if (at.last_read != nullptr) append_last_read(writer, *at.last_read);
  time_if_any(writer, "last_rotated_time", rule.last_rotated_ms());
  time_if_any(writer, "next_rotation_time", rule.next_ms());
  writer.key("overdue").boolean(rotation::overdue(head, at.now));
  if (!head.owner().empty()) writer.key("owner").string(head.owner());
  writer.key("path").string(path);
  time_if_any(writer, "rotate_by", head.rotate_by_ms());
  writer.key("rotator").string(rule.rotator());
  writer.end_object();
}

/// Path of a mount of secrets by its id; empty: it is gone, or of another kind.
std::string mount_path(const Call& call, core::keys::MountId id) {
  for (const auto* mount : call.config().mounts(call.namespace_id())) {
    if (mount->record.id() == id) return mount->record.engine() == "kv" ? mount->record.path() : std::string();
  }
  return {};
}

Result<UnixMillis> stale_ms(const Call& call) {
  const std::int64_t days = call.fields().integer("days", kStaleDays);
  if (days < 1 || days > kStaleDaysMax) return Error{Code::kInvalid, "\"days\" must be between 1 and 36500"};
  return call.now() - days * kDayMs;
}

}  // namespace

Result<Reply> RotatorRoutes::report(Call& call) {
  const auto& fields = call.fields();
  const std::string word = fields.text("state");
  const auto* const state = std::find_if(kStates.begin(), kStates.end(), [&](const State& known) { return known.word == word; });
  if (state == kStates.end()) {
    return Error{Code::kInvalid,
                 "\"state\" must be \"overdue\", \"failing\", \"never\", \"expired\", \"rotate_by\" or \"stale\", or absent for all that rotate"};
  }
  TRY_ASSIGN(const UnixMillis stale_before_ms, stale_ms(call));
  const auto listed_max = static_cast<std::size_t>(std::clamp<std::int64_t>(fields.integer("limit", kListedMax), 1, kListedMax));
  std::string after;
  if (const std::string given = fields.text("after"); !given.empty()) {
    const auto position = hex_decode(given);
    if (!position.ok() || !position->starts_with(state->kind)) return Error{Code::kInvalid, "\"after\" is not of this list"};
    after = *position;
  }
  storage::ListOptions options;
  options.prefix = state->kind;
  options.after = after;
  options.limit = kLookedAtMax;
  TRY_ASSIGN(const storage::Page page, call.tx().list(options));
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("secrets").begin_array();
  std::size_t listed = 0;
  std::string last;
  for (const auto& item : page.items) {
    if (listed == listed_max) break;
    last = item.key;
    const core::keys::MountId mount = core::keys::owner_of(item.key);
    const std::string path = mount_path(call, mount);
    if (path.empty()) continue;
    TRY_ASSIGN(const auto head, call.tx().glance<secrets::Head>(core::keys::secret(mount, core::keys::object_of(item.key))));
    if (head == nullptr || secrets::marked_for_deletion(*head)) continue;
    TRY_ASSIGN(const auto last_read, secrets::last_read(call.tx(), mount, head->id()));
    const Looked at{*head, last_read.get(), call.now(), stale_before_ms};
    if (!state->holds(at)) continue;
    append_secret(writer, path + head->name(), at);
    ++listed;
  }
  writer.end_array();
  const bool more = !last.empty() && (page.more || last != page.items.back().key);
  if (more) writer.key("next").string(hex_encode(last));
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
