#include "cli/child_process.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace keyhold::cli {
namespace {

/// The exit code of a shell's script.
int code_of(std::string script, EnvironmentBlock environment = {}) {
  const HeldSignals signals;
  const auto child = start_process({"sh", "-c", std::move(script)}, environment, signals.former_mask(), 022);
  EXPECT_TRUE(child.ok());
  if (!child.ok()) return -1;
  for (;;) {
    if (const auto code = reap(*child)) return *code;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(ChildProcess, KeepsTheExitCode) {
  EXPECT_EQ(code_of("exit 0"), 0);
  EXPECT_EQ(code_of("exit 42"), 42);
  EXPECT_EQ(code_of("kill -TERM $$"), 128 + SIGTERM);
  EXPECT_EQ(code_of("kill -KILL $$"), 128 + SIGKILL);
}

TEST(ChildProcess, HasTheMasksOfBefore) {
  EXPECT_EQ(code_of("test \"$(umask)\" = 0022"), 0);
  EXPECT_EQ(code_of("kill -USR1 $$; exit 1"), 128 + SIGUSR1) << "no signal is held back";
  EXPECT_EQ(code_of("kill -PIPE $$; exit 1"), 128 + SIGPIPE);
}

TEST(ChildProcess, GetsTheEnvironmentThatIsSet) {
  ::setenv("KEYHOLD_TEST_GONE", "x", 1);
  ::setenv("KEYHOLD_TEST_KEPT", "kept", 1);
  EnvironmentBlock environment;
  environment.remove("KEYHOLD_TEST_GONE");
  environment.set("KEYHOLD_TEST_SET", "one");
  environment.set("KEYHOLD_TEST_SET", "a=b\nc");
  environment.set("KEYHOLD_TEST_KEP", "");
  EXPECT_EQ(code_of("test -z \"${KEYHOLD_TEST_GONE+x}\" -a \"$KEYHOLD_TEST_KEPT\" = kept -a \"$KEYHOLD_TEST_SET\" = \"$(printf 'a=b\\nc')\"", std::move(environment)), 0);
}

TEST(ChildProcess, TellsWhyAProgramCannotBeRun) {
  EnvironmentBlock environment;
  const HeldSignals signals;
  const auto none = start_process({"/nonexistent/program"}, environment, signals.former_mask(), 022);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.code(), Code::kNotFound);
  EXPECT_EQ(none.error().name, kNotStarted);
  const auto folder = start_process({"/"}, environment, signals.former_mask(), 022);
  ASSERT_FALSE(folder.ok());
  EXPECT_EQ(folder.code(), Code::kInvalid);
}

TEST(ChildProcess, TellsWhichSignalsCame) {
  const HeldSignals signals;
  EXPECT_FALSE(signals.next());
  ::kill(::getpid(), SIGUSR1);
  const auto came = signals.next();
  ASSERT_TRUE(came);
  EXPECT_EQ(came->number, SIGUSR1);
  EXPECT_FALSE(came->from_terminal);
}

TEST(ChildProcess, KnowsSignalsByName) {
  EXPECT_EQ(signal_named("HUP"), SIGHUP);
  EXPECT_EQ(signal_named("SIGUSR1"), SIGUSR1);
  EXPECT_FALSE(signal_named("KILL"));
  EXPECT_FALSE(signal_named(""));
}

}  // namespace
}  // namespace keyhold::cli
