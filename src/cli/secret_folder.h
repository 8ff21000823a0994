#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "cli/run_secrets.h"
#include "client/settings.h"

namespace keyhold::cli {

/// Files with secrets in memory: a folder on a tmpfs ($XDG_RUNTIME_DIR, /run/user/UID or /dev/shm) that its owner alone may enter, one file of
/// mode 0400 a variable. Removed with this object; when the process is killed, by a small process that waits for its end; and what is left when
/// both are killed, by the next one that is made.
///
/// lifetime  The command's. To be made before there is a second thread, since it forks.
/// threads   One.
class SecretFolder {
 public:
  /// errors   kInvalid: there is no folder in memory that can be written.
  static Result<SecretFolder> make(const client::Environment& environment);

  SecretFolder(SecretFolder&& other) noexcept;
  SecretFolder& operator=(SecretFolder&&) = delete;
  ~SecretFolder();

  std::string file_of(const Variable& variable) const { return path_ + "/" + variable.name; }

  /// Has the files be those of the variables; each is replaced at once. errors: kInvalid: one cannot be written.
  Result<void> write(const std::vector<Variable>& variables) const;

 private:
  SecretFolder(std::string path, int lock, int alive, pid_t keeper) : path_(std::move(path)), lock_(lock), alive_(alive), keeper_(keeper) {}

  std::string path_;  // "" once it has moved on.
  int lock_;          // Of the folder; held while it is in use.
  int alive_;         // The end of a pipe whose closing tells the keeper.
  pid_t keeper_;
};

}  // namespace keyhold::cli
