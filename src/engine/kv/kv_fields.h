#pragma once

#include <array>

#include "engine/kv/name_list.h"

/// The fields that requests to kv version 2 may have, and routes that are much alike.
namespace keyhold::engine::kv {

inline constexpr core::Field kPath{.name = "path",
                                   .source = core::FieldSource::kPath,
                                   .audit = core::Audit::kClear,
                                   .help = "Name of the secret."};
inline constexpr std::array kPathFields{kPath};

inline constexpr core::Field kVersion{.name = "version",
                                      .type = core::FieldType::kInteger,
                                      .source = core::FieldSource::kQuery,
                                      .audit = core::Audit::kClear,
                                      .help = "Number of a version; 0 = the current one."};
inline constexpr std::array kReadFields{kPath, kVersion};
inline constexpr std::array kSubkeysFields{kPath, kVersion,
                                           core::Field{.name = "depth",
                                                       .type = core::FieldType::kInteger,
                                                       .source = core::FieldSource::kQuery,
                                                       .audit = core::Audit::kClear,
                                                       .help = "How many levels of names to tell; 0 = all."}};

inline constexpr std::array kWriteFields{
    kPath,
    core::Field{.name = "data", .type = core::FieldType::kObject, .help = "The content, or its merge patch."},
    core::Field{.name = "options",
                .type = core::FieldType::kObject,
                .help = "cas: the current version that must be found, 0 = none."}};

inline constexpr std::array kVersionsFields{kPath,
                                            core::Field{.name = "versions",
                                                        .type = core::FieldType::kIntegerList,
                                                        .audit = core::Audit::kClear,
                                                        .help = "Numbers of the versions."}};

inline constexpr core::Field kMaxVersions{.name = "max_versions",
                                          .type = core::FieldType::kInteger,
                                          .audit = core::Audit::kClear,
                                          .help = "Versions to keep; 0 = 10, or what the mount says."};
inline constexpr core::Field kCasRequired{.name = "cas_required",
                                          .type = core::FieldType::kBoolean,
                                          .audit = core::Audit::kClear,
                                          .help = "Refuse writes that do not name the version they follow."};
inline constexpr core::Field kMetadataCasRequired{.name = "metadata_cas_required",
                                                  .type = core::FieldType::kBoolean,
                                                  .audit = core::Audit::kClear,
                                                  .help = "The same for writes of metadata."};
inline constexpr std::array kMetadataFields{
    kPath,
    kMaxVersions,
    kCasRequired,
    kMetadataCasRequired,
    core::Field{.name = "delete_version_after",
                .type = core::FieldType::kDuration,
                .audit = core::Audit::kClear,
                .help = "The age at which a version is deleted; 0 = what the mount says."},
    core::Field{.name = "custom_metadata", .type = core::FieldType::kObject, .help = "Notes for people, an object of strings."},
    core::Field{.name = "metadata_cas",
                .type = core::FieldType::kInteger,
                .audit = core::Audit::kClear,
                .help = "The current_metadata_version that must be found, 0 = no secret."},
    core::Field{.name = "owner", .audit = core::Audit::kClear, .help = "Who looks after it: an address of a person or team."},
    core::Field{.name = "expires", .audit = core::Audit::kClear, .help = "The day on which its content ends to be of use: 2026-12-31, or RFC 3339."},
    core::Field{.name = "rotate_by", .audit = core::Audit::kClear, .help = "The day by which somebody is to have changed it."}};
inline constexpr std::array kConfigFields{kMaxVersions, kCasRequired, kMetadataCasRequired,
                                          core::Field{.name = "delete_version_after",
                                                      .audit = core::Audit::kClear,
                                                      .help = "The age at which versions are deleted; 0 = never, negative = "
                                                              "never, whatever a secret says."}};

constexpr core::Field rotation_field(std::string_view name, core::FieldType type, std::string_view help) {
  return {.name = name, .type = type, .audit = core::Audit::kClear, .help = help};
}
inline constexpr std::array kRotateFields{
    kPath,
    rotation_field("rotator", core::FieldType::kString, "Name of what makes new contents (sys/rotators); \"random\" is always there."),
    rotation_field("automatically_after_days", core::FieldType::kInteger, "Days from one rotation to the next; 0 = none."),
    rotation_field("schedule_expression", core::FieldType::kString, "rate(N days), rate(N hours) or cron(0 H D M W *), in UTC."),
    rotation_field("duration", core::FieldType::kString, "How long the window is in which it begins: \"3h\"."),
    rotation_field("rotate_immediately", core::FieldType::kBoolean, "Whether to rotate now, which is the default."),
    rotation_field("action", core::FieldType::kString, "\"retry\" or \"abort\" the rotation in hand, or \"test\" the rotator.")};

/// A change of listed versions.
template <typename Engine>
constexpr core::Route<Engine> of_versions(std::string_view path, Result<core::Reply> (Engine::*handler)(core::Call&),
                                          std::string_view help) {
  return {.info = {.operation = core::Operation::kUpdate,
                   .path = path,
                   .access = core::Capability::kUpdate,
                   .fields = kVersionsFields,
                   .cost = core::Cost::kDisk,
                   .reply = core::Payload::kNone,
                   .help = help},
          .handler = handler};
}

/// What is left when no other route has the path.
template <typename Engine>
constexpr core::Route<Engine> misplaced(core::Operation operation, core::Capability capability,
                                        Result<core::Reply> (Engine::*handler)(core::Call&)) {
  return {.info = {.operation = operation,
                   .path = "{path...}",
                   .access = capability,
                   .fields = kPathFields,
                   .cost = core::Cost::kCached,
                   .reply = core::Payload::kSecret,
                   .help = "Not found: tells that secrets of version 2 are below data/ and metadata/."},
          .handler = handler};
}

}  // namespace keyhold::engine::kv
