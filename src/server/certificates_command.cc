#include <fmt/core.h>

#include <vector>

#include "base/process_hardening.h"
#include "server/certificate_files.h"
#include "server/server_command.h"

namespace keyhold::server {

int certificates_command(std::span<const std::string_view> arguments) {
  if (arguments.size() < 2) {
    fmt::print(stderr, "usage: keyhold certificates DIRECTORY HOST...\n");
    return 2;
  }
  harden_process();
  const std::vector<std::string> hosts(arguments.begin() + 1, arguments.end());
  const auto made = write_certificates(std::string(arguments.front()), hosts, {"ca.pem", "server.pem", "server-key.pem"});
  if (!made.ok()) {
    fmt::print(stderr, "keyhold certificates: {}\n", made.error().message);
    return 1;
  }
  return 0;
}

}  // namespace keyhold::server
