#pragma once

#include "core/aws_names.h"
#include "core/node.h"
#include "core/router.h"
#include "engine/cubbyhole/cubbyhole_engine.h"
#include "engine/kv/kv_engine.h"
#include "engine/kv/kv_v1_engine.h"
#include "engine/secretsmanager/secrets_manager.h"
#include "engine/sys/key_routes.h"
#include "engine/sys/lease_routes.h"
#include "engine/sys/metrics_routes.h"
#include "engine/sys/mount_routes.h"
#include "engine/sys/rekey_routes.h"
#include "engine/sys/root_token_routes.h"
#include "engine/sys/rotator_routes.h"
#include "engine/sys/snapshot_routes.h"
#include "engine/sys/spec_routes.h"
#include "engine/sys/sys_audit.h"
#include "engine/sys/sys_engine.h"
#include "engine/sys/sys_info.h"
#include "engine/sys/sys_tools.h"
#include "engine/sys/wrapping_routes.h"

namespace keyhold::engine {

/// Every engine there is, under the type that a mount names it by.
///
/// Outlives the router that it is added to.
/// threads   As Router.
class Engines {
 public:
  Engines(core::Node& node, const core::Router& router, ServerFacts facts = {},
          std::vector<core::audit::Device> audit_devices = {})
      : snapshots_(node, facts.spool_directory),
        sys_(node, std::move(facts)),
        keys_(node),
        rekey_(node),
        root_tokens_(node),
        mounts_(router),
        specs_(router),
        sys_audit_(std::move(audit_devices)),
        metrics_(node) {}

  void add_to(core::Router& router) {
    for_each([&](const char* type, core::MountKind kind, auto member) { router.add(type, this->*member, kind); });
    router.add_name("kv", "kv-v1");  // A mount that names no version.
    router.add_name("generic", "kv-v1");
    router.add_service("secretsmanager", secrets_manager_, std::string(core::aws::kMount), std::string(core::aws::kMountEngine));
  }

  /// Calls `visit` with the type and the tables of routes under it.
  template <typename Visit>
  static void for_each_table(Visit&& visit) {
    for_each([&]<typename Engine>(const char* type, core::MountKind, Engine Engines::*) { visit(type, Engine::kRoutes); });
  }

 private:
  /// The one list of types. Several objects may share a type: their tables are one.
  template <typename Visit>
  static void for_each(Visit&& visit) {
    using core::MountKind;
    visit("system", MountKind::kBuiltIn, &Engines::snapshots_);
    visit("system", MountKind::kBuiltIn, &Engines::sys_);
    visit("system", MountKind::kBuiltIn, &Engines::keys_);
    visit("system", MountKind::kBuiltIn, &Engines::rekey_);
    visit("system", MountKind::kBuiltIn, &Engines::root_tokens_);
    visit("system", MountKind::kBuiltIn, &Engines::mounts_);
    visit("system", MountKind::kBuiltIn, &Engines::specs_);
    visit("system", MountKind::kBuiltIn, &Engines::sys_audit_);
    visit("system", MountKind::kBuiltIn, &Engines::leases_);
    visit("system", MountKind::kBuiltIn, &Engines::sys_info_);
    visit("system", MountKind::kBuiltIn, &Engines::sys_tools_);
    visit("system", MountKind::kBuiltIn, &Engines::wrapping_);
    visit("system", MountKind::kBuiltIn, &Engines::rotators_);
    visit("system", MountKind::kBuiltIn, &Engines::metrics_);
    visit("kv-v1", MountKind::kSecrets, &Engines::kv_v1_);
    visit("kv-v2", MountKind::kSecrets, &Engines::kv_);
    visit("cubbyhole", MountKind::kBuiltIn, &Engines::cubbyhole_);
  }

  SnapshotRoutes snapshots_;
  SysEngine sys_;
  KeyRoutes keys_;
  RekeyRoutes rekey_;
  RootTokenRoutes root_tokens_;
  MountRoutes mounts_;
  SpecRoutes specs_;
  SysAudit sys_audit_;
  LeaseRoutes leases_;
  SysInfo sys_info_;
  SysTools sys_tools_;
  WrappingRoutes wrapping_;
  RotatorRoutes rotators_;
  MetricsRoutes metrics_;
  KvV1Engine kv_v1_;
  KvEngine kv_;
  CubbyholeEngine cubbyhole_;
  SecretsManager secrets_manager_;
};

}  // namespace keyhold::engine
