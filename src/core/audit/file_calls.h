#pragma once

#include <cstddef>
#include <sys/types.h>

namespace keyhold::core::audit {

/// The system calls by which a journal changes its files, so that tests can make them fail. They answer as the
/// system does, with errno.
///
/// threads   Any.
class FileCalls {
 public:
  virtual ~FileCalls() = default;
  virtual ssize_t write(int fd, const char* data, std::size_t size);
  virtual int truncate(int fd, off_t size);
  virtual int sync_data(int fd);
};

}  // namespace keyhold::core::audit
