#include "engine/sys/rotator_routes.h"

#include <algorithm>
#include <map>

#include "core/keys.h"
#include "core/rotation/rotator.h"
#include "core/stored_names.h"

namespace keyhold::engine {
namespace {

namespace rotation = core::rotation;
using core::Call;
using core::Reply;

constexpr std::size_t kNameBytesMax = 64;  // A Lambda function's.
constexpr std::size_t kKeyCharacters = 43; // As much as 32 bytes.
constexpr std::size_t kKeyBytesMin = 16;
constexpr std::size_t kKeyBytesMax = 1024;

std::string key_of(const Call& call) { return core::keys::rotator(call.namespace_id(), call.fields().path_text("name")); }

Result<void> check_name(std::string_view name) {
  const bool valid = !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  if (!valid) return Error{Code::kInvalid, "the name of a rotator is 1 to 64 letters, digits, - and _"};
  return {};
}

/// The key of a stored rotator. errors: as Transaction::get().
Result<SecretBytes> stored_key(Call& call) {
  TRY_ASSIGN(const core::EntryRef entry, call.tx().get(key_of(call)));
  if (!entry->present()) return SecretBytes();
  TRY_ASSIGN(const core::RecordParts parts, core::split_record(entry->value().reveal()));
  return SecretBytes::copy_of(parts.content);
}

}  // namespace

Result<Reply> RotatorRoutes::list(Call& call) {
  TRY_ASSIGN(const auto names, core::names_below(call, core::keys::rotator(call.namespace_id())));
  return core::listed(names);
}

Result<Reply> RotatorRoutes::read(Call& call) {
  TRY_ASSIGN(const auto record, call.tx().load<core::records::Rotator>(key_of(call)));
  if (record == nullptr) return Reply::not_found();
  Reply reply;
  json::Writer writer(reply.data);
  writer.begin_object().key("name").string(record->name()).key("type").string(record->type());
  for (const auto& [name, value] : std::map<std::string_view, std::string_view>(record->settings().begin(), record->settings().end())) {
    writer.key(name).string(value);
  }
  writer.end_object();
  return reply;
}

Result<bool> RotatorRoutes::exists(Call& call) {
  TRY_ASSIGN(const auto record, call.tx().load<core::records::Rotator>(key_of(call)));
  return record != nullptr;
}

Result<Reply> RotatorRoutes::write(Call& call) {
  const auto& fields = call.fields();
  TRY(check_name(fields.path_text("name")));
  core::records::Rotator record;
  record.set_namespace_id(call.namespace_id());
  record.set_name(std::string(fields.path_text("name")));
  record.set_type(fields.text("type"));
  record.set_changed_ms(call.now());
  for (const core::Field& field : kWriteFields) {
    const bool setting = field.name != "name" && field.name != "type" && field.name != "key";
    if (setting && fields.has(field.name)) (*record.mutable_settings())[std::string(field.name)] = fields.text(field.name);
  }
  TRY(rotation::check_rotator(record, call.rng()));
  SecretBytes key;
  Reply reply = Reply::none();
  if (record.type() == rotation::kHttpRotator) {
    key = fields.secret("key");
    if (fields.has("key") && (key.size() < kKeyBytesMin || key.size() > kKeyBytesMax)) {
      return Error{Code::kInvalid, "the key of a rotator is 16 to 1024 bytes"};
    }
    if (key.empty()) {
      TRY_ASSIGN(key, stored_key(call));
    }
    if (key.empty()) {
      key = call.rng().base62(kKeyCharacters);
      reply = Reply();
      json::Writer(reply.data).begin_object().key("key").string(key.reveal()).end_object();
    }
  } else if (fields.has("key")) {
    return Error{Code::kInvalid, "only a rotator of the type \"http\" has a key"};
  }
  call.tx().put(key_of(call), core::encode_record(record, key.reveal()));
  return reply;
}

Result<Reply> RotatorRoutes::remove(Call& call) {
  call.tx().erase(key_of(call));
  return Reply::none();
}

}  // namespace keyhold::engine
