#include "server/keyhold_server.h"

#include <spdlog/spdlog.h>

#include <future>
#include <limits>

#include "client/http_call.h"
#include "server/auto_seals.h"
#include "storage/memory_storage.h"
#include "storage/rocksdb_storage.h"

namespace keyhold::server {
namespace {

constexpr std::int64_t kDrainMs = 10'000;

void warn(std::string_view line) { spdlog::warn("{}", line); }

constexpr std::size_t kRotatorAnswerBytesMax = 1024 * 1024;

Result<int> post_to_rotator(const core::rotation::Post& post) {
  client::HttpClient http({.ca_pem = std::string(post.ca_pem), .timeout_ms = post.timeout_ms, .answer_bytes_max = kRotatorAnswerBytesMax});
  std::vector<client::HttpHeader> headers;
  for (const auto& [name, value] : post.headers) headers.push_back({name, value});
  TRY_ASSIGN(const auto answer, http.call({.method = "POST", .url = post.url, .body = post.body, .headers = std::move(headers), .stopping = post.stopping}));
  return answer.status;
}

/// An operator's error names the place.
template <typename T>
Result<T> at(const std::string& place, Result<T> result) {
  if (!result.ok()) return Error{result.code(), place + ": " + result.error().message};
  return result;
}

}  // namespace

std::string listener_url(const http::ListenerOptions& listener, std::uint16_t port) {
  const bool ipv6 = listener.host.find(':') != std::string::npos;
  const std::string host = ipv6 ? "[" + listener.host + "]" : listener.host;
  return (listener.tls ? "https://" : "http://") + host + ":" + std::to_string(port);
}

Result<std::unique_ptr<KeyholdServer>> KeyholdServer::start(Settings settings) {
  std::unique_ptr<KeyholdServer> server(new KeyholdServer());
  TRY(server->open(settings));
  TRY(server->serve(settings));
  return server;
}

Result<void> KeyholdServer::open(const Settings& settings) {
  if (settings.store == Settings::Store::kMemory) {
    store_ = std::make_unique<storage::MemoryStorage>(clock_);
  } else {
    storage::RocksOptions options;
    options.path = settings.store_path;
    options.warn = warn;
    TRY_ASSIGN(store_, at(settings.store_path, storage::RocksStorage::open(std::move(options), clock_)));
  }
  return {};
}

Result<void> KeyholdServer::serve(const Settings& settings) {
  http::ServerOptions http_options;
  http_options.listeners = settings.listeners;
  for (const char* path : {"/v1/sys/storage/raft/snapshot", "/v1/sys/storage/raft/snapshot-force", "/v1/sys/storage/raft/snapshot-recover"}) {
    http_options.body_bounds.push_back({path, limits::kHttpSnapshotBytesMax});
  }

  core::audit::JournalOptions journal_options = settings.journal;
  journal_options.warn = warn;
  http_options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  journal_options.streams = http_options.threads + 1;
  TRY_ASSIGN(journal_, at(settings.journal.directory, core::audit::Journal::open(journal_options, clock_)));

  const SealParts seal_parts{rng_, stopping_, warn};
  TRY_ASSIGN(auto_seal_, make_auto_seal(settings.seal, seal_parts));
  TRY_ASSIGN(former_auto_seal_, make_auto_seal(settings.former_seal, seal_parts));
  node_ = std::make_unique<core::Node>(
      core::Node::Parts{*store_, *journal_, http_options.threads, clock_, rng_, warn, post_to_rotator, auto_seal_.get(),
                        former_auto_seal_.get(), settings.snapshot_directory});
  TRY(node_->load());
  engines_ = std::make_unique<engine::Engines>(*node_, router_, settings.facts, settings.audit_devices);
  engines_->add_to(router_);
  router_.add("token", token_auth_);
  router_.add("access-key", access_key_auth_, core::MountKind::kAuth);
  router_.add_service("sts", sts_);
  gate_ = std::make_unique<core::Gate>(*node_, router_, warn);
  front_door_ = std::make_unique<api::FrontDoor>(*gate_, lanes_);
  TRY_ASSIGN(http_, http::Server::bind(std::move(http_options), *front_door_));
  for (int i = 0; i < http_->threads(); ++i) {
    http::Worker& worker = http_->worker(i);
    auto post = [&worker](std::function<void()> task) { worker.post(std::move(task)); };
    lanes_.add(std::make_unique<core::Lane>(journal_->stream(i), std::move(post), node_->config().snapshot(), node_->session(),
                                            clock_, node_->metrics().add_thread()));
  }
  node_->set_on_sealed([this] {
    lanes_.refresh();
    http_->close_connections();
  });
  start_forwarders(settings);
  http_->start(settings.doors);
  if (auto_seal_ != nullptr) unsealer_ = std::make_unique<AutoUnsealer>(*node_, warn);
  return {};
}

void KeyholdServer::start_forwarders(const Settings& settings) {
  const auto hash = [this](std::string_view value) -> std::optional<std::string> {
    const auto session = node_->session().load();
    if (session == nullptr) return std::nullopt;
    return session->redactor.hash(value);
  };
  for (const core::audit::Device& device : settings.audit_devices) {
    forwarders_.push_back(std::make_unique<core::audit::Forwarder>(core::audit::Forwarder::Parts{
        device, settings.journal.directory, *journal_, clock_, file_calls_, hash, warn}));
  }
  if (forwarders_.empty()) return;
  node_->metrics().add_source([this](std::vector<core::MetricSample>& out) { add_device_metrics(out); });
  journal_->set_forwarded([this](int stream) {
    std::uint64_t below = std::numeric_limits<std::uint64_t>::max();
    for (const auto& forwarder : forwarders_) below = std::min(below, forwarder->forwarded_below(stream));
    return below;
  });
}

void KeyholdServer::add_device_metrics(std::vector<core::MetricSample>& out) const {
  using Kind = core::MetricSample::Kind;
  for (const auto& forwarder : forwarders_) {
    const core::audit::ForwarderCounters counters = forwarder->counters();
    const std::vector<std::pair<std::string, std::string>> labels{{"device", forwarder->device().name}};
    const auto add = [&](const char* name, std::string_view help, Kind kind, std::uint64_t value) {
      out.push_back({.name = name, .help = help, .kind = kind, .value = static_cast<double>(value), .labels = labels});
    };
    add("keyhold.audit_device.lines", "Lines written to an audit device.", Kind::kCounter, counters.lines);
    add("keyhold.audit_device.failures", "Attempts to open, write or sync an audit device that failed.", Kind::kCounter, counters.failures);
    add("keyhold.audit_device.records_missed", "Records removed from the journal before an audit device had them.", Kind::kCounter, counters.records_missed);
    add("keyhold.audit_device.failing", "1 while an audit device takes nothing.", Kind::kGauge, counters.failing ? 1 : 0);
  }
}

Result<void> KeyholdServer::reload() {
  std::vector<core::audit::FileSink> sinks;
  for (const auto& forwarder : forwarders_) {
    TRY_ASSIGN(core::audit::FileSink sink, forwarder->open_again());
    sinks.push_back(std::move(sink));
  }
  TRY(http_->reload_certificates());
  for (std::size_t i = 0; i < sinks.size(); ++i) forwarders_[i]->adopt(std::move(sinks[i]));
  return {};
}

KeyholdServer::~KeyholdServer() {
  stopping_ = true;
  unsealer_.reset();
  if (http_) http_->stop(kDrainMs);
  gate_.reset();  // Waits for what is still running.
  if (const auto closed = lanes_.close(); !closed.ok()) warn(closed.error().message);
  if (journal_) journal_->set_forwarded(nullptr);
  forwarders_.clear();  // After the last records, while there is a key to hash with.
  node_.reset();        // Stops the jobs.
  journal_.reset();     // Writes the last checkpoint.
  // The lanes, and with them answers nobody waits for, go while the connections they belong to are still there.
  lanes_.drop();
  http_.reset();
  front_door_.reset();
  store_.reset();
}

core::Answer KeyholdServer::ask(core::Request request) {
  struct Call {
    core::Request request;
    std::promise<core::Answer> answer;
  };
  auto call = std::make_shared<Call>();
  call->request = std::move(request);
  auto answer = call->answer.get_future();
  http_->worker(0).post([this, call] {
    gate_->handle(lanes_.at(0), std::move(call->request),
                  [call](core::Answer answered) { call->answer.set_value(std::move(answered)); });
  });
  return answer.get();
}

}  // namespace keyhold::server
