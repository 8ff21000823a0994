#pragma once

#include <memory>

#include "base/mutex.h"
#include "base/result.h"
#include "http/server.h"

using SSL_CTX = struct ssl_ctx_st;

namespace keyhold::http {

/// What a listener's TLS connections start from: certificate, client CA, protocol settings, ticket keys.
///
/// threads   Any.
class TlsContext {
 public:
  /// errors   kInvalid, naming the file that cannot be used, and why.
  static Result<std::unique_ptr<TlsContext>> load(const TlsFiles& files);

  /// Reads the files again, without using them yet.
  Result<std::shared_ptr<SSL_CTX>> read_again() const;
  /// For new connections. Sessions of before are not resumed, as they were admitted by the client CA of before.
  void use(std::shared_ptr<SSL_CTX> context);
  std::shared_ptr<SSL_CTX> current() const;

 private:
  explicit TlsContext(const TlsFiles& files) : files_(files) {}

  const TlsFiles files_;
  mutable Mutex mutex_;
  std::shared_ptr<SSL_CTX> current_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::http
