#include "cli/import_plan.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <map>

#include "cli/progress.h"
#include "crypto/hmac.h"

namespace keyhold::cli {
namespace {

constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGHUP};
constexpr json::Limits kJsonLimits{.depth_max = limits::kClientJsonDepthMax, .nodes_max = limits::kClientJsonNodesMax};

volatile std::sig_atomic_t caught_signal = 0;
void on_signal(int number) { caught_signal = number; }

/// Has the first signal that would end the program wait, for as long as it lives.
class DeferredSignals {
 public:
  DeferredSignals() {
    caught_signal = 0;
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);  // The second one ends it.
    ::sigemptyset(&action.sa_mask);
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i) ::sigaction(kEndingSignals[i], &action, &former_[i]);
  }
  DeferredSignals(const DeferredSignals&) = delete;
  DeferredSignals& operator=(const DeferredSignals&) = delete;
  ~DeferredSignals() {
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i) ::sigaction(kEndingSignals[i], &former_[i], nullptr);
  }

 private:
  std::array<struct sigaction, kEndingSignals.size()> former_{};
};

bool means_the_same(const json::Value& a, const json::Value& b) {
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  if (a.is_string()) {
    const auto text_a = a.as_secret(), text_b = b.as_secret();
    return text_a.ok() && text_b.ok() && crypto::equal_constant_time(text_a->reveal(), text_b->reveal());
  }
  if (a.is_array()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!means_the_same(a.at(i), b.at(i))) return false;
    }
    return true;
  }
  if (a.is_object()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto other = b.find(a.key_at(i));
      if (!other || !means_the_same(a.at(i), *other)) return false;
    }
    return true;
  }
  return crypto::equal_constant_time(a.raw(), b.raw());
}

/// Looks at one secret.
Result<PlannedSecret> plan_one(Session& session, const SourceSecret& source, const MountedPath& target) {
  PlannedSecret planned{.source = &source, .target = target};
  if (!source.name.empty()) planned.target.rest = target.rest + (target.rest.empty() ? "" : "/") + source.name;
  planned.path = planned.target.mount + planned.target.rest;
  if (planned.target.rest.empty()) return usage_error("the path is a whole engine: give the secret a name, " + planned.target.mount + "NAME");
  const client::ApiRequest request{.path = planned.target.api_path("data")};
  TRY_ASSIGN(const auto answer, session.peek(request));
  if (!answer.ok() && answer.status() != 404) return session.refusal(request, answer);
  if (answer.status() == 404 && !answer.errors().empty()) return session.refusal(request, answer);
  planned.current_version = target.version == 2 ? kv_version(answer) : 0;
  const auto content = kv_content(answer, target.version);
  if (!content || !answer.ok()) {
    for (const Field& field : source.contents.back()) planned.added.push_back(field.name);
    return planned;
  }
  if (target.version == 1) planned.seen = SecretBytes::copy_of(content->raw());
  FieldChanges changes = changes_between(*content, source.contents.back());
  planned.state = changes.none() ? ImportState::kSame : ImportState::kChanged;
  planned.first = source.contents.size() - 1;
  const auto current = static_cast<std::size_t>(planned.current_version);
  if (planned.state == ImportState::kChanged && current > 0 && current < source.contents.size() &&
      changes_between(*content, source.contents[current - 1]).none()) {
    planned.state = ImportState::kBehind;  // As many versions, and this one the same: a copy of all that stopped half-way.
    planned.first = current;
  }
  planned.added = std::move(changes.added);
  planned.changed = std::move(changes.changed);
  planned.removed = std::move(changes.removed);
  return planned;
}

bool is_conflict(const client::ApiAnswer& answer) {
  const auto errors = answer.errors();
  return answer.status() == 400 &&
         std::any_of(errors.begin(), errors.end(), [](const std::string& text) { return text.find("check-and-set parameter did not match") != std::string::npos; });
}

enum class Written : std::uint8_t { kDone, kConflict };

