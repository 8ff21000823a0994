#include "engine/sys/lease_routes.h"

#include "base/encoding.h"
#include "engine/engine_fixture.h"

namespace keyhold::engine {
namespace {

using test::Got;

class LeaseRoutesTest : public test::EngineTest {
 protected:
  struct Lease {
    std::string token;
    std::string id;
  };
  /// A token as a lease of "auth/token/", or of another mount.
  Lease lease(const std::string& path, std::int64_t ttl_s = 3600, core::keys::MountId mount = core::kTokenMount,
              const std::string& mount_path = "auth/token/") {
    core::TokenSpec spec;
    spec.policies = {"default"};
    spec.mount_id = mount;
    spec.lease_path = path;
    spec.path = mount_path + path;
    spec.ttl_s = ttl_s;
    spec.renewable = true;
    core::Transaction tx = node_.transaction();
    const auto& tokens = node_.node().session().load()->tokens;
    auto made = tokens.create(tx, std::move(spec), rng_);
    EXPECT_TRUE(made.ok() && node_.commit(tx).ok());
    const std::string token(made->token.reveal());
    return {token, mount_path + path + "/h" + hex_encode(tokens.id_of(token))};
  }
  Got ask(const std::string& path, const std::string& lease_id) {
    return node_.write("sys/" + path, R"({"lease_id":")" + lease_id + "\"}");
  }
  /// Whether its token lives.
  bool found(const Lease& lease) { return ask("leases/lookup", lease.id).word() == "found"; }
  std::string names(const std::string& prefix) { return node_.list("sys/leases/lookup/" + prefix).at("keys"); }
  static std::string name_of(const Lease& lease) { return lease.id.substr(lease.id.rfind('/') + 1); }
  bool jobs_done() {
    return core::test::await([this] { return node_.node().jobs().run_all().ok() && core::test::count_keys(memory_, "j") == 0; });
  }

