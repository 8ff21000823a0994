#include "server/server_command.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhold::server {
namespace {

int run(std::vector<std::string_view> words) { return server_command(*Arguments::parse(kServerFlags, words)); }

TEST(ServerCommand, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"-dev=false"}), 2);
  EXPECT_EQ(run({"-dev", "-config", "x.hcl"}), 2);
  EXPECT_EQ(run({"-dev", "-log-level=loud"}), 2);
}

}  // namespace
}  // namespace keyhold::server