/// Version 1 has no conditions: what is there is looked at once more just before.
Result<Written> write_unversioned(Session& session, PlannedSecret& planned) {
  const std::string path = planned.target.api_path("data");
  TRY_ASSIGN(const auto there, session.peek({.path = path}));
  const auto content = there.ok() ? kv_content(there, 1) : std::nullopt;
  const std::string_view now = content ? content->raw() : std::string_view();
  if (!crypto::equal_constant_time(now, planned.seen.reveal())) return Written::kConflict;
  const SecretBytes body = object_of(planned.source->contents.back());
  TRY(session.call({.method = "PUT", .path = path, .body = &body}));
  planned.written.push_back(0);
  return Written::kDone;
}

Result<Written> write_version(Session& session, PlannedSecret& planned, const Fields& fields) {
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object().key("data").raw(object_of(fields).reveal()).key("options").begin_object();
  writer.key("cas").number(planned.current_version).end_object().end_object();
  const client::ApiRequest request{.method = "PUT", .path = planned.target.api_path("data"), .body = &body};
  TRY_ASSIGN(const auto answer, session.send(request));
  if (is_conflict(answer)) return Written::kConflict;
  if (!answer.ok()) return session.refusal(request, answer);
  const auto data = answer.data();
  const auto version = data && data->is_object() ? data->find("version") : std::nullopt;
  const auto number = version ? version->as_int() : Result<std::int64_t>(Error{});
  if (!number.ok()) return foreign_answer();
  planned.current_version = *number;
  planned.written.push_back(*number);
  return Written::kDone;
}

/// What the plan says of one secret, until a signal comes.
Result<Written> write_one(Session& session, PlannedSecret& planned) {
  if (planned.target.version == 1) return write_unversioned(session, planned);
  const auto& contents = planned.source->contents;
  for (std::size_t i = planned.first; i < contents.size() && caught_signal == 0; ++i) {
    TRY_ASSIGN(const Written written, write_version(session, planned, contents[i]));
    if (written == Written::kConflict) return written;
  }
  return Written::kDone;
}

}  // namespace

FieldChanges changes_between(const json::Value& there, const Fields& source) {
  FieldChanges changes;
  std::map<std::string, bool> known;  // Members that are there -> whether the source has them.
  for (std::size_t i = 0; i < there.size(); ++i) known.emplace(there.key_at(i), false);
  for (const Field& field : source) {
    const auto found = known.find(field.name);
    if (found == known.end()) {
      changes.added.push_back(field.name);
      continue;
    }
    found->second = true;
    const auto document = json::Document::parse(field.json.reveal(), kJsonLimits);
    const auto value = there.find(field.name);
    if (!document.ok() || !value || !means_the_same(document->root(), *value)) changes.changed.push_back(field.name);
  }
  for (const auto& [name, kept] : known) {
    if (!kept) changes.removed.push_back(name);
  }
  return changes;
}

Result<std::vector<PlannedSecret>> plan_import(Session& session, const Source& source, const MountedPath& target) {
  std::vector<PlannedSecret> plan;
  Progress progress("Comparing");
  for (const SourceSecret& secret : source.secrets) {
    progress.show(plan.size(), source.secrets.size());
    TRY_ASSIGN(auto planned, plan_one(session, secret, target));
    plan.push_back(std::move(planned));
  }
  return plan;
}

ImportOutcome apply_import(Session& session, std::vector<PlannedSecret>& plan, Existing existing) {
  const DeferredSignals deferred;
  Progress progress("Writing");
  ImportOutcome outcome;
  for (std::size_t i = 0; i < plan.size() && caught_signal == 0; ++i) {
    progress.show(i, plan.size());
    PlannedSecret& planned = plan[i];
    if (planned.state == ImportState::kSame) continue;
    if (planned.state == ImportState::kChanged && existing == Existing::kLeaveAlone) {
      ++outcome.left_alone;
      continue;
    }
    auto written = write_one(session, planned);
    if (!written.ok()) {
      outcome.ended = std::move(written).error();
      break;
    }
    if (*written == Written::kConflict) {
      ++outcome.conflicts;
      outcome.conflicting.push_back(planned.path);
    }
  }
  outcome.interrupted_by = caught_signal;
  return outcome;
}

}  // namespace keyhold::cli
