#include "core/audit/merkle.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace keyhold::core::audit {
namespace {

using crypto::Digest;

Digest hash_node(const Digest& left, const Digest& right) {
  std::array<char, 65> node;
  node[0] = 1;
  std::copy(left.begin(), left.end(), node.begin() + 1);
  std::copy(right.begin(), right.end(), node.begin() + 33);
  return crypto::sha256({node.data(), node.size()});
}

Digest hash_leaf(const Digest& data) { return crypto::sha256(std::string_view("\0", 1), crypto::as_view(data)); }

}  // namespace

void MerkleTree::add(const Digest& leaf_data) {
  Digest hash = hash_leaf(leaf_data);
  const int full = std::countr_one(size_);
  for (int level = 0; level < full; ++level) hash = hash_node(subtrees_[level], hash);
  subtrees_[full] = hash;
  ++size_;
}

Digest MerkleTree::root() const {
  std::optional<Digest> root;
  for (std::uint64_t rest = size_; rest != 0; rest &= rest - 1) {
    const Digest& subtree = subtrees_[std::countr_zero(rest)];
    root = root ? hash_node(subtree, *root) : subtree;
  }
  return root ? *root : crypto::sha256({});
}

}  // namespace keyhold::core::audit
