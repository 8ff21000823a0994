#include "server/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace keyhold::server {
namespace {

/// What systemd would receive at a socket of this name.
class Manager {
 public:
  explicit Manager(const std::string& name) : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    if (name[0] == '/') ::unlink(name.c_str());
    const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), bytes), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Manager() {
    ::close(socket_);
    ::unsetenv("NOTIFY_SOCKET");
  }
  std::string next() const {
    char text[64];
    const ssize_t bytes = ::recv(socket_, text, sizeof(text), 0);
    return bytes < 0 ? "" : std::string(text, static_cast<std::size_t>(bytes));
  }

 private:
  const int socket_;
};

TEST(ServiceManagerTest, IsToldWhenTheServerIsReadyAndWhenItStops) {
  for (const std::string& name : {::testing::TempDir() + "notify.socket", std::string("@keyhold-test-notify")}) {
    const Manager systemd(name);
    const ServiceManager manager;
    EXPECT_EQ(systemd.next(), "");
    manager.ready();
    EXPECT_EQ(systemd.next(), "READY=1");
    manager.stopping();
    EXPECT_EQ(systemd.next(), "STOPPING=1");
  }
}

TEST(ServiceManagerTest, WithoutOneNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  ServiceManager().ready();
  for (const char* name : {"", "relative", "/nobody/listens/here"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    ServiceManager().ready();
  }
  ::unsetenv("NOTIFY_SOCKET");
}

}  // namespace
}  // namespace keyhold::server
