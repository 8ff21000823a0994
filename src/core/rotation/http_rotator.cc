#include "base/encoding.h"
#include "base/json.h"
#include "core/rotation/rotator.h"
#include "crypto/hmac.h"

namespace keyhold::core::rotation {
namespace {

/// As AWS calls the steps.
std::string_view event_of(Run::Step step) {
  switch (step) {
    case Run::CREATE: return "createSecret";
    case Run::SET: return "setSecret";
    case Run::TEST: return "testSecret";
    default: return "finishSecret";
  }
}

}  // namespace

std::string http_signature(const SecretBytes& key, std::int64_t time_s, std::string_view body) {
  const std::string time = std::to_string(time_s);
  std::string signed_text = time + ".";
  signed_text.append(body);
  const KeyBytes sum = crypto::hmac_sha256_once(key.reveal(), signed_text);
  return "t=" + time + ",v1=" + hex_encode(sum.reveal());
}

Result<void> HttpRotator::run(StepContext& context) {
  if (!post_) return Error{Code::kUnavailable, "this server cannot call rotators by HTTP"};
  TRY_ASSIGN(const std::int64_t timeout_ms, timeout_ms_of(context.rotator));
  SecretBytes body;
  json::Writer writer(body);
  writer.begin_object();
  writer.key("Step").string(event_of(context.step));
  writer.key("SecretId").string(context.secret_id);
  writer.key("ClientRequestToken").string(context.version_id());
  writer.end_object();
  const std::string url = setting(context.rotator, kUrlSetting);
  const std::string ca_pem = setting(context.rotator, kCaSetting);
  Post post;
  post.url = url;
  post.body = body.reveal();
  post.ca_pem = ca_pem;
  post.timeout_ms = timeout_ms;
  post.stopping = context.stopping;
  post.headers = {{"Content-Type", "application/json"}};
  if (!context.key.empty()) {
    post.headers.emplace_back("X-Keyhold-Signature", http_signature(context.key, context.clock.now_ms() / 1000, body.reveal()));
  }
  const auto answered = post_(post);
  if (!answered.ok()) return Error{Code::kUnavailable, "the rotator did not do it: " + answered.error().message};
  const int status = *answered;
  if (status >= 200 && status < 300) return {};
  return Error{Code::kUnavailable, "the rotator answered " + std::to_string(status)};
}

}  // namespace keyhold::core::rotation
