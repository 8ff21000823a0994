#!/usr/bin/env python3
"""Fills the disk beneath the store, and beneath the journal: what cannot be done is refused, what can be served is, nothing
acknowledged is lost, and the server heals by itself when space is back."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from report import Report, Skip  # noqa: E402
from small_disk import fill, small_disk  # noqa: E402

STORE_MIB, JOURNAL_MIB = 256, 8
HEAL_S = 30
ROUNDS = 3
WRITES_MAX = 3000


def write_until_refused(api, prefix):
    """Writes secrets until one is refused; returns the acknowledged names and the refusal."""
    acknowledged = []
    for number in range(WRITES_MAX):
        name = f"{prefix}/{number}"
        reply = api.call("POST", f"secret/data/{name}", {"data": {"name": name, "filler": "x" * 4000}})
        if reply.status != 200:
            return acknowledged, reply
        acknowledged.append(name)
    raise AssertionError(f"{WRITES_MAX} writes were taken by a full disk")


def check_refusal(reply):
    assert 500 <= reply.status < 600, f"{reply.status} for a write that a full disk cannot take"
    assert reply.errors, "not Vault's shape"


def check_all(api, names):
    for name in names:
        reply = api.expect(200, "GET", f"secret/data/{name}")
        assert reply.data["data"]["name"] == name


def read_only_journal(report):
    with small_disk(JOURNAL_MIB) as disk, report.case("a journal's folder that cannot be written to is noticed at the start"):
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True, timeout=10)
        try:
            with Server.configured(audit=disk):
                raise AssertionError("the server started")
        except RuntimeError as refused:
            said = str(refused)
        assert "the audit journal's directory cannot be written to (Read-only file system)" in said, said


def store_disk(report):
    with small_disk(STORE_MIB) as disk, Server.configured(store=disk / "store") as server:
        server.ready()
        api = server.api()
        acknowledged = []
        for number in range(1, ROUNDS + 1):
            with report.case(f"store, round {number}: writes are refused, reads served"):
                acknowledged += write_few(api, f"before-{number}")
                filler = fill(disk)
                more, refusal = write_until_refused(api, f"full-{number}")
                acknowledged += more
                check_refusal(refusal)
                check_all(api, acknowledged)
                api.expect(200, "GET", "auth/token/lookup-self")
                check_refusal(api.call("POST", "secret/data/again", {"data": {}}))
                assert api.call("GET", "sys/health").status == 200, "a full disk is no reason to send readers away"
            with report.case(f"store, round {number}: heals without a restart"):
                filler.unlink()
                wait_until(lambda: api.call("POST", "secret/data/healed", {"data": {}}).status == 200, HEAL_S,
                           "writes again once space is back")
                check_all(api, acknowledged)
        with report.case("store: all is there after a restart too"):
            assert server.stop() == 0, "the server did not end well"
            server.start()
            server.unseal()
            check_all(server.api(), acknowledged)


def write_few(api, prefix):
    names = [f"{prefix}/{number}" for number in range(5)]
    for name in names:
        api.expect(200, "POST", f"secret/data/{name}", {"data": {"name": name}})
    return names


def requests(name):
    return [("GET", f"secret/data/{name}", None), ("GET", "secret/data/missing", None),
            ("POST", "secret/data/refused", {"data": {"a": "b"}}), ("LIST", "secret/metadata/", None),
            ("GET", "auth/token/lookup-self", None), ("GET", "sys/mounts", None), ("POST", "auth/token/create", {})]


def refused_whole(api, method, path, body):
    """Whether a request was refused for the server's own reasons, without a word of what it would have said."""
    reply = api.call(method, path, body)
    return 500 <= reply.status < 600 and reply.data is None and (reply.json or {}).get("auth") is None


def journal_disk(report):
    with small_disk(JOURNAL_MIB) as disk, Server.configured(audit=disk / "audit") as server:
        server.ready()
        api = server.api()
        for number in range(1, ROUNDS + 1):
            with report.case(f"journal, round {number}: every request is refused"):
                names = write_few(api, f"journal-{number}")
                filler = fill(disk)
                # What is left of the file's last page still takes a few records, the short ones longest.
                wait_until(lambda: all(refused_whole(api, *request) for request in requests(names[0])), HEAL_S,
                           "every request is refused")
                for method, path, body in requests(names[0]) * 3:
                    assert refused_whole(api, method, path, body), f"{method} {path} was answered without an audit record"
                assert refused_whole(api, "POST", f"secret/data/never-{number}", {"data": {"a": "b"}})
            with report.case(f"journal, round {number}: heals without a restart"):
                filler.unlink()
                wait_until(lambda: api.call("GET", f"secret/data/{names[0]}").status == 200, HEAL_S,
                           "serves again once space is back")
                check_all(api, names)
                api.expect(404, "GET", f"secret/data/never-{number}")
        with report.case("journal: verifies after it all"):
            assert server.stop() == 0, "the server did not end well"
            verified = server.verify_journal()
            assert verified.returncode == 0, verified.stdout + verified.stderr


def main():
    report = Report()
    for name, disk in (("a full disk beneath the store", store_disk), ("a full disk beneath the journal", journal_disk),
                       ("a read-only disk beneath the journal", read_only_journal)):
        try:
            disk(report)
        except Skip as reason:
            report.skip(name, reason)
        except Exception as error:
            report.fail(name, error)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
