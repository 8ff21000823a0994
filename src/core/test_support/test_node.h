#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "core/audit/file_calls.h"
#include "core/audit/journal.h"
#include "core/gate.h"
#include "core/lane.h"
#include "core/node.h"
#include "core/router.h"
#include "core/test_support/event_loop.h"
#include "crypto/random.h"
#include "storage/memory_storage.h"

/// A server without its network: what tests of the Gate, engines and auth methods talk to.
namespace keyhold::core::test {

/// A directory that goes with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Ask {
  Operation operation = Operation::kRead;
  std::string path{};
  std::optional<std::string> token{};  // Absent = the root token; empty = none.
  std::string body{};
  std::vector<std::pair<std::string, std::string>> query{};
  std::string peer = "127.0.0.1";
  std::optional<std::int64_t> wrap_ttl_s{};
  std::string region{};
  std::function<void(Request&)> change{};  // Has the last word.
};

/// An Answer in forms that a test can compare and keep.
struct Got {
  std::string request_id;
  std::optional<Error> error;
  Reply::Outcome outcome = Reply::Outcome::kEmpty;
  std::string data;  // And the file that follows it.
  std::vector<std::string> warnings;
  std::string mount_type;
  std::int64_t retry_after_s = 0;
  std::int64_t lease_duration_s = 0;
  Payload payload = Payload::kNone;
  std::string wrapping_token;  // Empty: the answer is not wrapped. What WrapInfo says beside it:
  std::string wrapping_accessor;
  std::string wrapped_accessor;
  std::string creation_path;
  std::int64_t wrapping_ttl_s = 0;

  /// "found", "empty", "not-found" of a reply; of an error the word for its code: "denied", "invalid", ….
  std::string word() const;
  bool ok() const { return !error; }
  /// The text of a member of `data`: nested by dots, strings without quotes. "(none)" when it is not there.
  std::string at(std::string_view member) const;
};

/// A node on a store that may be shared, with its own journal, gate and I/O threads.
///
/// owner     The test; destroyed before the store and the engines.
/// threads   ask() and its kin from any; the rest from one.
class TestNode {
 public:
  struct Options {
    int lanes = 1;
    audit::FileCalls* journal_calls = nullptr;  // nullptr = the system's.
    rotation::Poster post{};                    // What answers rotators that call by HTTP.
    std::string snapshot_directory{};           // Where schedules make snapshots.
    std::function<void(std::string_view)> warn{};  // Of the Gate.
  };
  using AddEngines = std::function<void(Router&, Node&)>;

  TestNode(storage::Storage& store, const Clock& clock, const AddEngines& add_engines, Options options = {1, nullptr, {}, {}, {}});
  ~TestNode();

  /// Initialises the store with one share, and unseals.
  void initialize();
  /// Unseals a store that `first` initialised.
  void join(const TestNode& first);
  /// The same when it may be refused.
  Result<SealStatus> try_to_join(const TestNode& first);
  /// Takes the share and root token of an initialisation made elsewhere.
  void know(SecretBytes share, std::string root_token);
  void unseal();

  Got ask(Ask ask) { return ask_later(std::move(ask)).get(); }
  std::future<Got> ask_later(Ask ask, int lane = 0);
  Got read(std::string path, std::optional<std::string> token = {});
  Got write(std::string path, std::string body, std::optional<std::string> token = {});
  Got erase(std::string path, std::optional<std::string> token = {});
  Got list(std::string path, std::optional<std::string> token = {});

  // What an operator would do, past the Gate.
  std::string token(std::vector<std::string> policies, std::int64_t ttl_s = 3600);
  void put_policy(std::string_view name, std::string_view text);
  /// Mounts an engine that the router knows; `path` ends with a slash. Returns its id.
  keys::MountId put_mount(std::string path, std::string engine);

  Transaction transaction() { return {node_->cache(), store_, Transaction::Mode::kThroughStore}; }
  /// All batches of a transaction, in order; the outcome of the first that failed, or of the last.
  storage::Outcome commit(const Transaction& tx);

  Node& node() { return *node_; }
  Gate& gate() { return *gate_; }
  EventLoop& loop(int lane) { return *loops_[static_cast<std::size_t>(lane)]; }
  const std::string& root_token() const { return root_token_; }
  const std::string& journal_directory() const { return directory_.path(); }
  /// The lines of the journal that are on disk, without checkpoints and the like.
  std::vector<std::string> records() const;
  /// Those of one request.
  std::vector<std::string> records_of(std::string_view request_id) const;

 private:
  TemporaryDirectory directory_;
  crypto::OsRng rng_;
  storage::Storage& store_;
  const Clock& clock_;
  SecretBytes share_;
  std::string root_token_;
  Router router_;
  std::unique_ptr<audit::Journal> journal_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<Gate> gate_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

/// Every key and value of a store as the disk has them, one after the other.
std::string all_bytes(const storage::Storage& store);
/// How many keys begin so.
std::size_t count_keys(const storage::Storage& store, std::string_view prefix);

/// Waits for what another thread brings about; false when it did not come within 20 s.
bool await(const std::function<bool()>& condition);

}  // namespace keyhold::core::test
