// Which secrets rotate, and which should have.
#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_format.h"
#include "core/rotation/attention.h"
#include "core/rotation/rotation.h"
#include "engine/sys/rotator_routes.h"

namespace keyhold::engine {
namespace {

namespace rotation = core::rotation;
namespace secrets = core::secrets;
using core::Call;
using core::Reply;

constexpr std::size_t kLookedAtMax = 500;  // Heads read for one page.
constexpr std::int64_t kListedMax = 100;

using Wanted = bool (*)(const secrets::Head& head, UnixMillis now);

bool every(const secrets::Head& head, UnixMillis) { return head.has_rotation(); }
bool never_rotated(const secrets::Head& head, UnixMillis) { return rotation::enabled(head) && head.rotation().last_rotated_ms() == 0; }
bool failing(const secrets::Head& head, UnixMillis) { return rotation::failing(head); }

bool expired(const secrets::Head& head, UnixMillis now) { return head.expires_ms() != 0 && head.expires_ms() <= now; }
bool rotate_by_passed(const secrets::Head& head, UnixMillis now) { return head.rotate_by_ms() != 0 && head.rotate_by_ms() <= now; }

struct State {
  std::string_view word;
  Wanted holds;
};
constexpr std::array kStates{State{"", every},        State{"overdue", rotation::overdue}, State{"failing", failing},
                             State{"never", never_rotated}, State{"expired", expired},     State{"rotate_by", rotate_by_passed}};

void time_if_any(json::Writer& writer, std::string_view key, UnixMillis time_ms) {
  if (time_ms != 0) writer.key(key).string(format_rfc3339(time_ms));
}

void append_secret(json::Writer& writer, const std::string& path, const secrets::Head& head, UnixMillis now) {
  const auto& rule = head.rotation();
  writer.begin_object();
  writer.key("enabled").boolean(rule.enabled());
  writer.key("failing").boolean(rotation::failing(head));
  if (rotation::failing(head)) writer.key("error").string(rule.run().error());
  time_if_any(writer, "expires", head.expires_ms());
  time_if_any(writer, "last_rotated_time", rule.last_rotated_ms());
  time_if_any(writer, "next_rotation_time", rule.next_ms());
  writer.key("overdue").boolean(rotation::overdue(head, now));
  if (!head.owner().empty()) writer.key("owner").string(head.owner());
  writer.key("path").string(path);
  time_if_any(writer, "rotate_by", head.rotate_by_ms());
  writer.key("rotator").string(rule.rotator());
  writer.end_object();
}

/// Path of a mount by its id; empty: it is gone.
std::string mount_path(const Call& call, core::keys::MountId id) {
  for (const auto* mount : call.config().mounts(call.namespace_id())) {
    if (mount->record.id() == id) return mount->record.path();
  }
  return {};
}

}  // namespace

Result<Reply> RotatorRoutes::report(Call& call) {
  const auto& fields = call.fields();
  const std::string word = fields.text("state");
  const auto* const state = std::find_if(kStates.begin(), kStates.end(), [&](const State& known) { return known.word == word; });
  if (state == kStates.end()) {
    return Error{Code::kInvalid,
                 "\"state\" must be \"overdue\", \"failing\", \"never\", \"expired\" or \"rotate_by\", or absent for all that rotate"};
  }
  const auto listed_max = static_cast<std::size_t>(std::clamp<std::int64_t>(fields.integer("limit", kListedMax), 1, kListedMax));
  std::string after;
  if (const std::string given = fields.text("after"); !given.empty()) {
    const auto position = hex_decode(given);
    if (!position.ok() || !position->starts_with(rotation::kAttendedKind)) return Error{Code::kInvalid, "\"after\" is not of this list"};
    after = *position;
  }
  storage::ListOptions options;
  options.prefix = rotation::kAttendedKind;
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
    if (head == nullptr || secrets::marked_for_deletion(*head) || !state->holds(*head, call.now())) continue;
    append_secret(writer, path + head->name(), *head, call.now());
    ++listed;
  }
  writer.end_array();
  const bool more = !last.empty() && (page.more || last != page.items.back().key);
  if (more) writer.key("next").string(hex_encode(last));
  writer.end_object();
  return reply;
}

}  // namespace keyhold::engine
