#include "server/operator_log.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <memory>

#include "base/json.h"
#include "base/time_format.h"

namespace keyhold::server {
namespace {

constexpr std::string_view kLoggerName = "keyhold";

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    using Milliseconds = std::chrono::milliseconds;
    const auto level = spdlog::level::to_string_view(message.level);
    const auto at = std::chrono::duration_cast<Milliseconds>(message.time.time_since_epoch()).count();
    std::string line = "{\"@level\":";
    json::append_quoted(line, message.level == spdlog::level::warn ? std::string_view("warn") : std::string_view(level.data(), level.size()));
    line.append(",\"@message\":");
    json::append_quoted(line, {message.payload.data(), message.payload.size()});
    line.append(",\"@timestamp\":");
    json::append_quoted(line, format_rfc3339(UnixMillis{at}));
    line.append("}\n");
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

/// The value and where it was given; empty when nowhere.
struct Given {
  std::string_view value;
  std::string place;
};

Given given(const Arguments& flags, std::string_view flag, std::span<const char* const> variables) {
  if (flags.has(flag)) return {flags.value(flag), "-" + std::string(flag)};
  for (const char* variable : variables) {
    const char* const value = std::getenv(variable);
    if (value != nullptr && *value != '\0') return {value, variable};
  }
  return {};
}

Error invalid(const Given& where, const Error& error) { return {Code::kInvalid, where.place + " is " + error.message}; }

}  // namespace

Result<LogSettings> log_settings(const Arguments& flags, const Config& config) {
  LogSettings settings{config.log_level.empty() ? "info" : config.log_level, config.log_format};
  const Given level = given(flags, "log-level", std::array{"KEYHOLD_LOG_LEVEL", "VAULT_LOG_LEVEL"});
  if (!level.value.empty()) {
    auto parsed = parse_log_level(level.value);
    if (!parsed.ok()) return invalid(level, parsed.error());
    settings.level = std::move(parsed).value();
  }
  const Given format = given(flags, "log-format", std::array{"KEYHOLD_LOG_FORMAT", "VAULT_LOG_FORMAT"});
  if (!format.value.empty()) {
    const auto parsed = parse_log_format(format.value);
    if (!parsed.ok()) return invalid(format, parsed.error());
    settings.format = *parsed;
  }
  return settings;
}

void set_up_log(const LogSettings& settings) {
  const std::string name(kLoggerName);
  auto logger = spdlog::get(name);
  if (logger == nullptr) {
    logger = spdlog::stderr_logger_mt(name);
    spdlog::set_default_logger(logger);
  }
  if (settings.format == LogFormat::kJson) {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ [%l] %v", spdlog::pattern_time_type::utc);
  }
  logger->set_level(spdlog::level::from_str(settings.level));
}

}  // namespace keyhold::server
