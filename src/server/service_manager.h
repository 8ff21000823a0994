#pragma once

#include <string_view>

namespace keyhold::server {

/// Tells systemd how the server is doing, when it was started by a unit of Type=notify; otherwise says nothing to nobody.
///
/// lifetime  The process's. Made before the process confines itself.
/// threads   One.
/// source    sd_notify(3): datagrams of "NAME=value" lines to the socket that NOTIFY_SOCKET names.
class ServiceManager {
 public:
  ServiceManager();
  ~ServiceManager();
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  void ready() const { tell("READY=1"); }
  void stopping() const { tell("STOPPING=1"); }

 private:
  void tell(std::string_view state) const;

  int socket_ = -1;
};

}  // namespace keyhold::server
