#include "base/json_merge.h"
#include "core/rotation/rotator.h"

namespace keyhold::core::rotation {
namespace {

Error no_such_member() {
  return {Code::kInvalid, "the secret is a JSON object: the rotator's setting \"field\" must name one of its members"};
}

/// The new content, of the kind that the current one is.
struct Made {
  SecretBytes bytes;
  secrets::Version::ContentKind kind = secrets::Version::TEXT;
};

Result<Made> make(StepContext& context, Transaction& tx, const Head& head) {
  TRY_ASSIGN(SecretBytes password, password_of(context.rotator, context.rng));
  const std::string field = setting(context.rotator, kFieldSetting);
  const auto* current = secrets::current_version(head);
  if (current == nullptr || current->content_kind() != secrets::Version::JSON_OBJECT ||
      !secrets::readable(*current, context.clock.now_ms())) {
    if (!field.empty()) return Error{Code::kInvalid, "the rotator makes a member of a JSON object, and the secret is none"};
    return Made{std::move(password), secrets::Version::TEXT};
  }
  TRY_ASSIGN(const auto content, secrets::content(tx, context.mount, head, *current, context.session.redactor));
  TRY_ASSIGN(const auto target, json::Document::parse(content.reveal()));
  std::string member = field;
  // What Vault's API makes of a text is an object with one member.
  if (member.empty() && target.root().size() == 1) member = target.root().key_at(0);
  const auto old = member.empty() ? std::nullopt : target.root().find(member);
  if (!old || !old->is_string()) return no_such_member();
  SecretBytes patch_text;
  json::Writer writer(patch_text);
  writer.begin_object().key(member).string(password.reveal()).end_object();
  TRY_ASSIGN(const auto patch, json::Document::parse(patch_text.reveal()));
  Made made;
  made.kind = secrets::Version::JSON_OBJECT;
  json::append_merged(made.bytes, target.root(), patch.root());
  return made;
}

const std::string& current_id(const Head& head) {
  static const std::string kNone;
  const auto* current = secrets::current_version(head);
  return current == nullptr ? kNone : current->id();
}

}  // namespace

Result<void> RandomRotator::run(StepContext& context) {
  switch (context.step) {
    case Run::CREATE: return create(context);
    case Run::FINISH: return finish(context);
    default: return {};  // Nothing but the secret itself knows the value.
  }
}

Result<void> RandomRotator::create(StepContext& context) {
  return context.change([&context](Transaction& tx, Head& head) -> Result<void> {
    const auto* pending = secrets::version_with_id(head, context.version_id());
    if (pending == nullptr) return Error{Code::kInvalid, "the pending version is gone: abort this rotation, and rotate anew"};
    if (current_id(head) == pending->id()) return {};
    auto& run = *head.mutable_rotation()->mutable_run();
    if (!pending->empty()) {
      if (run.base_version() == current_id(head)) return {};
      secrets::empty_version(tx, context.mount, head, *pending, context.clock.now_ms());
    }
    TRY_ASSIGN(const Made made, make(context, tx, head));
    if (made.bytes.size() > secrets::kInlineContentBytesMax) return Error{Code::kInvalid, "the secret is too large for this rotator"};
    TRY_ASSIGN(const auto settings, secrets::settings(tx, context.mount));
    run.set_base_version(current_id(head));
    secrets::NewContent content;
    content.bytes = made.bytes.reveal();
    content.kind = made.kind;
    content.created_by = run.started_by();
    content.client_token = context.version_id();
    content.labels = {std::string(kPendingLabel)};
    secrets::put_version(tx, context.mount, head, content, settings, context.session.fingerprints, context.clock.now_ms(), context.rng);
    return {};
  });
}

Result<void> RandomRotator::finish(StepContext& context) {
  return context.change([&context](Transaction& tx, Head& head) -> Result<void> {
    const auto* pending = secrets::version_with_id(head, context.version_id());
    if (pending == nullptr || pending->empty()) return Error{Code::kInvalid, "the pending version has no content"};
    if (current_id(head) == pending->id()) return {};
    // Made from something else, it would undo what was written since.
    if (current_id(head) != head.rotation().run().base_version()) {
      return Error{Code::kInvalid, "the secret was written while it was being rotated: the value is made anew"};
    }
    secrets::move_label(head, secrets::kCurrentLabel, *pending);
    head.set_updated_ms(context.clock.now_ms());
    head.set_changed_ms(context.clock.now_ms());
    secrets::save(tx, context.mount, head);
    return {};
  });
}

}  // namespace keyhold::core::rotation
