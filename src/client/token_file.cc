#include "client/token_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "base/limits.h"
#include "base/new_file.h"

namespace keyhold::client {
namespace {

Error system_error(const std::string& what, int number) { return Error{Code::kInternal, what + ": " + std::strerror(number)}; }

Result<SecretBytes> read_token(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return SecretBytes();
    return system_error("cannot read the token in " + path, errno);
  }
  SecretBytes bytes = SecretBytes::zeroed(limits::kTokenBytesMax + 2);
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.writable().data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("cannot read the token in " + path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size == bytes.size()) return Error{Code::kTooLarge, path + " is too long to be a token"};
  const std::string_view text = bytes.reveal().substr(0, size);
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return SecretBytes();
  return SecretBytes::copy_of(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
}

}  // namespace

Result<SecretBytes> TokenFile::read() const {
  if (home_.empty()) return SecretBytes();
  TRY_ASSIGN(SecretBytes token, read_token(path()));
  if (!token.empty()) return token;
  return read_token(home_ + "/.vault-token");
}

Result<void> TokenFile::write(const SecretBytes& token) const {
  if (home_.empty()) return Error{Code::kInternal, "there is no home folder to keep the token in: set HOME, or use -no-store"};
  return write_new_file(path(), token, NewFile::Replace::kWhatIsThere);
}

Result<void> TokenFile::erase() const {
  if (home_.empty() || ::unlink(path().c_str()) == 0 || errno == ENOENT) return {};
  return system_error("cannot remove " + path(), errno);
}

}  // namespace keyhold::client