  crypto::SeededRng rng_{1};
};

TEST_F(LeaseRoutesTest, TellsWhenALeaseEnds) {
  const Lease made = lease("create");
  clock_.advance_ms(600'000);
  const Got got = ask("leases/lookup", made.id);
  EXPECT_EQ(got.at("id"), made.id);
  EXPECT_EQ(got.at("ttl"), "3000");
  EXPECT_EQ(got.at("renewable"), "true");
  EXPECT_EQ(got.at("last_renewal"), "null");
  EXPECT_EQ(got.at("expire_time"), "2023-11-14T23:13:20Z");
  EXPECT_EQ(got.at("issue_time"), "2023-11-14T22:13:20Z");
  clock_.advance_ms(3'000'000);
  EXPECT_EQ(ask("leases/lookup", made.id).word(), "invalid");
}

TEST_F(LeaseRoutesTest, WhatIsNoLeaseIsNotOne) {
  const Lease made = lease("create");
  const std::string name = name_of(made);
  for (const std::string& id : {std::string("auth/token/create/other/") + name, "auth/token/" + name, "kv/" + name, name, "/" + name,
                                made.id + "00", made.id.substr(0, made.id.size() - 2), std::string("auth/token/create/h"),
                                std::string("auth/token/create"), std::string("x")}) {
    EXPECT_EQ(ask("leases/lookup", id).word(), "invalid") << id;
    EXPECT_EQ(ask("leases/revoke", id).word(), "empty") << id;
  }
  EXPECT_EQ(node_.write("sys/leases/lookup", "{}").word(), "invalid");
  EXPECT_EQ(node_.write("sys/leases/revoke", "{}").word(), "invalid");
  EXPECT_TRUE(found(made));
}

TEST_F(LeaseRoutesTest, RevokesByAnyOfItsRoutes) {
  for (const char* path : {"leases/revoke", "revoke"}) {
    const Lease by_body = lease("create");
    EXPECT_EQ(ask(path, by_body.id).word(), "empty");
    EXPECT_FALSE(found(by_body));
    const Lease by_path = lease("create");
    EXPECT_EQ(node_.write("sys/" + std::string(path) + "/" + by_path.id, "").word(), "empty");
    EXPECT_FALSE(found(by_path));
  }
}

TEST_F(LeaseRoutesTest, TokensAreNotRenewedHere) {
  const Lease made = lease("create");
  for (const char* path : {"leases/renew", "renew"}) {
    EXPECT_EQ(ask(path, made.id).word(), "invalid");
    EXPECT_EQ(node_.write("sys/" + std::string(path) + "/" + made.id, R"({"increment":60})").word(), "invalid");
  }
}

TEST_F(LeaseRoutesTest, ListsByPath) {
  EXPECT_EQ(names(""), "(none)");
  const Lease plain = lease("create");
  const Lease through_role = lease("create/app/v1");
  const Lease login = lease("login/alice", 3600, node_.put_mount("auth/door/", "door"), "auth/door/");
  EXPECT_EQ(names(""), R"(["auth/"])");
  EXPECT_EQ(names("auth"), R"(["door/","token/"])");
  EXPECT_EQ(names("auth/token"), R"(["create/"])");
  EXPECT_EQ(names("auth/token/create"), R"(["app/",")" + name_of(plain) + "\"]");
  EXPECT_EQ(names("auth/token/create/app/v1"), "[\"" + name_of(through_role) + "\"]");
  EXPECT_EQ(names("auth/door/login/alice"), "[\"" + name_of(login) + "\"]");
  EXPECT_EQ(names("auth/token/cr"), "(none)");
  EXPECT_EQ(names("kv"), "(none)");
}

TEST_F(LeaseRoutesTest, RevokesBelowAPrefix) {
  const Lease plain = lease("create");
  const Lease in_role = lease("create/app");
  const Lease in_other = lease("create/application");
  EXPECT_EQ(node_.write("sys/leases/revoke-prefix/auth/token/create/app", "").word(), "empty");
  EXPECT_FALSE(found(in_role));
  EXPECT_TRUE(found(in_other)) << "a prefix ends at a slash";
  EXPECT_TRUE(found(plain));
  EXPECT_EQ(node_.write("sys/revoke-prefix/" + in_other.id, "").word(), "empty") << "a whole id";
  EXPECT_FALSE(found(in_other));
  EXPECT_EQ(node_.write("sys/leases/revoke-force/auth/", "").word(), "empty");
  EXPECT_FALSE(found(plain));
}

TEST_F(LeaseRoutesTest, AJobEndsWhatOneRequestCannot) {
  std::vector<Lease> many;
  for (int i = 0; i < 60; ++i) many.push_back(lease("create/app"));
  const Lease other = lease("create");
  EXPECT_EQ(node_.write("sys/leases/revoke-prefix/auth/token/create/app", R"({"sync":true})").word(), "empty");
  const Lease later = [this] {
    clock_.advance_ms(1);
    return lease("create/app");
  }();
  ASSERT_TRUE(jobs_done());
  for (const Lease& one : many) EXPECT_FALSE(found(one));
  EXPECT_TRUE(found(other));
  EXPECT_TRUE(found(later)) << "it was made after the request";
}

TEST_F(LeaseRoutesTest, NoneIsIrrevocable) {
  const auto count = [this](const std::string& path, const std::string& type) {
    return node_.ask({.path = "sys/" + path, .query = {{"type", type}}});
  };
  EXPECT_EQ(count("leases/count", "irrevocable").at("lease_count"), "0");
  EXPECT_EQ(count("leases", "irrevocable").at("leases"), "[]");
  EXPECT_EQ(count("leases/count", "other").word(), "invalid");
  EXPECT_EQ(node_.read("sys/leases").word(), "invalid");
}

TEST_F(LeaseRoutesTest, PrefixesNeedSudo) {
  const std::string without = with_policy(R"(path "sys/*" { capabilities = ["update", "list", "read"] })");
  const Lease made = lease("create");
  EXPECT_EQ(node_.write("sys/leases/revoke-prefix/auth", "", without).word(), "denied");
  EXPECT_EQ(node_.write("sys/revoke-force/auth", "", without).word(), "denied");
  EXPECT_EQ(node_.list("sys/leases/lookup/auth", without).word(), "denied");
  EXPECT_TRUE(found(made));
}

}  // namespace
}  // namespace keyhold::engine
