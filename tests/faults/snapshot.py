#!/usr/bin/env python3
"""Snapshots through the real programs: a file is what it says, by our own tool and by everybody's; no changed, cut or foreign one is
restored, and then nothing has changed; a kill in the middle leaves the old store or the new one, whole; an empty store takes one offline.

usage: snapshot.py [--rounds N] [--seed S]"""

import argparse
import base64
import pathlib
import random
import re
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_cli import Cli  # noqa: E402
from keyhold_server import BINARY, Server  # noqa: E402
from report import Report  # noqa: E402
from small_disk import fill, small_disk  # noqa: E402

SECRETS = 40


def local(*arguments):
    """A command on files."""
    return subprocess.run([BINARY, "operator", "snapshot", *map(str, arguments)], capture_output=True, text=True, timeout=60)


def root_token(server):
    """One made with the key shares: every token is void after a restore."""
    api = server.api(token="")
    attempt = api.expect(200, "PUT", "sys/generate-root/attempt", {}).json
    for key in server.unseal_keys:
        answer = api.expect(200, "PUT", "sys/generate-root/update", {"key": key, "nonce": attempt["nonce"]}).json
    encoded = base64.b64decode(answer["encoded_token"] + "==")
    return bytes(a ^ b for a, b in zip(encoded, attempt["otp"].encode())).decode()


def write_all(api, value):
    for number in range(SECRETS):
        api.expect(200, "POST", f"secret/data/snap/{number}", {"data": {"value": value}})


def values(api):
    """Of all secrets: one, unless they are of two stores."""
    return {api.expect(200, "GET", f"secret/data/snap/{number}").data["data"]["value"] for number in range(SECRETS)}


def save(server, path):
    path.unlink(missing_ok=True)
    with Cli(server, token=server.token) as cli:
        cli.expect("operator", "snapshot", "save", str(path))
    return path


def restore(server, path, code=0, **expected):
    with Cli(server, token=server.token) as cli:
        return cli.expect("operator", "snapshot", "restore", str(path), code=code, **expected)


def files(report, server, folder):
    snapshot = save(server, folder / "store.snap")
    good = snapshot.read_bytes()
    with report.case("a snapshot is its owner's alone"):
        assert stat.S_IMODE(snapshot.stat().st_mode) == 0o600
    with report.case("tar and sha256sum know it"):
        out = folder / "unpacked"
        out.mkdir()
        subprocess.run(["tar", "-xzf", snapshot, "-C", out], check=True, timeout=30)
        assert {"manifest.json", "SHA256SUMS", "SHA256SUMS.sealed", "entries"} == {entry.name for entry in out.iterdir()}
        subprocess.run(["sha256sum", "-c", "--quiet", "--strict", "SHA256SUMS"], cwd=out, check=True, timeout=30)
    with report.case("no secret and no key is in it"):
        assert b"to-be-found" not in good
        for key in server.unseal_keys:
            assert key.encode() not in good and base64.b64decode(key) not in good
    with report.case("inspect says what it is, without a server"):
        ran = local("inspect", snapshot)
        assert ran.returncode == 0 and ran.stdout.endswith("good\n") and "shamir" in ran.stdout, ran.stdout + ran.stderr
        signer = ran.stdout.split("Signed by")[1].split()[0]
        assert local("inspect", "-public-key", signer, snapshot).returncode == 0
        assert local("inspect", "-public-key", "00" * 32, snapshot).returncode == 1
        assert local("inspect").returncode == 2
        assert local("inspect", folder / "none").returncode == 1
    with report.case("a file that is there is not written over"):
        with Cli(server, token=server.token) as cli:
            cli.expect("operator", "snapshot", "save", str(snapshot), code=1, err=re.compile("there already"))
        assert snapshot.read_bytes() == good
    with report.case("a save that is refused leaves no file"):
        with Cli(server, token="none") as cli:
            cli.expect("operator", "snapshot", "save", str(folder / "refused.snap"), code=2, err=re.compile("permission denied"))
        assert not list(folder.glob("refused*"))
    return snapshot, signer


