// What a record of the audit journal costs the request: rendering it, and chaining its line. No disk.
#include <chrono>
#include <cstdio>

#include "core/audit/line.h"
#include "core/audit_record.h"

namespace {

using namespace keyhold;
using namespace keyhold::core;

constexpr int kRounds = 7;
constexpr int kRecords = 100'000;

double microseconds_each(const auto& work) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRecords; ++i) work();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    if (round == 0 || took.count() < best) best = took.count();
  }
  return best / kRecords;
}

}  // namespace

int main() {
  constexpr std::array kFields{
      Field{.name = "path", .source = FieldSource::kPath, .audit = Audit::kClear},
      Field{.name = "version", .type = FieldType::kInteger, .source = FieldSource::kQuery, .audit = Audit::kClear}};
  const RouteInfo route{.operation = Operation::kRead,
                        .path = "data/{path...}",
                        .access = Capability::kRead,
                        .fields = kFields,
                        .cost = Cost::kCached,
                        .reply = Payload::kSecret};
  const audit::Redactor redactor(KeyBytes::copy_of(std::string(32, 'k')));
  auto token = std::make_shared<records::Token>();
  token->set_accessor("0123456789abcdefghijklmn");
  token->set_display_name("token-application");
  token->add_policies("application");
  token->add_policies("default");
  token->set_created_ms(1'700'000'000'000);
  token->set_creation_ttl_s(3600);
  Principal principal;
  principal.token_id = std::string(32, 't');
  principal.token = token;
  principal.audit_members = render_principal(principal, redactor.hash("hvs.token"));
  MountPoint mount;
  mount.record.set_path("secret/");
  mount.record.set_engine("kv");
  mount.record.set_accessor("kv_12345678");
  mount.audit_members = render_mount(mount.record);
  Request request;
  request.path = "secret/data/prod/db/postgres";
  request.peer_address = "192.0.2.10";
  request.peer_port = 43210;
  const auto fields = FieldValues::parse(kFields, {"prod/db/postgres"}, {}, "");
  const RecordSubject subject{.request_id = "01234567-89ab-4def-8123-456789abcdef",
                              .request = request,
                              .route = &route,
                              .mount = &mount,
                              .path = request.path,
                              .fields = &*fields,
                              .principal = &principal,
                              .redactor = &redactor};
  const RecordOutcome outcome{.word = "ok", .reply_members = R"("version":3,"data":{"password":"hmac-sha256:)"
                                                             R"(0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})"};
  std::string members;
  std::string lines;
  audit::Digest chain{};
  const double render = microseconds_each([&] { render_record(members, RecordType::kAccess, subject, outcome); });
  const double line = microseconds_each([&] {
    lines.clear();
    chain = audit::append_line(lines, 1234567, "2026-01-02T03:04:05.678Z", members, chain);
  });
  std::printf("a read's record of %zu bytes: rendered in %.2f us, chained in %.2f us\n", lines.size(), render, line);
}
