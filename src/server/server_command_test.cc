#include "server/server_command.h"

#include <gtest/gtest.h>

#include <array>

namespace keyhold::server {
namespace {

template <std::size_t N>
int run(const std::array<std::string_view, N>& arguments) {
  return server_command(arguments);
}

TEST(ServerCommand, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(run(std::array<std::string_view, 0>{}), 2);
  EXPECT_EQ(run(std::array<std::string_view, 1>{"-device"}), 2);
  EXPECT_EQ(run(std::array<std::string_view, 3>{"-dev", "-config", "x.hcl"}), 2);
  EXPECT_EQ(run(std::array<std::string_view, 2>{"-dev", "-log-level=loud"}), 2);
}

}  // namespace
}  // namespace keyhold::server
