#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/call.h"
#include "core/records.pb.h"
#include "core/request.h"

/// Response wrapping: an answer is put aside in the cubbyhole of a new token, which can be used once to get it. Whoever is
/// handed a token that does not work any more knows that somebody else has looked.
///
/// A wrapping token is a service token with one use, without a parent, whose only policy is kWrappingPolicyName. Its end is the
/// commit that takes its use, under the condition that it is still there: of any number who race for it, one gets the answer.
///
/// Each function is part of the caller's transaction.
/// threads   Any, a transaction each.
/// source    Vault docs, concepts/response-wrapping.
namespace keyhold::core::wrapping {

/// Whatever is wrong with a wrapping token. Clients match on the text.
Error no_such_token();

/// Puts `reply` aside for `ttl_s` seconds and answers the token in its place. A reply without data is returned as it is, and so is
/// one that says that something is not there, or tells of a wrapping token already.
/// errors: kInvalid (too large, or the time is out of bounds); kUnavailable.
Result<Reply> wrap(Call& call, Reply reply, Payload payload, std::int64_t ttl_s);

/// A wrapping token that the caller has shown, and whose use this request takes.
class Taken {
 public:
  const records::Token& token() const { return *token_; }
  /// The answer that was put aside, as it would have been given.
  Result<Reply> reply() const;
  /// Puts it aside anew, for as long as before. The new token tells where the answer first came from.
  Result<Reply> rewrap(Call& call) const;

 private:
  friend Result<Taken> take(Call&, const SecretBytes&);
  std::shared_ptr<const records::Token> token_;
  SecretBytes record_;  // records::WrappedReply and the data.
};

/// Takes the answer out of the token in `token`, or, when that is empty or the caller's own, out of the caller's. Its token and
/// everything of it end with the commit.
/// errors: kInvalid: no_such_token().
Result<Taken> take(Call& call, const SecretBytes& token);

/// A wrapping token to look at; its use is not taken. An empty `token` means what the caller presented.
/// errors: kInvalid: no_such_token().
Result<std::shared_ptr<const records::Token>> look(Call& call, const SecretBytes& token);

}  // namespace keyhold::core::wrapping
