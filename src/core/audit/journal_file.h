#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"
#include "core/audit/file_calls.h"

namespace keyhold::core::audit {

/// "<what> (<the system's words for errno>)" as kUnavailable.
Error system_error(std::string_view what);

/// Opens the journal's directory, made with mode 0700 if absent; it must be ours, and loses the rights of others.
Result<Descriptor> open_directory(const std::string& path);

/// A journal file being written: O_APPEND, O_NOFOLLOW, mode 0600, regular, and new.
///
/// threads   append() and bytes() under the stream's lock; sync() and in_place() by the sync thread, beside them.
class JournalFile {
 public:
  static Result<std::shared_ptr<JournalFile>> create(const std::string& directory, std::string name, FileCalls& calls);

  /// Appends with one write, all or nothing: what a failed write left behind is cut off again, now or before the next
  /// append. errors   kUnavailable.
  Result<void> append(std::string_view bytes);
  std::uint64_t bytes() const { return bytes_; }
  const std::string& name() const { return name_; }

  /// Everything appended before is on disk, and so is the name. After an error nothing of the file may be trusted.
  Result<void> sync();
  /// Still the file under its path: not unlinked, replaced or moved away.
  bool in_place() const;
  /// Removes it, when not even its first line could be written.
  void discard();

 private:
  JournalFile(std::string path, std::string name, Descriptor directory, Descriptor file, FileCalls& calls);
  Result<void> cut_tail();

  const std::string path_;
  const std::string name_;
  Descriptor directory_;
  Descriptor file_;
  FileCalls& calls_;
  std::uint64_t bytes_ = 0;
  bool tail_torn_ = false;         // A failed write may have left bytes after bytes_.
  bool directory_synced_ = false;  // Of the sync thread.
};

/// Writes a small file whole or not at all (temporary file, sync, rename), mode 0600.
Result<void> replace_file(const std::string& directory, const std::string& name, std::string_view content);

}  // namespace keyhold::core::audit
