#include "core/audit/forward/vault_lines.h"

#include <gtest/gtest.h>

#include "core/audit/journal_test_util.h"

namespace keyhold::core::audit {
namespace {

const std::string kAuth =
    R"("auth":{"token":"hmac-sha256:aa","accessor":"acc","display_name":"root","policies":["root"],)"
    R"("token_type":"service","token_ttl":3600,"token_issue_time":"2026-01-02T03:04:05Z"})";
const std::string kWhat =
    R"("api":"vault","operation":"read","namespace":1,"path":"secret/data/a","mount_point":"secret/","mount_type":"kv",)"
    R"("mount_accessor":"kv_1","peer":"192.0.2.1","peer_port":4321)";

class VaultLinesTest : public testing::Test {
 protected:
  /// What the line of a record with these members becomes.
  std::string take(const std::string& members, VaultLines::Taken wanted = VaultLines::Taken::kTaken) {
    std::string line;
    chain_ = append_line(line, ++sequence_, "2026-01-02T03:04:05.678Z", members, chain_);
    line.pop_back();
    std::string out;
    const auto parsed = parse_line(line);
    EXPECT_TRUE(parsed);
    EXPECT_EQ(lines_.take(*parsed, line, {.file = 1, .offset = sequence_ * 100, .sequence = sequence_ - 1}, out), wanted);
    for (const std::string& whole : split_lines(out)) EXPECT_TRUE(json::Document::parse(whole).ok()) << whole;
    return out;
  }
  static std::string members(std::string_view type, std::string_view id, std::string_view rest) {
    std::string text("\"type\":\"");
    return text.append(type).append("\",\"id\":\"").append(id).append("\",").append(rest);
  }

