"""status and operator: from an empty store to a sealed server."""

import json
import re

from keyhold_cli import Cli
from keyhold_server import Server

STATUS = """Key                Value
---                -----
Seal Type          shamir
Initialized        true
Sealed             true
Total Shares       3
Threshold          2
Unseal Progress    {progress}
Unseal Nonce       {nonce}
Version            {version}
Build Date         n/a
Storage Type       raft
HA Enabled         false
"""


def check(report):
    with Server.configured() as server, Cli(server) as cli:
        with report.case("a new server: status, and what to do next"):
            cli.expect("status", code=2, out=re.compile(r"^Initialized +false$", re.M))
            cli.expect("operator", "init", "-status", code=2, out="Keyhold is not initialised\n")
            cli.expect("kv", "get", "secret/a", code=2, err=re.compile("keyhold operator (init|unseal)"))
            cli.expect("operator", "init", "-key-shares=0", code=1, err="-key-shares is a number from 1 on\n")
            cli.expect("operator", "init", "-key-shares=1", "-key-threshold=2", code=2)

        with report.case("operator init prints shares and token where scripts look for them"):
            made = cli.expect("operator", "init", "-key-shares=3", "-key-threshold=2")
            keys = re.findall(r"^Unseal Key \d: (\S+)$", made.out, re.M)
            token = re.search(r"^Initial Root Token: (\S+)$", made.out, re.M).group(1)
            assert len(keys) == 3, made
            cli.expect("operator", "init", code=2, err=re.compile("already initialized"))
            cli.expect("operator", "init", "-status", out="Keyhold is initialised\n")

        with report.case("operator unseal, share by share, from standard input"):
            version = json.loads(cli.run("status", "-format=json").out)["version"]
            cli.expect("status", code=2, out=STATUS.format(progress="0/2", nonce="n/a", version=version))
            cli.expect("kv", "get", "secret/a", code=2, err=re.compile(r"The server is sealed: run `keyhold operator unseal`\.\n$"))
            cli.expect("operator", "unseal", stdin=keys[0] + "\n", out=re.compile(r"^Unseal Progress +1/2$", re.M))
            cli.expect("operator", "unseal", "-reset", out=re.compile(r"^Unseal Progress +0/2$", re.M))
            cli.expect("operator", "unseal", "nonsense!", code=2, err=re.compile("Code: 400"))
            cli.expect("operator", "unseal", keys[0])
            cli.expect("operator", "unseal", "-", stdin=keys[1], out=re.compile(r"^Sealed +false$", re.M))
            cli.expect("status", out=re.compile(r"^Cluster ID +\S+$", re.M))
            cli.expect("status", "-field=sealed", out="false")

        with report.case("a wrong share is told"):
            with Cli(server, token) as root:
                root.expect("operator", "seal", out="Success! Keyhold is sealed.\n")
            cli.expect("operator", "unseal", keys[0])
            cli.expect("operator", "unseal", keys[0][::-1], code=2)
            cli.expect("operator", "unseal", "-reset")

        with report.case("operator init -format=json"):
            with Server.configured() as other, Cli(other) as fresh:
                made = json.loads(fresh.expect("operator", "init", "-n=1", "-t=1", "-format=json").out)
                assert len(made["unseal_keys_b64"]) == len(made["unseal_keys_hex"]) == 1 and made["unseal_threshold"] == 1, list(made)
                assert bytes.fromhex(made["unseal_keys_hex"][0]) and made["root_token"]

    with Server.configured() as server, Cli(server) as cli:
        made = json.loads(cli.expect("operator", "init", "-n=3", "-t=2", "-format=json").out)
        keys = made["unseal_keys_b64"]
        for key in keys[:2]:
            cli.expect("operator", "unseal", stdin=key)
        cli.environment["KEYHOLD_TOKEN"] = made["root_token"]

        with report.case("operator key-status and rotate"):
            cli.expect("operator", "key-status", out=re.compile(r"^Key Term            1\nInstall Time        \S+Z\nEncryption Count    \d+\n$"))
            cli.expect("operator", "rotate", out=re.compile(r"^Success! Rotated key\n\nKey Term            2\n"))
            cli.expect("operator", "key-status", "-field=term", out="2")

        with report.case("operator rekey, share by share"):
            cli.expect("operator", "rekey", stdin=keys[0], code=1, err="there is nothing in hand to give a key for: begin with -init\n")
            cli.expect("operator", "rekey", "-init", "-n=2", "-t=2", out=re.compile(r"^Rekey Progress +0/2\nNew Shares +2\nNew Threshold +2$", re.M))
            cli.expect("operator", "rekey", stdin=keys[0], out=re.compile(r"^Rekey Progress +1/2$", re.M), err="Operation nonce: UUID\n")
            cli.expect("operator", "rekey", "-status", out=re.compile(r"^Started +true$", re.M))
            cli.expect("operator", "rekey", "-cancel", out="Success! Canceled rekeying (if it was started)\n")
            cli.expect("operator", "rekey", "-status", out=re.compile(r"^Started +false$", re.M))
            cli.expect("operator", "rekey", "-init", "-n=2", "-t=2", "-verify", out=re.compile(r"^Verification Required +true$", re.M))
            cli.expect("operator", "rekey", stdin=keys[0])
            new = cli.expect("operator", "rekey", stdin=keys[1])
            keys = re.findall(r"^Key \d: (\S+)$", new.out, re.M)
            assert len(keys) == 2 and "rekey -verify -nonce=" in new.out, new
            cli.expect("operator", "rekey", "-verify", stdin=keys[0], out=re.compile(r"^Verification Progress +1/2$", re.M))
            cli.expect("operator", "rekey", "-verify", stdin=keys[1], out=re.compile("^Success! Rekey verification successful"))
            cli.expect("operator", "seal")
            for key in keys:
                unsealed = cli.expect("operator", "unseal", stdin=key)
            assert re.search(r"^Sealed +false$", unsealed.out, re.M), unsealed

        with report.case("operator generate-root, share by share, and its pad"):
            cli.expect("operator", "generate-root", "-status", out=re.compile(r"^Started +false$", re.M))
            begun = cli.expect("operator", "generate-root", "-init")
            pad = re.search(r"^OTP +(\S+)$", begun.out, re.M).group(1)
            cli.expect("operator", "generate-root", stdin=keys[0], out=re.compile(r"^Progress +1/2$", re.M))
            done = cli.expect("operator", "generate-root", stdin=keys[1], out=re.compile(r"^Complete +true$", re.M))
            encoded = re.search(r"^Encoded Token +(\S+)$", done.out, re.M).group(1)
            token = cli.expect("operator", "generate-root", f"-decode={encoded}", "-otp=-", stdin=pad).out.strip()
            cli.expect("token", "lookup", "-field=policies", KEYHOLD_TOKEN=token, out='["root"]')
            cli.expect("operator", "generate-root", f"-decode={encoded}", "-otp=short", code=1, err=re.compile("^-decode takes the encoded token"))
            own = cli.expect("operator", "generate-root", "-generate-otp").out
            assert len(own) == len(pad), own
            cli.expect("operator", "generate-root", "-init", "-otp=-", stdin=own)
            cli.expect("operator", "generate-root", "-cancel", out="Success! Canceled root token generation (if it was started)\n")
