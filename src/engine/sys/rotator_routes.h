#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::engine {

namespace rotators {
constexpr core::Field clear(std::string_view name, std::string_view help) {
  return {.name = name, .audit = core::Audit::kClear, .help = help};
}
}  // namespace rotators

/// "sys/rotators/": what makes new contents for secrets that rotate (core/rotation/rotator.h). Whoever may write one decides which URL the
/// server calls.
///
/// One object; it has no state.
class RotatorRoutes {
 public:
  Result<core::Reply> list(core::Call& call);
  Result<core::Reply> read(core::Call& call);
  Result<core::Reply> write(core::Call& call);
  Result<core::Reply> remove(core::Call& call);
  Result<bool> exists(core::Call& call);

  // rotation_report.cc
  Result<core::Reply> report(core::Call& call);

 private:
  static constexpr core::Field kName{.name = "name",
                                     .source = core::FieldSource::kPath,
                                     .audit = core::Audit::kClear,
                                     .help = "Name of the rotator; for AWS's clients, of the Lambda function."};
  static constexpr std::array kNameFields{kName};
  static constexpr std::array kWriteFields{
      kName,
      rotators::clear("type", "\"random\" or \"http\"."),
      rotators::clear("field", "random: the member of a JSON object to make anew; else the whole text is."),
      rotators::clear("length", "random: how long the value is; 32 when absent."),
      rotators::clear("exclude_characters", "random: what is not to be in it."),
      rotators::clear("lowercase", "random: whether there are such letters; true when absent."),
      rotators::clear("uppercase", "random: the same."),
      rotators::clear("numbers", "random: whether there are digits; true when absent."),
      rotators::clear("punctuation", "random: whether there is punctuation; false when absent."),
      rotators::clear("space", "random: whether there are spaces; false when absent."),
      rotators::clear("url", "http: where the steps are posted; https, or http on this machine."),
      rotators::clear("timeout", "http: how long a step may take, at most 120s; 30s when absent."),
      rotators::clear("ca_certificate", "http: PEM of the authorities to trust, in place of the system's."),
      core::Field{.name = "key", .help = "http: that the requests are signed with; made and told once when absent."}};

  static constexpr std::array kReportFields{
      core::Field{.name = "state",
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "overdue, failing, never, expired, rotate_by, or stale: not read for some days. All that rotate when absent."},
      core::Field{.name = "days",
                  .type = core::FieldType::kInteger,
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "How long a stale secret was not read; 90 when absent."},
      core::Field{.name = "limit",
                  .type = core::FieldType::kInteger,
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "How many a page has at most: 100, or less."},
      core::Field{.name = "after",
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "What the page before said is next."}};

  using Route = core::Route<RotatorRoutes>;

 public:
  static constexpr std::array kRoutes{
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "rotation",
                     .access = core::Capability::kRead,
                     .fields = kReportFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Secrets that rotate, of all mounts, in pages: those that should have, fail, never have, whose day has come, or that nobody reads."},
            .handler = &RotatorRoutes::report},
      Route{.info = {.operation = core::Operation::kList,
                     .path = "rotators",
                     .access = core::Capability::kList,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Names of all rotators."},
            .handler = &RotatorRoutes::list},
      Route{.info = {.operation = core::Operation::kRead,
                     .path = "rotators/{name}",
                     .access = core::Capability::kRead,
                     .fields = kNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Type and settings of a rotator, without its key."},
            .handler = &RotatorRoutes::read},
      Route{.info = {.operation = core::Operation::kUpdate,
                     .path = "rotators/{name}",
                     .access = core::Capability::kUpdate,
                     .fields = kWriteFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kSecret,
                     .help = "Write a rotator. Answers the key of a new one, once."},
            .handler = &RotatorRoutes::write,
            .exists = &RotatorRoutes::exists},
      Route{.info = {.operation = core::Operation::kDelete,
                     .path = "rotators/{name}",
                     .access = core::Capability::kDelete,
                     .fields = kNameFields,
                     .cost = core::Cost::kDisk,
                     .reply = core::Payload::kNone,
                     .help = "Remove a rotator; secrets that name it no longer rotate, and say why."},
            .handler = &RotatorRoutes::remove},
  };
};

}  // namespace keyhold::engine
