#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "core/call.h"
#include "core/rotation/rotation.h"

namespace keyhold::core::rotation {

/// What a step of a run has to work with. Lives during the step.
struct StepContext {
  const records::Rotator& rotator;
  const SecretBytes& key;  // That its requests are signed with; may be empty.
  keys::MountId mount = 0;
  const Head& head;        // As of the step's beginning.
  Run::Step step = Run::CREATE;
  std::string secret_id;   // For whatever is called: the ARN, or the path of a secret that AWS cannot name.
  const Session& session;
  const Clock& clock;
  crypto::Rng& rng;
  std::function<bool()> stopping;  // Whether the step is to end early; it is then done again.

  /// Changes the secret in a commit of its own, which holds while this run is in hand. `change` is run again after a conflict.
  /// errors: what `change` answers; kConflict: the run has been aborted.
  using Change = std::function<Result<void>(Transaction& tx, Head& head)>;
  std::function<Result<void>(const Change&)> change;

  const std::string& version_id() const { return head.rotation().run().version_id(); }
};

/// Makes new contents. A step may be done more than once, also after it has succeeded: what is done already is left as it is.
///
/// What comes later for a system of its own (a database's users) is one more of these: rotator_of() in rotation_worker.cc names them.
/// threads   Any; several runs at a time.
class Rotator {
 public:
  virtual ~Rotator() = default;
  /// errors: the message says to people what is wrong, and never holds a value.
  virtual Result<void> run(StepContext& context) = 0;
};

/// A generated value: all of a text, or one member of a JSON object, whose other bytes stay as they are.
class RandomRotator final : public Rotator {
 public:
  Result<void> run(StepContext& context) override;

 private:
  static Result<void> create(StepContext& context);
  static Result<void> finish(StepContext& context);
};

/// A request as a rotator sends it. Views live during the call.
struct Post {
  std::string_view url;
  std::string_view body;
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string_view ca_pem{};  // Certificates to trust in place of the system's; empty = the system's.
  std::int64_t timeout_ms = 0;
  std::function<bool()> stopping{};
};
/// Sends it and waits. Follows no redirection and verifies the certificate. The body of the answer is thrown away.
/// returns   The status. errors: kUnavailable, with a text for people.
using Poster = std::function<Result<int>(const Post&)>;

/// Has the steps done by whatever answers at a URL: each is posted as AWS invokes a rotation function, signed.
///
///   {"Step":"createSecret","SecretId":"arn:…","ClientRequestToken":"…"}
///   X-Keyhold-Signature: t=UNIXSECONDS,v1=HMAC-SHA-256 of "t.body" in hexadecimal
///
/// Any 2xx is "done"; whoever answers it late or twice does no harm. The function puts the pending content and moves AWSCURRENT itself.
/// source    AWS Secrets Manager user guide, "Lambda rotation functions".
class HttpRotator final : public Rotator {
 public:
  explicit HttpRotator(Poster post) : post_(std::move(post)) {}
  Result<void> run(StepContext& context) override;

 private:
  const Poster post_;
};

/// What the header says of a body that is sent at a time.
std::string http_signature(const SecretBytes& key, std::int64_t time_s, std::string_view body);

/// Checks type and settings of a rotator that an operator writes: what is left to be found out when it runs is the other side's.
/// errors   kInvalid, naming the setting.
Result<void> check_rotator(const records::Rotator& rotator, crypto::Rng& rng);

// Settings, as a record keeps them: texts.
inline constexpr std::string_view kFieldSetting = "field";
inline constexpr std::string_view kUrlSetting = "url";
inline constexpr std::string_view kTimeoutSetting = "timeout";
inline constexpr std::string_view kCaSetting = "ca_certificate";
/// "" when it is not set.
std::string setting(const records::Rotator& rotator, std::string_view name);
/// errors: kInvalid.
Result<SecretBytes> password_of(const records::Rotator& rotator, crypto::Rng& rng);
Result<std::int64_t> timeout_ms_of(const records::Rotator& rotator);

}  // namespace keyhold::core::rotation