  std::optional<std::string> key_ = "hmac-sha256:";
  VaultLines lines_{VaultLines::Accessors::kHashed, [this](std::string_view value) -> std::optional<std::string> {
                      if (!key_) return std::nullopt;
                      return std::string(*key_).append(value);
                    }};
  std::uint64_t sequence_ = 0;
  Digest chain_{};
};

TEST_F(VaultLinesTest, AReadIsARequestAndAResponse) {
  const std::string out = take(members("access", "id-1", kWhat + "," + kAuth +
                                                           R"(,"fields":{"version":1},"outcome":"ok","reply":{"version":3,"data":{"k":"hmac-sha256:bb"}})"));
  const std::string head =
      R"("auth":{"client_token":"hmac-sha256:aa","accessor":"hmac-sha256:acc","display_name":"root","policies":["root"],)"
      R"("token_policies":["root"],"policy_results":{"allowed":true},"token_type":"service","token_ttl":3600,)"
      R"("token_issue_time":"2026-01-02T03:04:05Z"},"request":{"id":"id-1","operation":"read","mount_point":"secret/",)"
      R"("mount_type":"kv","mount_accessor":"kv_1","mount_class":"secret","client_token":"hmac-sha256:aa",)"
      R"("client_token_accessor":"hmac-sha256:acc","namespace":{"id":"root"},"path":"secret/data/a","data":{"version":1},)"
      R"("remote_address":"192.0.2.1","remote_port":4321})";
  EXPECT_EQ(out, R"({"time":"2026-01-02T03:04:05.678Z","type":"request",)" + head + "}\n" +
                     R"({"time":"2026-01-02T03:04:05.678Z","type":"response",)" + head +
                     R"(,"response":{"mount_point":"secret/","mount_type":"kv","mount_accessor":"kv_1","mount_class":"secret",)"
                     R"("data":{"version":3,"data":{"k":"hmac-sha256:bb"}}}})" "\n");
}

TEST_F(VaultLinesTest, ARefusalSaysSoInBoth) {
  const std::string out = take(members("access", "id-1", kWhat + R"(,"outcome":"denied","error":"permission denied")"));
  const auto lines = split_lines(out);
  ASSERT_EQ(lines.size(), 2u);
  for (const std::string& line : lines) {
    EXPECT_NE(line.find(R"("auth":{"policy_results":{"allowed":false},"token_type":"default"})"), std::string::npos) << line;
    EXPECT_NE(line.find(R"("error":"permission denied")"), std::string::npos) << line;
  }
  const auto failed = split_lines(take(members("access", "id-2", kWhat + R"(,"outcome":"invalid","error":"no")")));
  EXPECT_EQ(failed[0].find("error"), std::string::npos) << "the request was allowed";
  EXPECT_NE(failed[1].find(R"("error":"no")"), std::string::npos);
}

TEST_F(VaultLinesTest, AWriteIsJoinedFromItsTwoRecords) {
  const std::string first = take(members("intent", "id-1", kWhat + "," + kAuth));
  EXPECT_EQ(lines_.oldest_pending()->offset, 100u);
  const std::string other = take(members("intent", "id-2", kWhat));
  EXPECT_NE(first.find(R"("type":"request")"), std::string::npos);
  const std::string last = take(members("outcome", "id-1", R"("outcome":"ok","reply":{"accessor":"new","version":1})"));
  EXPECT_NE(last.find(R"("type":"response")"), std::string::npos);
  EXPECT_NE(last.find(R"("request":{"id":"id-1","operation":"read")"), std::string::npos);
  EXPECT_NE(last.find(R"("auth":{"accessor":"hmac-sha256:new"},"data":{"version":1})"), std::string::npos) << last;
  EXPECT_EQ(lines_.oldest_pending()->offset, 200u);
  take(members("outcome", "id-2", R"("outcome":"ok")"));
  EXPECT_FALSE(lines_.oldest_pending());
  EXPECT_NE(take(members("outcome", "id-3", R"("outcome":"ok")")).find(R"("request":{"id":"id-3"},"response":{})"), std::string::npos);
}

TEST_F(VaultLinesTest, AWriteThatAKillCutOffIsClosed) {
  take(members("intent", "id-1", kWhat));
  take(members("intent", "id-2", kWhat));
  EXPECT_EQ(take(R"("genesis":{"begin":"rotation"})"), "") << "the process goes on";
  const auto lines = split_lines(take(R"("genesis":{"begin":"restart"})"));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find(R"("id":"id-1")"), std::string::npos);
  EXPECT_NE(lines[0].find(R"("error":"the outcome was not recorded)"), std::string::npos);
  EXPECT_FALSE(lines_.oldest_pending());

  take(members("intent", "id-3", kWhat));
  std::string out;
  lines_.close_before("2026-01-02T03:04:05.678Z", out);
  EXPECT_EQ(out, "");
  lines_.close_before("2026-01-02T03:04:05.679Z", out);
  EXPECT_NE(out.find(R"("type":"response")"), std::string::npos);
}

TEST_F(VaultLinesTest, WithoutAKeyNothingHappens) {
  key_.reset();
  EXPECT_EQ(take(members("access", "id-1", kWhat + "," + kAuth), VaultLines::Taken::kNeedsKey), "");
  EXPECT_EQ(take(members("intent", "id-1", kWhat + "," + kAuth), VaultLines::Taken::kNeedsKey), "");
  EXPECT_FALSE(lines_.oldest_pending());
  EXPECT_NE(take(members("access", "id-1", kWhat + R"(,"outcome":"denied")")), "") << "nothing to hash";
}

TEST_F(VaultLinesTest, OtherLines) {
  EXPECT_EQ(take(R"("checkpoint":"x","public_key":"y")"), "");
  EXPECT_EQ(take(R"("type":"from-the-future","id":"x")"), "");
  const std::string summary = take(R"("type":"denied-summary","peer":"192.0.2.7","failures":12,"span_ms":900)");
  EXPECT_NE(summary.find(R"("request":{"remote_address":"192.0.2.7"},"error":"12 requests without a valid token in 900 ms)"),
            std::string::npos);
  const std::string hashed = take(members("access", "id", R"("path_hash":"hmac-sha256:cc","outcome":"not-found")"));
  EXPECT_NE(hashed.find(R"("path":"hmac-sha256:cc")"), std::string::npos);
  const std::string sys = take(members("access", "id", R"("mount_point":"sys/","mount_type":"system","outcome":"ok")"));
  EXPECT_NE(sys.find(R"("mount_type":"system")"), std::string::npos);
  const std::string auth = take(members("access", "id", R"("mount_point":"auth/token/","mount_type":"token","outcome":"ok")"));
  EXPECT_NE(auth.find(R"("mount_class":"auth")"), std::string::npos);
}

TEST_F(VaultLinesTest, WhatWasWrappedShowsItsTokenByItsHash) {
  const std::string lines = take(members("access", "id",
      R"("wrap_ttl":60,"outcome":"ok","reply":{"version":1,"wrap_info":{"ttl":60,"token":"hmac-sha256:aa","accessor":"a1","creation_time":"2026-01-02T03:04:05Z","wrapped_accessor":"b2"}})"));
  EXPECT_NE(lines.find(R"("wrap_ttl":60)"), std::string::npos) << lines;
  EXPECT_NE(lines.find(R"("wrap_info":{"ttl":60,"token":"hmac-sha256:aa","creation_time":"2026-01-02T03:04:05Z","accessor":)"), std::string::npos);
  EXPECT_NE(lines.find(R"("data":{"version":1})"), std::string::npos);
}

// take() parses what comes out.
TEST_F(VaultLinesTest, WhatIsMissingOrOfAnotherTypeStaysJson) {
  for (const char* members : {
           R"("type":"access","mount_point":"secret/")",
           R"("type":"access","id":7,"auth":[1,2],"reply":[3],"namespace":"a\"b","fields":"x","path":{})",
           R"("type":"access","id":"a","reply":{"a\"b":1,"accessor":2,"c":{}})",
           R"("type":"intent")",
           R"("type":"outcome")",
           R"("type":"denied-summary","failures":{},"peer":1)",
       }) {
    EXPECT_NE(take(members), "") << members;
  }
  EXPECT_EQ(take(R"("genesis":"restart")"), "");
}

TEST_F(VaultLinesTest, WritesInFlightAreBounded) {
  const std::string big(64 * 1024, 'x');
  std::string out;
  for (std::size_t i = 0; i < 2 * VaultLines::kPendingBytesMax / big.size(); ++i) {
    out = take(members("intent", "id-" + std::to_string(i), "\"fields\":{\"a\":\"" + big + "\"}"));
  }
  EXPECT_NE(out.find("not recorded"), std::string::npos) << "the oldest was closed";
}

}  // namespace
}  // namespace keyhold::core::audit
