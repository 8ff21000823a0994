#include <fmt/core.h>

#include <vector>

#include "base/process_hardening.h"
#include "server/certificate_files.h"
#include "server/server_command.h"

namespace keyhold::server {

int certificates_command(const Arguments& arguments) {
  harden_process();
  const auto& words = arguments.positional();
  const std::vector<std::string> hosts(words.begin() + 1, words.end());
  const auto made = write_certificates(std::string(words.front()), hosts, {"ca.pem", "server.pem", "server-key.pem"});
  if (!made.ok()) {
    fmt::print(stderr, "keyhold certificates: {}\n", made.error().message);
    return 1;
  }
  return 0;
}

}  // namespace keyhold::server
