#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold {

/// A file that has its name only once it is whole. Until then it is hidden beside it, and goes if finish() does not come.
///
/// errors    "cannot write PATH: WHY": kConflict when something has the name already, else kUnavailable.
/// threads   One.
class NewFile {
 public:
  enum class Replace : std::uint8_t { kNothing, kWhatIsThere };

  /// For its owner alone, in a folder that must be there.
  static Result<NewFile> create(std::string path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Result<void> write(std::string_view bytes);
  std::uint64_t bytes() const { return bytes_; }

  /// Once, and last. Gives it its name and rights; both are on the disk, as the content is, when this returns.
  Result<void> finish(Replace replace, mode_t mode = 0600);

 private:
  NewFile(Descriptor file, std::string path, std::string hidden);
  Error failed() const;

  Descriptor file_;
  std::string path_;
  std::string hidden_;  // Empty once there is none.
  std::uint64_t bytes_ = 0;
};

/// All of a new file at once.
Result<void> write_new_file(std::string path, const SecretBytes& bytes, NewFile::Replace replace, mode_t mode = 0600);

}  // namespace keyhold
