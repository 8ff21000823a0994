#include "base/process_hardening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keyhold {
namespace {

// In children: what is hardened stays so.
TEST(HardenProcessDeathTest, ClosesTheProcess) {
  EXPECT_EXIT(
      {
        harden_process();
        rlimit core{};
        const bool limited = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
        const bool undumpable = prctl(PR_GET_DUMPABLE) == 0;
        _exit(limited && undumpable && umask(0) == 077 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(HardenProcessDeathTest, WarnsOfRootOnlyWhenRoot) {
  EXPECT_EXIT(
      {
        const bool warned = ::testing::Value(harden_process(), ::testing::Contains(::testing::HasSubstr("as root")));
        _exit(warned == (geteuid() == 0) ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(SwapsToDisk, TellsZramFromDisks) {
  const std::string heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  EXPECT_FALSE(swaps_to_disk(""));
  EXPECT_FALSE(swaps_to_disk(heading));
  EXPECT_FALSE(swaps_to_disk(heading + "/dev/zram0  partition\t8388604\t0\t100\n"));
  EXPECT_TRUE(swaps_to_disk(heading + "/dev/sda2  partition\t8388604\t0\t-2\n"));
  EXPECT_TRUE(swaps_to_disk(heading + "/dev/zram0  partition\t8388604\t0\t100\n/swapfile  file\t1\t0\t-2"));
}

}  // namespace
}  // namespace keyhold
