"""hvac against a server: VAULT_ADDR and the CA come from the environment, as in any program of its users.

KEYHOLD_MODE is "dev" (ready, VAULT_TOKEN set) or "fresh" (not initialised: the client does it all)."""

import itertools
import os
import unittest

import hvac
import hvac.exceptions

FRESH = os.environ["KEYHOLD_MODE"] == "fresh"
_numbers = itertools.count(1)


def new_client(token=""):
    return hvac.Client(token=token)


class Shared:
    """What the first steps make and the later ones use."""

    client = new_client(os.environ.get("VAULT_TOKEN", ""))
    keys = []


class ATestLifeCycle(unittest.TestCase):
    """From an empty store to a mounted engine. Runs first, by its name."""

    client = Shared.client

    def test_1_health_before_init(self):
        self.assertFalse(self.client.sys.is_initialized())
        self.assertEqual(self.client.sys.read_health_status().status_code, 501)

    def test_2_init(self):
        reply = self.client.sys.initialize(secret_shares=3, secret_threshold=2)
        self.assertEqual(len(reply["keys"]), 3)
        Shared.keys = reply["keys"]
        self.client.token = reply["root_token"]
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.client.sys.initialize(secret_shares=1, secret_threshold=1)

    def test_3_sealed_refuses(self):
        self.assertEqual(self.client.sys.read_health_status().status_code, 503)
        with self.assertRaises(hvac.exceptions.VaultDown):
            self.client.secrets.kv.v2.read_secret("any", raise_on_deleted_version=True)

    def test_4_unseal(self):
        status = self.client.sys.submit_unseal_key(Shared.keys[0])
        self.assertEqual((status["progress"], status["t"], status["n"]), (1, 2, 3))
        self.assertEqual(self.client.sys.submit_unseal_key(reset=True)["progress"], 0)
        self.client.sys.submit_unseal_keys(Shared.keys[:2])
        self.assertFalse(self.client.sys.is_sealed())

    def test_5_mount(self):
        self.client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.client.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})


class BaseCase(unittest.TestCase):
    def setUp(self):
        self.client = Shared.client
        self.kv = self.client.secrets.kv.v2

    def fresh_path(self, versions):
        path = f"python/secret-{next(_numbers)}"
        for version in range(1, versions + 1):
            self.kv.create_or_update_secret(path, {"version": str(version)})
        return path

    def read(self, path, version=None):
        return self.kv.read_secret_version(path, version=version, raise_on_deleted_version=True)["data"]


