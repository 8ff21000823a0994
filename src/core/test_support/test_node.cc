#include "core/test_support/test_node.h"

#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/json.h"
#include "core/audit/line.h"
#include "core/audit_record.h"
#include "core/record.h"

namespace keyhold::core::test {
namespace {

/// Of a value that a test cannot go on without.
template <typename T>
T must(Result<T> result) {
  if (!result.ok()) std::fprintf(stderr, "test node: %s\n", result.error().message.c_str());
  CHECK(result.ok());
  return std::move(result).value();
}

Got to_got(Answer answer) {
  Got got;
  got.request_id = answer.request_id.text();
  got.mount_type = answer.mount_type;
  got.retry_after_s = answer.retry_after_s;
  got.payload = answer.payload;
  if (!answer.result.ok()) {
    got.error = std::move(answer.result).error();
    return got;
  }
  got.outcome = answer.result->outcome;
  got.lease_duration_s = answer.result->lease_duration_s;
  got.data = answer.result->data.reveal();
  if (const auto& file = answer.result->file; file != nullptr) {
    std::string content(file->size(), '\0');
    CHECK(file->read_at(0, content).value() == content.size());
    got.data += content;
  }
  got.warnings = std::move(answer.result->warnings);
  if (const WrapInfo* info = answer.result->wrap_info.get()) {
    got.wrapping_token = info->token.reveal();
    got.wrapping_accessor = info->accessor;
    got.wrapped_accessor = info->wrapped_accessor;
    got.creation_path = info->creation_path;
    got.wrapping_ttl_s = info->ttl_s;
  }
  return got;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() {
  path_ = (std::filesystem::temp_directory_path() / "keyhold-test-XXXXXX").string();
  CHECK(::mkdtemp(path_.data()) != nullptr);
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Got::word() const {
  if (error) return std::string(outcome_word(error->code));
  switch (outcome) {
    case Reply::Outcome::kFound: return "found";
    case Reply::Outcome::kEmpty: return "empty";
    case Reply::Outcome::kNotFound: return "not-found";
  }
  return "";
}

std::string Got::at(std::string_view member) const {
  auto document = json::Document::parse(data);
  if (!document.ok()) return "(none)";
  json::Value value = document->root();
  while (!member.empty()) {
    const std::size_t dot = std::min(member.find('.'), member.size());
    const auto next = value.find(member.substr(0, dot));
    if (!next) return "(none)";
    value = *next;
    member.remove_prefix(std::min(dot + 1, member.size()));
  }
  return value.is_string() ? must(value.as_string()) : std::string(value.raw());
}

TestNode::TestNode(storage::Storage& store, const Clock& clock, const AddEngines& add_engines, Options options)
    : store_(store), clock_(clock) {
  audit::JournalOptions journal;
  journal.directory = directory_.path() + "/audit";
  journal.streams = options.lanes + 1;
  journal_ = options.journal_calls == nullptr
                 ? must(audit::Journal::open(journal, clock))
                 : must(audit::Journal::open(journal, clock, *options.journal_calls));
  Node::Parts parts{store_, *journal_, options.lanes, clock_, rng_, [](std::string_view) {}, options.post};
  parts.snapshot_directory = options.snapshot_directory;
  node_ = std::make_unique<Node>(parts);
  CHECK(node_->load().ok());
  add_engines(router_, *node_);
  gate_ = std::make_unique<Gate>(*node_, router_, options.warn);
  for (int i = 0; i < options.lanes; ++i) {
    EventLoop& own_loop = *loops_.emplace_back(std::make_unique<EventLoop>());
    auto post = [&own_loop](std::function<void()> task) { own_loop.post(std::move(task)); };
    lanes_.push_back(std::make_unique<Lane>(journal_->stream(i), std::move(post), node_->config().snapshot(),
                                            node_->session(), clock_, node_->metrics().add_thread()));
  }
}

TestNode::~TestNode() {
  for (const auto& own_loop : loops_) own_loop->stop();
  gate_.reset();
  for (const auto& lane : lanes_) static_cast<void>(lane->close());
  node_.reset();
  journal_.reset();
  lanes_.clear();
}

void TestNode::initialize() {
  auto made = must(node_->initialize(1, 1));
  know(std::move(made.shares.front()), std::string(made.root_token.reveal()));
  unseal();
}

void TestNode::join(const TestNode& first) { CHECK(!must(try_to_join(first)).sealed); }

Result<SealStatus> TestNode::try_to_join(const TestNode& first) {
  know(first.share_.clone(), first.root_token_);
  CHECK(node_->load().ok());
  return node_->unseal(share_);
}

void TestNode::know(SecretBytes share, std::string root_token) {
  share_ = std::move(share);
  root_token_ = std::move(root_token);
}

void TestNode::unseal() { CHECK(!must(node_->unseal(share_)).sealed); }

std::future<Got> TestNode::ask_later(Ask ask, int lane) {
  struct Pending {
    Request request;
    std::promise<Got> got;
  };
  auto pending = std::make_shared<Pending>();
  Request& request = pending->request;
  request.operation = ask.operation;
  request.path = std::move(ask.path);
  if (of_folder(request.operation) && !request.path.ends_with('/')) request.path.push_back('/');
  request.credential.token = SecretBytes::copy_of(ask.token ? *ask.token : root_token_);
  request.query = std::move(ask.query);
  request.body = SecretBytes::copy_of(ask.body);
  request.peer_address = std::move(ask.peer);
  request.wrap_ttl_s = ask.wrap_ttl_s;
  request.region = ask.region;
  if (ask.change) ask.change(request);
  auto got = pending->got.get_future();
  loop(lane).post([this, pending, lane] {
    gate_->handle(*lanes_[static_cast<std::size_t>(lane)], std::move(pending->request),
                  [pending](Answer answer) { pending->got.set_value(to_got(std::move(answer))); });
  });
  return got;
}

Got TestNode::read(std::string path, std::optional<std::string> token) {
  return ask({.operation = Operation::kRead, .path = std::move(path), .token = std::move(token)});
}
Got TestNode::write(std::string path, std::string body, std::optional<std::string> token) {
  return ask({.operation = Operation::kUpdate, .path = std::move(path), .token = std::move(token), .body = std::move(body)});
}
Got TestNode::erase(std::string path, std::optional<std::string> token) {
  return ask({.operation = Operation::kDelete, .path = std::move(path), .token = std::move(token)});
}
Got TestNode::list(std::string path, std::optional<std::string> token) {
  return ask({.operation = Operation::kList, .path = std::move(path), .token = std::move(token)});
}

storage::Outcome TestNode::commit(const Transaction& tx) {
  Transaction::Commit commit = must(tx.prepare(node_->barrier()));
  for (storage::Batch& batch : commit.staged) {
    if (auto outcome = store_.commit(std::move(batch)); !outcome.ok()) return outcome;
  }
  return store_.commit(std::move(commit.batch));
}

std::string TestNode::token(std::vector<std::string> policies, std::int64_t ttl_s) {
  Transaction tx = transaction();
  TokenSpec spec;
  spec.policies = std::move(policies);
  spec.path = "auth/token/create";
  spec.display_name = "token";
  spec.ttl_s = ttl_s;
  NewToken made = must(node_->session().load()->tokens.create(tx, std::move(spec), rng_));
  CHECK(commit(tx).ok());
  return std::string(made.token.reveal());
}

void TestNode::put_policy(std::string_view name, std::string_view text) {
  records::Policy policy;
  policy.set_namespace_id(keys::kRootNamespace);
  policy.set_name(std::string(name));
  policy.set_text(std::string(text));
  Transaction tx = transaction();
  tx.put(keys::policy(keys::kRootNamespace, name), encode_record(policy));
  CHECK(commit(tx).ok());
}

keys::MountId TestNode::put_mount(std::string path, std::string engine) {
  Transaction tx = transaction();
  const auto next = must(tx.load<records::NextId>(keys::next_id()));
  records::Mount mount;
  mount.set_id(next == nullptr ? kFirstMountId : next->next());
  mount.set_namespace_id(keys::kRootNamespace);
  mount.set_path(std::move(path));
  mount.set_accessor(engine + "_test");
  mount.set_engine(std::move(engine));
  records::NextId after;
  after.set_next(mount.id() + 1);
  tx.put(keys::next_id(), encode_record(after));
  tx.put(keys::mount(keys::kRootNamespace, mount.id()), encode_record(mount));
  CHECK(commit(tx).ok());
  return mount.id();
}

std::vector<std::string> TestNode::records() const {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path() + "/audit")) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    for (std::string text; std::getline(file, text);) {
      const auto line = audit::parse_line(text);
      CHECK(line.has_value());
      if (line->kind() == audit::LineKind::kRecord) found.emplace_back(line->members);
    }
  }
  return found;
}

std::vector<std::string> TestNode::records_of(std::string_view request_id) const {
  std::vector<std::string> found;
  for (std::string& members : records()) {
    if (members.find("\"id\":\"" + std::string(request_id) + "\"") != std::string::npos) found.push_back(std::move(members));
  }
  return found;
}

namespace {

void for_each_key(const storage::Storage& store, std::string_view prefix,
                  const std::function<void(const std::string&)>& visit) {
  std::string after;
  for (;;) {
    storage::ListOptions options;
    options.prefix = prefix;
    options.after = after;
    const storage::Page page = must(store.list(options));
    for (const auto& item : page.items) visit(item.key);
    if (!page.more) return;
    after = page.items.back().key;
  }
}

}  // namespace

std::string all_bytes(const storage::Storage& store) {
  std::string bytes;
  for_each_key(store, "", [&](const std::string& key) {
    bytes.append(key);
    if (const auto entry = must(store.get(key))) bytes.append(entry->value);
  });
  return bytes;
}

std::size_t count_keys(const storage::Storage& store, std::string_view prefix) {
  std::size_t count = 0;
  for_each_key(store, prefix, [&](const std::string&) { ++count; });
  return count;
}

bool await(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace keyhold::core::test
