#pragma once

#include <array>

#include "core/call.h"
#include "core/route.h"

namespace keyhold::core::test {

/// The smallest auth method: whoever asks gets a token with the policies that he names.
class BadgeAuth {
 public:
  Result<Reply> login(Call& call) {
    TokenSpec spec;
    spec.namespace_id = call.namespace_id();
    spec.policies = call.fields().policy_names("policies");
    spec.path = call.path();
    spec.mount_id = call.mount_id();
    spec.lease_path = spec.path.substr(call.mount().record.path().size());
    spec.display_name = "badge";
    spec.renewable = true;
    if (call.fields().boolean("batch")) spec.type = records::Token::BATCH;
    TRY_ASSIGN(const GrantedTtl granted, grant_ttl({.made_ms = call.now()}, ttl_bounds(call.mount().record), call.now()));
    spec.ttl_s = granted.left_s(call.now());
    TRY_ASSIGN(const NewToken made, call.session().tokens.create(call.tx(), std::move(spec), call.rng()));
    Reply reply;
    json::Writer writer(reply.data);
    writer.begin_object().key("client_token").string(made.token.reveal());
    writer.key("lease_duration").number(made.record.creation_ttl_s()).end_object();
    return reply;
  }

 private:
  static constexpr std::array kFields{Field{.name = "policies", .type = FieldType::kPolicyNames, .audit = Audit::kClear},
                                      Field{.name = "batch", .type = FieldType::kBoolean, .audit = Audit::kClear}};

 public:
  static constexpr std::array kRoutes{
      Route<BadgeAuth>{.info = {.operation = Operation::kUpdate, .path = "login", .access = Access::unauthenticated(),
                                .fields = kFields, .cost = Cost::kDisk, .reply = Payload::kAuth, .help = ""},
                       .handler = &BadgeAuth::login},
  };
};

}  // namespace keyhold::core::test