class BTestKv(BaseCase):
    def test_authenticated(self):
        self.assertTrue(self.client.is_authenticated())

    def test_health(self):
        self.assertEqual(self.client.sys.read_health_status().status_code, 200)
        self.assertFalse(self.client.sys.read_health_status(method="GET")["sealed"])

    def test_first_secret(self):
        self.kv.create_or_update_secret("python/creds", {"username": "app", "password": "hunter2"})
        secret = self.read("python/creds")
        self.assertEqual(secret["data"]["username"], "app")
        self.assertEqual(secret["metadata"]["version"], 1)
        self.assertEqual(secret["metadata"]["deletion_time"], "")

    def test_content_as_received(self):
        content = {"big": 12345678901234567890123, "text": "ä \" \\ \0 😀", "list": [1, None, {"a": False}], "": ""}
        self.kv.create_or_update_secret("python/content", content)
        self.assertEqual(self.read("python/content")["data"], content)

    def test_versions(self):
        path = self.fresh_path(3)
        self.assertEqual(self.read(path)["data"], {"version": "3"})
        self.assertEqual(self.read(path, version=2)["data"], {"version": "2"})
        metadata = self.kv.read_secret_metadata(path)["data"]
        self.assertEqual(metadata["current_version"], 3)
        self.assertEqual(sorted(metadata["versions"]), ["1", "2", "3"])

    def test_cas(self):
        path = self.fresh_path(1)
        for wrong in (0, 2):
            with self.assertRaisesRegex(hvac.exceptions.InvalidRequest, "check-and-set parameter did not match"):
                self.kv.create_or_update_secret(path, {}, cas=wrong)
        self.assertEqual(self.kv.create_or_update_secret(path, {}, cas=1)["data"]["version"], 2)

    def test_list(self):
        for name in ("python-list/a", "python-list/b/c"):
            self.kv.create_or_update_secret(name, {})
        self.assertEqual(self.kv.list_secrets("python-list")["data"]["keys"], ["a", "b/"])
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.kv.list_secrets("python/nothing-here")

    def test_list_by_query(self):
        self.kv.create_or_update_secret("python-query/a", {})
        for word in ("True", "true", "1", "t"):
            reply = self.client.adapter.get("/v1/secret/metadata/python-query", params={"list": word})
            self.assertEqual(reply["data"]["keys"], ["a"])

    def test_missing(self):
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.read("python/missing")

    def test_deleted_version(self):
        path = self.fresh_path(2)
        self.kv.delete_latest_version_of_secret(path)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.read(path)
        body = self.kv.read_secret_version(path, raise_on_deleted_version=False)
        self.assertIsNone(body["data"]["data"])
        self.assertNotEqual(body["data"]["metadata"]["deletion_time"], "")
        self.kv.undelete_secret_versions(path, [2])
        self.assertEqual(self.read(path)["data"], {"version": "2"})

    def test_delete_versions(self):
        path = self.fresh_path(3)
        self.kv.delete_secret_versions(path, [1, 3])
        versions = self.kv.read_secret_metadata(path)["data"]["versions"]
        self.assertEqual([bool(versions[n]["deletion_time"]) for n in "123"], [True, False, True])

    def test_destroy(self):
        path = self.fresh_path(2)
        self.kv.destroy_secret_versions(path, [1])
        self.assertTrue(self.kv.read_secret_metadata(path)["data"]["versions"]["1"]["destroyed"])
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.read(path, version=1)
        self.assertEqual(self.read(path)["data"], {"version": "2"})


    def test_patch(self):
        path = self.fresh_path(0)
        self.kv.create_or_update_secret(path, {"keep": 12345678901234567890123, "change": "old"})
        self.kv.patch(path, {"change": "new"})
        self.assertEqual(self.read(path)["data"], {"keep": 12345678901234567890123, "change": "new"})
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.kv.patch("python/missing", {"a": "b"})

    def test_metadata(self):
        path = self.fresh_path(2)
        self.kv.update_metadata(path, max_versions=3, cas_required=True, delete_version_after="1h")
        metadata = self.kv.read_secret_metadata(path)["data"]
        self.assertEqual((metadata["max_versions"], metadata["cas_required"], metadata["delete_version_after"]), (3, True, "1h0m0s"))
        with self.assertRaisesRegex(hvac.exceptions.InvalidRequest, "check-and-set parameter required"):
            self.kv.create_or_update_secret(path, {})
        self.kv.create_or_update_secret(path, {}, cas=2)
        self.kv.delete_metadata_and_all_versions(path)
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.kv.read_secret_metadata(path)
        self.assertEqual(self.kv.create_or_update_secret(path, {}, cas=0)["data"]["version"], 1)

    def test_configuration(self):
        self.client.sys.enable_secrets_engine("kv-v2", path="python-config")
        self.kv.configure(max_versions=2, cas_required=False, mount_point="python-config")
        self.assertEqual(self.kv.read_configuration(mount_point="python-config")["data"]["max_versions"], 2)
        for number in range(4):
            self.kv.create_or_update_secret("a", {"n": number}, mount_point="python-config")
        versions = self.kv.read_secret_metadata("a", mount_point="python-config")["data"]["versions"]
        self.assertEqual(sorted(versions), ["3", "4"])
        self.client.sys.disable_secrets_engine("python-config")

    def test_version_one(self):
        v1 = self.client.secrets.kv.v1
        self.client.sys.enable_secrets_engine("kv", path="python-v1", options={"version": "1"})
        v1.create_or_update_secret("a/b", {"password": "hunter2", "ttl": "30m"}, mount_point="python-v1")
        secret = v1.read_secret("a/b", mount_point="python-v1")
        self.assertEqual((secret["data"]["password"], secret["lease_duration"]), ("hunter2", 1800))
        self.assertEqual(v1.list_secrets("a", mount_point="python-v1")["data"]["keys"], ["b"])
        v1.delete_secret("a/b", mount_point="python-v1")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            v1.read_secret("a/b", mount_point="python-v1")
        self.client.sys.disable_secrets_engine("python-v1")

    def test_cubbyhole(self):
        self.client.write("cubbyhole/python", mine="yes")
        self.assertEqual(self.client.read("cubbyhole/python")["data"], {"mine": "yes"})
        other = new_client(self.client.auth.token.create(ttl="1h")["auth"]["client_token"])
        self.assertIsNone(other.read("cubbyhole/python"))
        self.client.delete("cubbyhole/python")
        self.assertIsNone(self.client.read("cubbyhole/python"))


