#pragma once

#include <string>
#include <string_view>

#include "base/flags.h"
#include "server/config/config.h"

/// The operator's log, on standard error: what the server has to say of itself. Never a secret, and nothing that a client sent.
namespace keyhold::server {

struct LogSettings {
  std::string level;  // As parse_log_level() gives it.
  LogFormat format = LogFormat::kStandard;
};

/// By the flags -log-level and -log-format, else KEYHOLD_LOG_LEVEL and VAULT_LOG_LEVEL (and …_FORMAT) of the environment, else the
/// configuration. errors: kInvalid: a level or format there is not; says where it was given.
Result<LogSettings> log_settings(const Arguments& flags, const Config& config);

/// Sets the log up, or changes its level and format.
///
/// kStandard   "2026-01-31T12:00:00.123Z [info] message"
/// kJson       {"@level":"info","@message":"message","@timestamp":"2026-01-31T12:00:00.123Z"}: the members of Vault's.
/// threads     Any, but one at a time.
void set_up_log(const LogSettings& settings);

}  // namespace keyhold::server
