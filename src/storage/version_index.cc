#include "storage/version_index.h"

namespace keyhold::storage {

namespace {
// Two list links, the hash node with its bucket, and the allocator's headers.
constexpr std::size_t kNodeOverheadBytes = 96;
}  // namespace

std::size_t VersionIndex::bytes_of(const Node& node) { return sizeof(Node) + kNodeOverheadBytes + node.key.size(); }

std::optional<Version> VersionIndex::find(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  nodes_.splice(nodes_.begin(), nodes_, found->second);
  return found->second->version;
}

void VersionIndex::put(std::string_view key, Version version) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    found->second->version = version;
    nodes_.splice(nodes_.begin(), nodes_, found->second);
    return;
  }
  nodes_.push_front({std::string(key), version});
  by_key_.emplace(nodes_.front().key, nodes_.begin());
  bytes_ += bytes_of(nodes_.front());
  while (bytes_ > bytes_max_ && nodes_.size() > 1) {
    bytes_ -= bytes_of(nodes_.back());
    by_key_.erase(nodes_.back().key);
    nodes_.pop_back();
  }
}

void VersionIndex::clear() {
  by_key_.clear();
  nodes_.clear();
  bytes_ = 0;
}

}  // namespace keyhold::storage