class CTestSystem(BaseCase):
    def test_mounts(self):
        self.client.sys.enable_secrets_engine("kv", path="python-kv", options={"version": "2"})
        self.kv.create_or_update_secret("a", {"b": "c"}, mount_point="python-kv")
        self.client.sys.disable_secrets_engine("python-kv")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            self.kv.create_or_update_secret("a", {}, mount_point="python-kv")

    def test_policy_and_tokens(self):
        self.client.sys.create_or_update_acl_policy(
            "python-reader", 'path "secret/data/python/allowed" { capabilities = ["read"] }')
        self.kv.create_or_update_secret("python/allowed", {"k": "v"})
        auth = self.client.auth.token.create(policies=["python-reader"], ttl="1h")["auth"]
        self.assertEqual(auth["policies"], ["default", "python-reader"])
        limited = new_client(auth["client_token"])
        self.assertEqual(limited.secrets.kv.v2.read_secret("python/allowed", raise_on_deleted_version=True)
                         ["data"]["data"], {"k": "v"})
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.secrets.kv.v2.create_or_update_secret("python/allowed", {})
        self.assertIn("python-reader", limited.auth.token.lookup_self()["data"]["policies"])
        limited.auth.token.revoke_self()
        self.assertFalse(limited.is_authenticated())

    def test_policy_life_cycle(self):
        sys = self.client.sys
        text = 'path "secret/data/python/+/config" { capabilities = ["read", "update"] }'
        sys.create_or_update_policy("Python-Life", text)
        self.assertEqual(sys.read_policy("python-life")["data"]["rules"], text)
        self.assertEqual(sys.read_acl_policy("python-life")["data"]["policy"], text)
        for names in (sys.list_policies()["data"]["policies"], sys.list_acl_policies()["data"]["keys"]):
            self.assertLessEqual({"python-life", "default", "root"}, set(names))
        with self.assertRaisesRegex(hvac.exceptions.InvalidRequest, "line 1, column 10"):
            sys.create_or_update_acl_policy("python-bad", 'path "a" [')
        auth = self.client.auth.token.create(policies=["python-life"], ttl="1h")["auth"]
        limited = new_client(auth["client_token"])
        mine, other = "secret/data/python/a/config", "secret/data/python/config"
        told = limited.sys.get_capabilities(paths=[mine, other])
        self.assertEqual((told["data"][mine], told["data"][other]), (["read", "update"], ["deny"]))
        told = self.client.sys.get_capabilities(paths=[mine], accessor=auth["accessor"])
        self.assertEqual((told["capabilities"], told["data"]["capabilities"]), (["read", "update"], ["read", "update"]))
        self.kv.create_or_update_secret("python/a/config", {"k": "v"})
        limited.secrets.kv.v2.read_secret("python/a/config", raise_on_deleted_version=True)
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.secrets.kv.v2.read_secret("python/config", raise_on_deleted_version=True)
        sys.delete_policy("python-life")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            sys.read_acl_policy("python-life")
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.secrets.kv.v2.read_secret("python/a/config", raise_on_deleted_version=True)

    def test_token_life(self):
        token = self.client.auth.token
        auth = token.create(policies=["default"], ttl="1h", display_name="ci job", meta={"team": "db"})["auth"]
        data = token.lookup(auth["client_token"])["data"]
        self.assertEqual((data["display_name"], data["meta"], data["type"], data["orphan"]),
                         ("token-ci-job", {"team": "db"}, "service", False))
        self.assertEqual(token.lookup_accessor(auth["accessor"])["data"]["id"], "")
        self.assertEqual(token.renew(auth["client_token"], increment="2h")["auth"]["lease_duration"], 7200)
        self.assertEqual(token.renew_accessor(auth["accessor"], increment="1h")["auth"]["lease_duration"], 3600)
        limited = new_client(auth["client_token"])
        self.assertEqual(limited.auth.token.renew_self(increment=600)["auth"]["lease_duration"], 600)
        for refused in (lambda: limited.auth.token.create(), lambda: limited.auth.token.lookup(auth["client_token"]),
                        lambda: limited.auth.token.list_accessors()):
            with self.assertRaises(hvac.exceptions.Forbidden):
                refused()
        self.assertIn(auth["accessor"], token.list_accessors()["data"]["keys"])
        token.revoke_accessor(auth["accessor"])
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.auth.token.lookup_self()
        with self.assertRaises(hvac.exceptions.Forbidden):
            token.lookup(auth["client_token"])

    def test_token_tree(self):
        token = self.client.auth.token
        parent = new_client(token.create(policies=["root"], ttl="1h")["auth"]["client_token"])
        child = new_client(parent.auth.token.create(ttl="30m")["auth"]["client_token"])
        orphan = new_client(parent.auth.token.create_orphan(ttl="30m")["auth"]["client_token"])
        token.revoke_and_orphan_children(parent.token)
        self.assertTrue(child.is_authenticated())
        self.assertFalse(parent.is_authenticated())
        token.revoke(child.token)
        self.assertFalse(child.is_authenticated())
        self.assertTrue(orphan.is_authenticated())
        orphan.auth.token.revoke_self()

    def test_token_uses(self):
        limited = new_client(self.client.auth.token.create(policies=["default"], num_uses=2)["auth"]["client_token"])
        self.assertEqual(limited.auth.token.lookup_self()["data"]["num_uses"], 1)
        limited.auth.token.lookup_self()
        with self.assertRaises(hvac.exceptions.Forbidden):
            limited.auth.token.lookup_self()

    def test_batch_token(self):
        auth = self.client.auth.token.create(policies=["default"], type="batch", ttl="1h")["auth"]
        self.assertTrue(auth["client_token"].startswith("hvb."))
        batch = new_client(auth["client_token"])
        self.assertEqual(batch.auth.token.lookup_self()["data"]["type"], "batch")
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.client.auth.token.renew(auth["client_token"])

    def test_token_roles(self):
        token = self.client.auth.token
        token.create_or_update_role("python", allowed_policies=["default"], orphan=True, token_period="1h")
        self.assertIn("python", token.list_roles()["data"]["keys"])
        self.assertEqual(token.read_role("python")["data"]["allowed_policies"], ["default"])
        auth = token.create(role_name="python")["auth"]
        self.assertEqual((auth["lease_duration"], auth["orphan"]), (3600, True))
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            token.create(role_name="python", policies=["other"])
        token.delete_role("python")
        with self.assertRaises(hvac.exceptions.InvalidPath):
            token.read_role("python")

    def test_leases(self):
        auth = self.client.auth.token.create(policies=["default"], ttl="1h")["auth"]
        keys = self.client.sys.list_leases("auth/token/create")["data"]["keys"]
        ours = [key for key in keys if key.startswith("h")]
        self.assertTrue(ours)
        lease = self.client.sys.read_lease(f"auth/token/create/{ours[0]}")["data"]
        self.assertGreater(lease["ttl"], 0)
        self.client.sys.revoke_prefix("auth/token/create")
        self.assertFalse(new_client(auth["client_token"]).is_authenticated())

    def test_mounts(self):
        self.client.sys.enable_secrets_engine("kv", path="python-tuned", config={"max_lease_ttl": "2h"}, options={"version": "2"})
        self.client.sys.tune_mount_configuration("python-tuned", default_lease_ttl="1h", description="tuned")
        tuning = self.client.sys.read_mount_configuration("python-tuned")["data"]
        self.assertEqual((tuning["default_lease_ttl"], tuning["max_lease_ttl"], tuning["description"]), (3600, 7200, "tuned"))
        self.client.secrets.kv.v2.create_or_update_secret("a", {"k": "v"}, mount_point="python-tuned")
        self.client.sys.move_backend("python-tuned", "python/moved")
        moved = self.client.secrets.kv.v2.read_secret_version("a", mount_point="python/moved", raise_on_deleted_version=True)
        self.assertEqual(moved["data"]["data"], {"k": "v"})
        mounts = self.client.sys.list_mounted_secrets_engines()
        self.assertIn("python/moved/", mounts["data"])
        self.assertNotIn("python-tuned/", mounts)
        self.client.sys.disable_secrets_engine("python/moved")
        self.assertEqual(self.client.sys.list_auth_methods()["data"]["token/"]["type"], "token")
        with self.assertRaises(hvac.exceptions.InvalidRequest):
            self.client.sys.enable_auth_method("no-such-method")

    def test_response_wrapping(self):
        wrapped = self.client.sys.wrap({"a": "b"}, ttl=120)["wrap_info"]
        self.assertEqual((wrapped["ttl"], wrapped["creation_path"]), (120, "sys/wrapping/wrap"))
        self.assertEqual(self.client.sys.unwrap(wrapped["token"])["data"], {"a": "b"})
        with self.assertRaisesRegex(hvac.exceptions.InvalidRequest, "wrapping token is not valid or does not exist"):
            self.client.sys.unwrap(wrapped["token"])
        path = self.fresh_path(1)
        for own, name in ((new_client(), True), (self.client, True), (None, False)):
            token = self.client.read(f"secret/data/{path}", wrap_ttl="60s")["wrap_info"]["token"]
            secret = (own or new_client(token)).sys.unwrap(token if name else None)
            self.assertEqual(secret["data"]["data"], {"version": "1"})

    def test_forged_token(self):
        with self.assertRaises(hvac.exceptions.Forbidden):
            new_client("hvs." + "A" * 90).secrets.kv.v2.read_secret("any", raise_on_deleted_version=True)


class ZTestSeal(BaseCase):
    """Runs last, by its name."""

    def test_seal_and_unseal(self):
        self.kv.create_or_update_secret("python/kept", {"k": "v"})
        self.client.sys.seal()
        self.assertTrue(self.client.sys.is_sealed())
        self.client.sys.submit_unseal_keys(Shared.keys[1:])
        self.assertEqual(self.read("python/kept")["data"], {"k": "v"})


if not FRESH:  # A development server is ready from its start, and its unseal key is not the client's.
    del ATestLifeCycle, ZTestSeal

if __name__ == "__main__":
    unittest.main()
