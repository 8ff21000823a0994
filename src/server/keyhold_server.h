#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "api/front_door.h"
#include "api/lanes.h"
#include "auth/access_key/access_key_auth.h"
#include "auth/access_key/sts.h"
#include "auth/token/token_auth.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/audit/file_calls.h"
#include "core/audit/forward/forwarder.h"
#include "core/audit/journal.h"
#include "core/gate.h"
#include "core/node.h"
#include "core/router.h"
#include "crypto/random.h"
#include "engine/engines.h"
#include "http/server.h"
#include "server/auto_unsealer.h"
#include "server/config/config.h"
#include "storage/storage.h"

namespace keyhold::server {

/// What to run; from a configuration file or from the flags of dev mode.
struct Settings {
  enum class Store { kMemory, kEmbedded };
  Store store = Store::kEmbedded;
  std::string store_path;
  std::string snapshot_directory;  // "" = no schedule makes snapshots.
  core::audit::JournalOptions journal;
  engine::ServerFacts facts;
  http::Server::Doors doors = http::Server::Doors::kOpen;  // Closed: nobody is served before open_doors().
  SealConfig seal;
  SealConfig former_seal;
  std::vector<core::audit::Device> audit_devices;
  std::vector<http::ListenerOptions> listeners;
};

/// "https://127.0.0.1:8200", as clients are told it.
std::string listener_url(const http::ListenerOptions& listener, std::uint16_t port);

/// Owns and wires everything of one server: store, journal, node, gate, APIs, listeners.
///
/// threads   One; the parts have their own.
class KeyholdServer {
 public:
  /// Opens the store and the journal, and serves. errors: of the first part that failed, saying which.
  static Result<std::unique_ptr<KeyholdServer>> start(Settings settings);
  /// Lets requests in flight finish, then closes everything in order.
  ~KeyholdServer();

  std::uint16_t port(int listener) const { return http_->port(listener); }  // The bound one.
  core::Node& node() { return *node_; }
  void open_doors() { http_->open_doors(); }
  /// Reads the certificates anew and opens the files of audit devices anew, all or none: on an error everything stays as it was.
  Result<void> reload();
  core::audit::ForwarderCounters audit_device_counters(std::size_t device) const { return forwarders_[device]->counters(); }

  /// Sends a request through the Gate as a client would, and waits. Not from a worker's thread.
  core::Answer ask(core::Request request);

 private:
  KeyholdServer() = default;
  Result<void> open(const Settings& settings);
  Result<void> serve(const Settings& settings);
  void start_forwarders(const Settings& settings);
  void add_device_metrics(std::vector<core::MetricSample>& out) const;

  SystemClock clock_;
  crypto::OsRng rng_;
  core::Router router_;
  auth::TokenAuth token_auth_;
  auth::AccessKeyAuth access_key_auth_;
  auth::Sts sts_;
  std::unique_ptr<storage::Storage> store_;
  std::unique_ptr<core::audit::Journal> journal_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<core::AutoSeal> auto_seal_;         // Null: the server is unsealed by shares.
  std::unique_ptr<core::AutoSeal> former_auto_seal_;  // Null: none is left.
  std::unique_ptr<core::Node> node_;
  core::audit::FileCalls file_calls_;
  std::vector<std::unique_ptr<core::audit::Forwarder>> forwarders_;
  std::unique_ptr<engine::Engines> engines_;
  std::unique_ptr<core::Gate> gate_;
  api::Lanes lanes_;
  std::unique_ptr<api::FrontDoor> front_door_;
  std::unique_ptr<http::Server> http_;
  std::unique_ptr<AutoUnsealer> unsealer_;
};

}  // namespace keyhold::server
