#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhold::client {

/// Where `login` leaves the token for the commands after it: `.keyhold-token` in the home folder, mode 0600. Where that file is not, Vault's
/// `.vault-token` is read as well, and never written.
///
/// threads   One at a time; another process's write is seen whole or not at all.
class TokenFile {
 public:
  /// `home` may be empty: then there is no file, and writing is an error.
  explicit TokenFile(std::string home) : home_(std::move(home)) {}

  std::string path() const { return home_ + "/.keyhold-token"; }

  /// Empty when there is none. errors: kInternal: it cannot be read. kTooLarge: it is no token.
  Result<SecretBytes> read() const;
  /// Replaces it in one step. errors: kInternal.
  Result<void> write(const SecretBytes& token) const;
  /// Removes our own file. errors: kInternal, but not when there is none.
  Result<void> erase() const;

 private:
  std::string home_;
};

}  // namespace keyhold::client
