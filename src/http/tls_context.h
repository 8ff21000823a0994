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
  ~TlsContext();

  /// Reads the files again. On an error what was loaded before stays in use. Sessions of before are not resumed, as
  /// they were admitted by the client CA of before.
  Result<void> reload();
  std::shared_ptr<SSL_CTX> current() const;

 private:
  explicit TlsContext(const TlsFiles& files);

  const TlsFiles files_;
  mutable Mutex mutex_;
  std::shared_ptr<SSL_CTX> current_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::http
