#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/audit/file_calls.h"
#include "core/audit/journal_file.h"

namespace keyhold::core::audit {

/// The file of a device, open for appending.
///
/// Only a regular file of ours with one name is taken, never a symbolic link, a pipe or a device, and it gets the mode asked for.
/// threads   One at a time.
class FileSink {
 public:
  /// Made when it is not there; its folder must be. errors   kUnavailable, saying what and why.
  static Result<FileSink> open(const std::string& path, std::uint32_t mode, FileCalls& calls);

  /// Appends what fits of `bytes` and takes it off its front. errors   kUnavailable; `out_of_space()` tells whether to wait.
  Result<void> append(std::string_view& bytes);
  bool out_of_space() const { return out_of_space_; }
  Result<void> sync();
  /// Still has a name: what is written to it can be found.
  bool linked() const;

 private:
  FileSink(Descriptor file, FileCalls& calls, bool torn) : file_(std::move(file)), calls_(&calls), torn_(torn) {}

  Descriptor file_;
  FileCalls* calls_;
  bool torn_;  // It ends in the middle of a line, left by a process that was killed.
  bool out_of_space_ = false;
};

}  // namespace keyhold::core::audit
