#pragma once

#include <array>

#include "core/node.h"
#include "core/route.h"

namespace keyhold::engine {

/// "sys/metrics": figures for monitoring, under the names that dashboards for Vault expect, and under our own.
///
/// threads   Any.
/// source    Vault API, sys/metrics; Vault's telemetry pages; Prometheus' text exposition format 0.0.4.
class MetricsRoutes {
 public:
  explicit MetricsRoutes(core::Node& node) : node_(node) {}

  Result<core::Reply> read(core::Call& call);

 private:
  static constexpr std::array kFields{
      core::Field{.name = "format",
                  .source = core::FieldSource::kQuery,
                  .audit = core::Audit::kClear,
                  .help = "\"prometheus\" for Prometheus' text; JSON when absent."}};

  core::Node& node_;

 public:
  static constexpr std::array kRoutes{
      core::Route<MetricsRoutes>{.info = {.operation = core::Operation::kRead,
                                          .path = "metrics",
                                          .access = core::Capability::kRead,
                                          .fields = kFields,
                                          .cost = core::Cost::kDisk,
                                          .reply = core::Payload::kBare,
                                          .help = "Figures for monitoring."},
                                 .handler = &MetricsRoutes::read}};
};

}  // namespace keyhold::engine
