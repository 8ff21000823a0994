"""login, tokens, policies, mounts, leases, rotation, access keys, audit."""

import json
import os
import re
import stat
import time

from keyhold_cli import Cli
from keyhold_server import Server, wait_until


def check(report):
    with Server.dev() as server, Cli(server) as cli:
        with report.case("login keeps the token for its owner alone, and commands use it"):
            logged_in = cli.expect("login", "-", stdin="root\n")
            home = cli.home.name
            assert plain_login(logged_in.out, home), logged_in
            file = home + "/.keyhold-token"
            assert open(file).read() == "root" and stat.S_IMODE(os.stat(file).st_mode) == 0o600
            cli.expect("token", "lookup", "-field=display_name", out=re.compile("root|token"))
            cli.expect("print", "token", out="root\n")
            cli.expect("login", "wrong", code=2, err=re.compile("permission denied"))
            assert open(file).read() == "root", "a token that is refused is not kept"
            cli.expect("login", "-method=userpass", "username=a", code=1, err=re.compile("the method userpass is not there yet"))
            cli.expect("logout", out=re.compile("^Success!"))
            assert not os.path.exists(file)
            cli.expect("print", "token", code=1, err=re.compile("keyhold login"))
            cli.expect("token", "lookup", code=2, err=re.compile("No token was sent: run `keyhold login`"))

        with report.case("login: -no-store, -token-only, a warning when the environment has one, Vault's file"):
            cli.expect("login", "-no-store", "-", stdin="root")
            assert not os.path.exists(cli.home.name + "/.keyhold-token")
            cli.expect("login", "-token-only", "-", stdin="root", out="root")
            assert not os.path.exists(cli.home.name + "/.keyhold-token")
            cli.expect("login", "token=root", err=re.compile("goes before the token that was just stored"), VAULT_TOKEN="x")
            os.remove(cli.home.name + "/.keyhold-token")
            with open(cli.home.name + "/.vault-token", "w") as out:
                out.write("root")
            cli.expect("print", "token", out="root\n")
            cli.expect("login", "-no-print", "-", stdin="root", out="")
            auth = json.loads(cli.expect("login", "-format=json", "-", stdin="root").out)["auth"]
            assert auth["client_token"] == "root" and auth["policies"] == ["root"], auth

        with report.case("tokens: create, lookup, renew, capabilities, revoke"):
            cli.expect("policy", "write", "app", "-", stdin='path "secret/data/app" { capabilities = ["read", "list"] }',
                       out="Success! Uploaded policy: app\n")
            made = cli.expect("token", "create", "-policy=app", "-ttl=1h", "-metadata=team=x", "-display-name=ci")
            for line in (r"token +\S+", r"token_accessor +\S+", r"token_duration +1h", r"token_renewable +true", r'token_policies +\["app" "default"\]',
                         r"identity_policies +\[\]", r'policies +\["app" "default"\]', r"token_meta_team +x"):
                assert re.search(f"^{line}$", made.out, re.M), f"{line}\n{made}"
            token = re.search(r"^token +(\S+)$", made.out, re.M).group(1)
            accessor = re.search(r"^token_accessor +(\S+)$", made.out, re.M).group(1)
            looked = cli.expect("token", "lookup", "-", stdin=token)
            assert re.search(r"^policies +\[app default\]$", looked.out, re.M) and re.search(r"^ttl +(1h|59m\d+s)$", looked.out, re.M), looked
            cli.expect("token", "lookup", "-accessor", accessor, "-field=display_name", out=re.compile("ci"))
            cli.expect("token", "renew", "-increment=30m", "-", stdin=token, out=re.compile(r"^token_duration +30m$", re.M))
            cli.expect("token", "capabilities", token, "secret/data/app", out="list, read\n")
            cli.expect("token", "capabilities", "secret/data/app", out="root\n")
            cli.expect("token", "capabilities", "-format=json", "-accessor", accessor, "secret/data/none", out='[\n  "deny"\n]\n')
            cli.expect("token", "revoke", "-accessor", accessor, out="Success! Revoked token (if it existed)\n")
            cli.expect("token", "lookup", "-", stdin=token, code=2)
            cli.expect("token", "revoke", code=1, err=re.compile("say which token"))
            own = cli.expect("token", "create", "-field=token", "-policy=default").out
            cli.expect("token", "revoke", "-self", KEYHOLD_TOKEN=own, out="Success! Revoked token (if it existed)\n")
            cli.expect("token", "create", "-field=token", "-use-limit=1", "-type=service", "-orphan", "-no-default-policy", "-policy=app", "-renewable=false")

        with report.case("policies: list, read, write, delete, fmt"):
            cli.expect("policy", "list", out="app\ndefault\ndev-access-key\nroot\n")
            cli.expect("policy", "read", "app", out='path "secret/data/app" { capabilities = ["read", "list"] }\n')
            cli.expect("policy", "read", "none", code=2, err="No policy named: none\n")
            cli.expect("policy", "write", "bad", "-", stdin="path {", code=2, err=re.compile("Code: 400"))
            cli.expect("policy", "delete", "app", out="Success! Deleted policy: app\n")
            file = cli.home.name + "/p.hcl"
            with open(file, "w") as out:
                out.write('# why\npath "a" {\ncapabilities=["read"]\n}\n')
            cli.expect("policy", "fmt", file, out=f"Success! Formatted policy: {file}\n")
            assert open(file).read() == '# why\npath "a" {\n  capabilities = ["read"]\n}\n'
            with open(file, "w") as out:
                out.write('path "a" {\n  capabilities = \n}\n')
            cli.expect("policy", "fmt", file, code=1, err=re.compile(re.escape(file) + r":[23]:\d+: "))

        with report.case("engines: list, enable, tune, move, disable"):
            cli.expect("secrets", "list", out=re.compile(r"^Path +Type +Accessor +Description\n---- +---- +-------- +-----------\ncubbyhole/ +cubbyhole +"))
            cli.expect("secrets", "enable", "-path=kv2", "-description=second", "kv-v2", out="Success! Enabled the kv-v2 secrets engine at: kv2/\n")
            cli.expect("secrets", "list", out=re.compile(r"^kv2/ +kv +kv_\w+ +second$", re.M))
            cli.expect("secrets", "tune", "-default-lease-ttl=1h", "-description=other", "kv2", out="Success! Tuned the secrets engine at: kv2/\n")
            cli.expect("secrets", "list", "-detailed", out=re.compile(r"^kv2/ +kv +kv_\w+ +1h +system +map\[version:2\] +other +", re.M))
            cli.expect("kv", "put", "kv2/a", "k=v")
            cli.expect("secrets", "move", "kv2", "kv3", out="Success! Finished moving secrets engine kv2/ to kv3/, with migration ID UUID\n")
            cli.expect("kv", "get", "-field=k", "kv3/a", out="v")
            cli.expect("secrets", "disable", "kv3", out="Success! Disabled the secrets engine (if it existed) at: kv3/\n")
            assert "kv3/" not in json.loads(cli.expect("secrets", "list", "-format=json").out)
            cli.expect("secrets", "enable", "nonsense", code=2, err=re.compile("Code: 400"))

        with report.case("auth methods: list, enable, tune, help, move, disable"):
            cli.expect("auth", "enable", "-path=keys", "access-key", out="Success! Enabled access-key auth method at: keys/\n")
            cli.expect("auth", "list", out=re.compile(r"^keys/ +access-key +", re.M))
            cli.expect("auth", "tune", "-description=machines", "keys", out="Success! Tuned the auth method at: keys/\n")
            cli.expect("auth", "help", "keys", out=re.compile("key"))
            cli.expect("auth", "move", "keys", "pairs", out="Success! Finished moving auth method auth/keys/ to auth/pairs/, with migration ID UUID\n")
            cli.expect("access-key", "list", "-mount=pairs", code=2)
            cli.expect("access-key", "list", code=1, err="there are several auth methods of access keys: name one with -mount\n")
            cli.expect("auth", "disable", "pairs", out="Success! Disabled the auth method (if it existed) at: pairs/\n")

        with report.case("access keys: create, import, read, disable, enable, list, delete"):
            made = cli.expect("access-key", "create", "-policy=default", "-ttl=90d", "-description=ci")
            key = re.search(r"^access_key_id +(\S+)$", made.out, re.M).group(1)
            assert re.search(r"^secret_access_key +\S+$", made.out, re.M), made
            assert "secret_access_key" not in cli.expect("access-key", "read", key).out
            cli.expect("access-key", "disable", key, "-field=status", out="disabled")
            cli.expect("access-key", "enable", key, "-field=status", out="active")
            cli.expect("access-key", "create", "AKIAIMPORTED00000001", stdin="not-a-secret-but-long-enough\n")
            assert "AKIAIMPORTED00000001" in cli.expect("access-key", "list").out
            cli.expect("access-key", "delete", key, out=f"Success! Deleted access key (if it existed): {key}\n")
            cli.expect("access-key", "read", key, code=2)

        with report.case("rotation: now, status, history, abort, stale"):
            cli.expect("kv", "put", "secret/rotates", "password=old", "user=app")
            cli.expect("write", "sys/rotators/app", "type=random", "field=password", "length=20")
            cli.expect("rotation", "status", "secret/rotates", code=2, err="No value found at secret/rotate/rotates\n")
            cli.expect("rotation", "now", "-rotator=app", "-automatically-after-days=30", "secret/rotates", out=re.compile(r"^rotator +app$", re.M))
            wait_until(lambda: cli.run("kv", "get", "-field=password", "secret/rotates").out != "old", 20, "the secret rotates")
            wait_until(lambda: "done" in cli.run("rotation", "history", "secret/rotates").out, 20, "the run is in the history")
            cli.expect("rotation", "history", "secret/rotates", out=re.compile(r"^Started +Ended +State +Step +Attempts +Version +Error\n"))
            cli.expect("rotation", "status", "secret/rotates", out=re.compile(r"^automatically_after_days +30$", re.M))
            cli.expect("rotation", "status", out=re.compile(r"^secret/rotates +ok +app +\S+Z +\S+Z +n/a$", re.M))
            assert json.loads(cli.expect("rotation", "status", "-format=json").out)[0]["path"] == "secret/rotates"
            cli.expect("rotation", "status", "-state=failing", out="There are none.\n")
            cli.expect("rotation", "abort", "secret/rotates", code=2)
            cli.expect("rotation", "stale", "-days=1", out="There are none.\n")

        with report.case("leases"):
            cli.expect("lease", "lookup", "none", code=2, err=re.compile("invalid lease"))
            cli.expect("lease", "renew", "-increment=1h", "none", code=2)
            cli.expect("lease", "revoke", "-prefix", "secret/", out="Success! Revoked any leases with prefix: secret/\n")
            cli.expect("lease", "revoke", "-force", "none", code=1, err="-force goes with -prefix\n")

        with report.case("audit"):
            cli.expect("audit", "list", code=2, out=re.compile("^No audit devices"))
            cli.expect("audit", "enable", "file", "file_path=/tmp/x", code=2, err=re.compile("configuration file"))
            cli.expect("audit", "verify", code=2)
            cli.expect("audit", code=1, err=re.compile("^  verify ", re.M))


def plain_login(text, home):
    return re.fullmatch(
        r"Success! You are now authenticated\. The token is kept in " + re.escape(home) + r"/\.keyhold-token for the\ncommands after this one\.\n\n"
        r"Key                  Value\n---                  -----\ntoken                root\ntoken_accessor       \S+\ntoken_duration       ∞\n"
        r"token_renewable      false\ntoken_policies       \[\"root\"\]\nidentity_policies    \[\]\npolicies             \[\"root\"\]\n", text)
