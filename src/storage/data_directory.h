#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace keyhold::storage {

/// A directory that is this user's alone (mode 0700) and held by this process alone: the lock ends with the object, or
/// with the process however it ends.
class DataDirectory {
 public:
  /// Creates it and missing parents.
  /// errors   kUnavailable (another process holds it), kInvalid (not a directory, another user's, or open to others),
  ///          kInternal (the system refused).
  static Result<std::unique_ptr<DataDirectory>> open(const std::string& path);
  ~DataDirectory();
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  DataDirectory(std::string path, int lock_fd) : path_(std::move(path)), lock_fd_(lock_fd) {}

  const std::string path_;
  const int lock_fd_;
};

}  // namespace keyhold::storage
