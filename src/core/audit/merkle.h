#pragma once

#include <array>
#include <cstdint>

#include "crypto/hmac.h"

namespace keyhold::core::audit {

/// The Merkle tree of RFC 6962 section 2.1, of which only the roots of the complete subtrees are kept: 2 KiB at any size.
///
/// A leaf's data is a line's chain value, so a leaf costs two short hashes and never the line again.
/// threads   One at a time.
class MerkleTree {
 public:
  void add(const crypto::Digest& leaf_data);
  std::uint64_t size() const { return size_; }
  crypto::Digest root() const;

 private:
  std::uint64_t size_ = 0;
  // subtrees_[k] is a root over 2^k leaves, meant while bit k of size_ is set.
  std::array<crypto::Digest, 64> subtrees_{};
};

}  // namespace keyhold::core::audit
