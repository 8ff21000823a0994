#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "core/call.h"
#include "core/config.h"
#include "core/request.h"
#include "core/snapshot.h"
#include "core/transaction.h"

namespace keyhold::core {

/// Who asks: from the credential of a request to a Principal, whose compiled policies are kept while its token's record and
/// the configuration stay the same.
///
/// threads   Any.
class Authenticator {
 public:
  explicit Authenticator(const Clock& clock) : clock_(clock) {}

  /// What a run of a request knows before it knows who asks.
  struct Subject {
    const Request& request;
    const Session& session;
    const Snapshot<Config>::Pointer& config;
    TokenMemo* memo = nullptr;  // The request's, when this runs on its I/O thread.
  };

  /// Whatever was read to decide becomes a condition of `tx`.
  /// errors: kDenied, saying nothing about why; kMiss.
  Result<std::shared_ptr<const Principal>> authenticate(const Subject& subject, Transaction& tx);

 private:
  static std::string token_id_of(const Subject& subject);
  std::shared_ptr<const Principal> principal_of(const Subject& subject, const std::string& token_id,
                                                std::shared_ptr<const records::Token> token);

  const Clock& clock_;

  struct KnownPrincipal {
    Snapshot<Config>::Pointer config;
    std::shared_ptr<const Principal> principal;
  };
  Mutex mutex_;
  std::unordered_map<std::string, KnownPrincipal> principals_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
