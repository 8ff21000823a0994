#include "cli/secret_folder.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace keyhold::cli {
namespace {

const char* no_variable(const char*) { return nullptr; }

std::vector<Variable> variables(std::initializer_list<std::string_view> names) {
  std::vector<Variable> all;
  for (const std::string_view name : names) all.push_back({std::string(name), SecretBytes::copy_of("value of " + std::string(name)), ""});
  return all;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(SecretFolder, HoldsAFileOfEachVariable) {
  std::string folder;
  {
    auto made = SecretFolder::make(no_variable);
    ASSERT_TRUE(made.ok()) << made.error().message;
    const auto first = variables({"A", "B"});
    ASSERT_TRUE(made->write(first).ok());
    folder = std::filesystem::path(made->file_of(first[0])).parent_path();
    EXPECT_EQ(mode_of(folder), 0700u);
    EXPECT_EQ(mode_of(folder + "/A"), 0400u);
    EXPECT_EQ(text_of(folder + "/A"), "value of A");
    ASSERT_TRUE(made->write(variables({"B", "C"})).ok());
    EXPECT_FALSE(std::filesystem::exists(folder + "/A")) << "what is no more chosen goes";
    EXPECT_EQ(text_of(folder + "/C"), "value of C");
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

/// A process that has a folder and waits to be killed; its folder.
std::string folder_of_another(pid_t& process) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  process = ::fork();
  if (process == 0) {
    auto made = SecretFolder::make(no_variable);
    const auto one = variables({"A"});
    if (!made.ok() || !made->write(one).ok()) ::_exit(1);
    const std::string path = std::filesystem::path(made->file_of(one[0])).parent_path();
    if (::write(ends[1], path.data(), path.size()) < 0) ::_exit(1);
    for (;;) ::pause();
  }
  std::string path(256, '\0');
  const ssize_t size = ::read(ends[0], path.data(), path.size());
  path.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  ::close(ends[0]);
  ::close(ends[1]);
  return path;
}

TEST(SecretFolder, GoesWhenItsProcessIsKilled) {
  pid_t process = -1;
  const std::string folder = folder_of_another(process);
  ASSERT_TRUE(std::filesystem::exists(folder + "/A"));
  { const auto other = SecretFolder::make(no_variable); }
  EXPECT_TRUE(std::filesystem::exists(folder + "/A")) << "another run leaves it alone";
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  for (int i = 0; i < 1000 && std::filesystem::exists(folder); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(SecretFolder, RemovesWhatNobodyCouldTidyUp) {
  std::string left = "/dev/shm/keyhold-run-" + std::to_string(::geteuid()) + "-XXXXXX";
  ASSERT_NE(::mkdtemp(left.data()), nullptr);
  std::ofstream(left + "/A") << "x";
  { const auto other = SecretFolder::make(no_variable); }
  EXPECT_FALSE(std::filesystem::exists(left));
}

}  // namespace
}  // namespace keyhold::cli
