#pragma once

#include <memory>
#include <string>

#include "base/flags.h"
#include "base/result.h"
#include "server/keyhold_server.h"

namespace keyhold::server {

/// A directory of this process's own below the system's temporary one; removed with its files when destroyed.
class TemporaryDirectory {
 public:
  static Result<std::unique_ptr<TemporaryDirectory>> make();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

/// What `-dev` starts: a memory store, initialised and unsealed, with `secret/` as KV version 2. Prints what a user needs to
/// try it. Everything is gone when it ends.
class DevServer {
 public:
  static Result<std::unique_ptr<DevServer>> start(const Arguments& flags);
  KeyholdServer& server() { return *server_; }

 private:
  DevServer() = default;

  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<KeyholdServer> server_;
};

}  // namespace keyhold::server
