#pragma once

#include <array>
#include <charconv>
#include <functional>
#include <string>

#include "core/call.h"
#include "core/keys.h"
#include "core/record.h"
#include "core/route.h"

namespace keyhold::core::test {

/// The smallest engine that has every kind of route: boxes that hold a text.
///
/// owner   The test. `while_slow` is set before the requests that meet it.
class BoxEngine {
 public:
  std::function<void()> while_slow = [] {};

  Result<Reply> read(Call& call) {
    TRY_ASSIGN(const auto box, call.tx().load<records::NameEntry>(key(call)));
    if (box == nullptr) return Reply::not_found();
    return text_reply(box->secret_id());
  }
  Result<bool> exists(Call& call) {
    TRY_ASSIGN(const auto box, call.tx().load<records::NameEntry>(key(call)));
    return box != nullptr;
  }
  Result<Reply> write(Call& call) {
    put(call, call.fields().text("text"));
    return text_reply("written");
  }
  Result<Reply> increment(Call& call) {
    TRY_ASSIGN(const auto box, call.tx().load<records::NameEntry>(key(call)));
    int count = 0;
    if (box != nullptr) std::from_chars(box->secret_id().data(), box->secret_id().data() + box->secret_id().size(), count);
    put(call, std::to_string(count + 1));
    return Reply::none();
  }
  /// Writes, and then thinks better of it. The box "fault" finds a fault.
  Result<Reply> fail(Call& call) {
    put(call, "half");
    if (call.fields().text("name") == "fault") return Error{Code::kInternal, "a fault was found"};
    return Error{Code::kInvalid, "this is not to be"};
  }
  /// Takes the box from the text `expect` to `text`.
  Result<Reply> swap(Call& call) {
    TRY_ASSIGN(const auto box, call.tx().load<records::NameEntry>(key(call)));
    const std::string held = box == nullptr ? std::string() : box->secret_id();
    if (held != call.fields().text("expect")) return Error{Code::kInvalid, "another text is in the box"};
    put(call, call.fields().text("text"));
    return Reply::none();
  }
  Result<Reply> erase(Call& call) {
    call.tx().erase(key(call));
    return Reply::none();
  }
  Result<Reply> slow_read(Call& call) {
    auto reply = read(call);
    while_slow();
    return reply;
  }
  Result<Reply> list(Call&) { return text_reply("listed"); }
  Result<Reply> pair(Call& call) { return text_reply(call.fields().text("left") + "|" + call.fields().text("right")); }
  Result<Reply> open(Call&) { return text_reply("open"); }
  Result<Reply> too_big(Call& call) {
    for (int i = 0; i < 200; ++i) call.tx().put(keys::name(call.mount_id(), std::to_string(i)), encode_record(records::NameEntry()));
    return Reply::none();
  }

 private:
  static std::string key(const Call& call) { return keys::name(call.mount_id(), call.fields().text("name")); }
  static void put(Call& call, std::string text) {
    records::NameEntry box;
    box.set_secret_id(std::move(text));
    call.tx().put(key(call), encode_record(box));
  }
  static Result<Reply> text_reply(std::string_view text) {
    Reply reply;
    json::Writer(reply.data).begin_object().key("text").string(text).end_object();
    return reply;
  }

  static constexpr Field kName{.name = "name", .source = FieldSource::kPath, .audit = Audit::kClear};
  static constexpr std::array kNameFields{kName};
  static constexpr std::array kWriteFields{kName, Field{.name = "text"},
                                           Field{.name = "clear", .type = FieldType::kObject, .audit = Audit::kClear}};
  static constexpr std::array kSwapFields{kName, Field{.name = "text"}, Field{.name = "expect"}};
  static constexpr std::array kPairFields{Field{.name = "left", .source = FieldSource::kPath, .audit = Audit::kClear},
                                          Field{.name = "right", .source = FieldSource::kPath}};

  using Route = core::Route<BoxEngine>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = Operation::kRead, .path = "item/{name...}", .access = Capability::kRead,
                     .fields = kNameFields, .cost = Cost::kCached, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::read},
      Route{.info = {.operation = Operation::kUpdate, .path = "item/{name...}", .access = Capability::kUpdate,
                     .fields = kWriteFields, .cost = Cost::kDisk, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::write, .exists = &BoxEngine::exists},
      Route{.info = {.operation = Operation::kDelete, .path = "item/{name...}", .access = Capability::kDelete,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kNone,
                     .trailing_slash = TrailingSlash::kIgnored,
                     .help = ""},
            .handler = &BoxEngine::erase},
      Route{.info = {.operation = Operation::kList, .path = "item/{name...}", .access = Capability::kList,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::list},
      Route{.info = {.operation = Operation::kUpdate, .path = "count/{name}", .access = Capability::kUpdate,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kNone,
                     .help = ""},
            .handler = &BoxEngine::increment},
      Route{.info = {.operation = Operation::kUpdate, .path = "swap/{name}", .access = Capability::kUpdate,
                     .fields = kSwapFields, .cost = Cost::kDisk, .reply = Payload::kNone,
                     .help = ""},
            .handler = &BoxEngine::swap},
      Route{.info = {.operation = Operation::kUpdate, .path = "fail/{name}", .access = Capability::kUpdate,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kNone,
                     .help = ""},
            .handler = &BoxEngine::fail},
      Route{.info = {.operation = Operation::kUpdate, .path = "surely/{name}", .access = Capability::kUpdate,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kNone,
                     .journaled = Journaled::kIntentFirst, .help = ""},
            .handler = &BoxEngine::increment},
      Route{.info = {.operation = Operation::kRead, .path = "slow/{name}", .access = Capability::kRead,
                     .fields = kNameFields, .cost = Cost::kDisk, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::slow_read},
      Route{.info = {.operation = Operation::kRead, .path = "pair/{left}/and/{right}", .access = Capability::kRead,
                     .fields = kPairFields, .cost = Cost::kCached, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::pair},
      Route{.info = {.operation = Operation::kRead, .path = "rest/{name...}/end", .access = Capability::kRead,
                     .fields = kNameFields, .cost = Cost::kCached, .reply = Payload::kSecret,
                     .help = ""},
            .handler = &BoxEngine::read},
      Route{.info = {.operation = Operation::kUpdate, .path = "too-big", .access = Capability::kUpdate,
                     .cost = Cost::kDisk, .reply = Payload::kNone,
                     .help = ""},
            .handler = &BoxEngine::too_big},
      Route{.info = {.operation = Operation::kRead, .path = "open", .access = Access::unauthenticated(),
                     .cost = Cost::kCached, .reply = Payload::kSecret, .availability = Availability::kAlways,
                     .help = ""},
            .handler = &BoxEngine::open},
  };
};

}  // namespace keyhold::core::test
