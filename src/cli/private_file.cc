#include "cli/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "client/descriptor.h"

namespace keyhold::cli {
namespace {

Error failed(const std::string& path, int number) {
  const std::string why = number == EEXIST ? "there is something of that name already" : std::strerror(number);
  return Error{Code::kInvalid, "cannot write " + path + ": " + why};
}

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<void> write_private_file(const std::string& path, const SecretBytes& bytes, mode_t mode, Replace replace) {
  const std::size_t slash = path.rfind('/');
  // In the same folder, hidden, so that a rename is all there is to do.
  std::string temporary = slash == std::string::npos ? "." : path.substr(0, slash + 1) + ".";
  temporary.append("keyhold-XXXXXX");
  const client::Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // Mode 0600.
  if (file.get() < 0) return failed(path, errno);
  const unsigned int flags = replace == Replace::kNothing ? RENAME_NOREPLACE : 0;
  const bool done = write_all(file.get(), bytes.reveal()) && ::fchmod(file.get(), mode) == 0 && ::fsync(file.get()) == 0 &&
                    ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), flags) == 0;
  if (done) return {};
  const int number = errno;
  ::unlink(temporary.c_str());
  return failed(path, number);
}

}  // namespace keyhold::cli
