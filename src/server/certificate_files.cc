#include "server/certificate_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "crypto/certificate.h"

namespace keyhold::server {
namespace {

constexpr int kDays = 365;

Error file_error(const std::string& path, const char* what) {
  return {Code::kUnavailable, std::string("cannot ") + what + " " + path + ": " + std::strerror(errno)};
}

Result<void> write_file(const std::string& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return file_error(path, "open");
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      Error error = file_error(path, "write");
      ::close(file);
      return error;
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(file) != 0) return file_error(path, "close");
  return {};
}

}  // namespace

Result<void> write_certificates(const std::string& directory, const std::vector<std::string>& hosts,
                                const CertificateFileNames& names) {
  TRY_ASSIGN(const auto made, crypto::make_development_certificates(hosts, kDays));
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return file_error(directory, "make the directory");
  const auto path = [&directory](std::string_view name) { return directory + "/" + std::string(name); };
  TRY(write_file(path(names.ca), made.ca_pem));
  TRY(write_file(path(names.certificate), made.certificate_pem));
  TRY(write_file(path(names.private_key), made.private_key_pem.reveal()));
  return {};
}

}  // namespace keyhold::server
