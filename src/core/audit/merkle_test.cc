#include "core/audit/merkle.h"

#include <gtest/gtest.h>

#include <bit>
#include <span>
#include <vector>

#include "base/encoding.h"

namespace keyhold::core::audit {
namespace {

using crypto::Digest;

/// RFC 6962 section 2.1, as it is written there.
Digest naive_root(std::span<const Digest> leaves) {
  if (leaves.empty()) return crypto::sha256({});
  if (leaves.size() == 1) return crypto::sha256(std::string(1, '\0'), crypto::as_view(leaves[0]));
  const std::size_t split = std::bit_floor(leaves.size() - 1);
  const Digest left = naive_root(leaves.first(split));
  const Digest right = naive_root(leaves.subspan(split));
  return crypto::sha256("\x01" + std::string(crypto::as_view(left)), crypto::as_view(right));
}

TEST(MerkleTree, AgreesWithTheDefinitionAtEverySize) {
  MerkleTree tree;
  std::vector<Digest> leaves;
  for (int i = 0; i <= 600; ++i) {
    ASSERT_EQ(tree.size(), leaves.size());
    ASSERT_EQ(tree.root(), naive_root(leaves)) << i;
    leaves.push_back(crypto::sha256(std::to_string(i)));
    tree.add(leaves.back());
  }
}

TEST(MerkleTree, EmptyRootIsTheHashOfNothing) {
  EXPECT_EQ(hex_encode(crypto::as_view(MerkleTree().root())),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace keyhold::core::audit
