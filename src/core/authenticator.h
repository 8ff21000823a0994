#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "core/access_key.h"
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
  /// What a run of a request knows before it knows who asks.
  struct Subject {
    const Request& request;
    const Session& session;
    const Snapshot<Config>::Pointer& config;
    const LeaseClock& clock;
    TokenMemo* memo = nullptr;  // The request's, when this runs on its I/O thread.
  };

  /// Whatever was read to decide becomes a condition of `tx`. Takes a use of a token that has a limited number of them: this
  /// is kept in `tx` (Transaction::keep), whatever becomes of the request.
  /// errors: kDenied, saying nothing about why but what AWS says of a signature; kUnavailable: the time is not trusted; kMiss.
  Result<std::shared_ptr<const Principal>> authenticate(const Subject& subject, Transaction& tx);

 private:
  /// By whose secret a request is signed.
  struct Signer {
    TokenState token;
    std::shared_ptr<const void> holder;  // Of the secret: the same while it is.
    SecretBytes secret;
    std::shared_ptr<const access_keys::AccessKey> key;  // nullptr of temporary credentials.
  };
  static Result<Signer> find_signer(const Subject& subject, Transaction& tx);
  Result<std::shared_ptr<const Principal>> authenticate_signed(const Subject& subject, Transaction& tx);
  static std::string token_id_of(const Subject& subject);
  Result<TokenState> find(const Subject& subject, Transaction& tx);
  /// What a batch token carries, if it was opened before and is still known; else nullptr.
  std::shared_ptr<const records::Token> opened(const std::string& token_id);
  Result<std::shared_ptr<const Principal>> principal_of(const Subject& subject, const TokenState& token);

  struct KnownPrincipal {
    Snapshot<Config>::Pointer config;
    std::shared_ptr<const Principal> principal;
  };
  Mutex mutex_;
  std::unordered_map<std::string, KnownPrincipal> principals_ GUARDED_BY(mutex_);
};

}  // namespace keyhold::core