def tampering(report, server, snapshot, rng):
    good = snapshot.read_bytes()
    bad = snapshot.parent / "bad.snap"
    with report.case("a changed byte is refused, by the tool and by the server, and nothing changes"):
        places = sorted({0, 3, 9, len(good) - 1, *(rng.randrange(len(good)) for _ in range(40))})
        for place in places:
            bad.write_bytes(good[:place] + bytes([good[place] ^ (1 << rng.randrange(8))]) + good[place + 1:])
            assert local("inspect", bad).returncode == 1, place
            restore(server, bad, code=2)
        assert values(server.api()) == {"new"}
    with report.case("a cut one is refused"):
        for size in (0, 1, 511, len(good) // 2, len(good) - 1):
            bad.write_bytes(good[:size])
            assert local("inspect", bad).returncode == 1, size
            restore(server, bad, code=2)
        assert values(server.api()) == {"new"}
    with report.case("one of another store is refused"), Server.configured() as other:
        other.ready()
        foreign = save(other, snapshot.parent / "foreign.snap")
        assert local("inspect", foreign).returncode == 0
        restore(server, foreign, code=2)
        assert values(server.api()) == {"new"}


def restoring(report, server, snapshot):
    with report.case("a restored store is as it was, and every token is void"):
        restore(server, snapshot)
        assert server.api().call("GET", "secret/data/snap/0").status == 403
        server.token = root_token(server)
        assert values(server.api()) == {"to-be-found"}
        assert server.api().call("GET", "secret/data/later").status == 404
    with report.case("one secret comes back by itself"):
        write_all(server.api(), "newer")
        with Cli(server, token=server.token) as cli:
            cli.expect("operator", "snapshot", "recover", "secret/snap/7", str(snapshot))
        assert server.api().expect(200, "GET", "secret/data/snap/7").data["data"]["value"] == "to-be-found"
        assert server.api().expect(200, "GET", "secret/data/snap/8").data["data"]["value"] == "newer"


def crashes(report, server, folder, rounds, rng):
    """The store is of one kind when it starts again, whatever was going on."""
    outcomes = {"before": 0, "after": 0}
    for number in range(rounds):
        with report.case(f"killed while restoring, round {number + 1}"):
            write_all(server.api(), "before")
            before = save(server, folder / "before.snap")
            write_all(server.api(), "after")
            body = before.read_bytes()
            api = server.api()

            def ask(api=api, body=body):
                try:
                    api.call("POST", "sys/storage/raft/snapshot", body)
                except Exception:  # The server is gone.
                    pass

            asking = threading.Thread(target=ask)
            asking.start()
            time.sleep(rng.uniform(0.0, 0.12))
            server.kill()
            asking.join()
            server.start()
            server.unseal()
            server.token = root_token(server)
            found = values(server.api())
            assert found in ({"before"}, {"after"}), found
            outcomes[found.pop()] += 1
    print(f"      {outcomes['before']} restored, {outcomes['after']} not")


def offline(report, server, snapshot, folder):
    with report.case("an empty store takes a snapshot offline, and opens with the shares of its time"), Server.configured() as empty:
        keys, empty.unseal_keys = empty.unseal_keys, server.unseal_keys
        empty.stop()
        for name in ("store", "audit"):
            subprocess.run(["rm", "-rf", empty.directory / name], check=True)
        ran = local("restore-offline", "-config", empty.directory / "server.hcl", snapshot)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        empty.start()
        empty.unseal()
        assert empty.api(token=server.token).call("GET", "secret/data/snap/0").status == 403
        empty.token = root_token(empty)
        assert values(empty.api()) == {"to-be-found"}
    configuration = server.directory / "server.hcl"
    with report.case("not while a server has the store open, and not over what is there"):
        ran = local("restore-offline", "-config", configuration, snapshot)
        assert ran.returncode == 1 and "in use" in ran.stderr, ran.stderr
        server.stop()
        ran = local("restore-offline", "-config", configuration, snapshot)
        assert ran.returncode == 1 and "not empty" in ran.stderr, ran.stderr
        bad = folder / "bad.snap"
        bad.write_bytes(snapshot.read_bytes()[:-1])
        assert local("restore-offline", "-force", "-config", configuration, bad).returncode == 1
        assert local("restore-offline", "-force", "-config", configuration, "-public-key", "00" * 32, snapshot).returncode == 1
        server.start()
        server.unseal()
        server.token = root_token(server)
        assert values(server.api()) <= {"before", "after"}
        server.stop()
        assert local("restore-offline", "-force", "-config", configuration, snapshot).returncode == 0
        server.start()
        server.unseal()
        server.token = root_token(server)
        assert values(server.api()) == {"to-be-found"}


def migrated(report):
    with report.case("a store is copied to a new folder, and goes on from there"), Server.configured() as server:
        server.ready()
        write_all(server.api(), "moved")
        old, new = server.directory / "store", server.directory / "elsewhere"
        description = server.directory / "migrate.hcl"
        description.write_text(f'storage_source "raft" {{ path = "{old}" }}\nstorage_destination "raft" {{ path = "{new}" }}\n')

        def migrate():
            return subprocess.run([BINARY, "operator", "migrate", f"-config={description}"], capture_output=True, text=True, timeout=60)

        ran = migrate()
        assert ran.returncode == 1 and "in use" in ran.stderr, ran
        server.stop()
        ran = migrate()
        assert ran.returncode == 0 and "entries copied from" in ran.stdout, ran
        ran = migrate()
        assert ran.returncode == 1 and "not empty" in ran.stderr, ran
        configuration = server.directory / "server.hcl"
        configuration.write_text(configuration.read_text().replace(str(old), str(new)))
        subprocess.run(["rm", "-rf", old], check=True)
        server.start()
        server.unseal()
        assert values(server.api()) == {"moved"}, "the token and the secrets of before"
        server.stop()
        ran = migrate()
        assert ran.returncode == 1 and "there is no store" in ran.stderr and not old.exists(), ran


def full(report):
    with report.case("a full disk: neither a save nor a restore leaves a trace"), small_disk(96) as disk:
        with Server.configured(store=disk / "store") as server:
            server.ready()
            write_all(server.api(), "old")
            with tempfile.TemporaryDirectory(prefix="keyhold-snapshots-") as name:
                snapshot = save(server, pathlib.Path(name) / "store.snap")
                write_all(server.api(), "new")
                filler = fill(disk)
                restore(server, snapshot, code=2)
                assert values(server.api()) == {"new"}
                with Cli(server, token=server.token) as cli:
                    cli.expect("operator", "snapshot", "save", str(pathlib.Path(name) / "none.snap"), code=2)
                filler.unlink()
                write_all_when_writable(server)
                restore(server, snapshot)
                server.token = root_token(server)
                assert values(server.api()) == {"old"}


def write_all_when_writable(server):
    deadline = time.monotonic() + 30
    while server.api().call("POST", "secret/data/snap/0", {"data": {"value": "new"}}).status != 200:
        assert time.monotonic() < deadline, "the store stays read-only"
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    rng = random.Random(arguments.seed)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="keyhold-snapshots-") as name, Server.configured() as server:
        folder = pathlib.Path(name)
        server.ready()
        write_all(server.api(), "to-be-found")
        snapshot, signer = files(report, server, folder)
        write_all(server.api(), "new")
        server.api().expect(200, "POST", "secret/data/later", {"data": {"value": "new"}})
        tampering(report, server, snapshot, rng)
        restoring(report, server, snapshot)
        crashes(report, server, folder, arguments.rounds, rng)
        offline(report, server, snapshot, folder)
        with report.case("the journal is signed by the same key, and whole"):
            assert server.stop() == 0
            verified = server.verify_journal()
            assert verified.returncode == 0 and signer in verified.stdout, verified.stdout + verified.stderr
    migrated(report)
    full(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
