#!/usr/bin/env python3
"""Every request leaves its records in the journal, and `keyhold audit verify` finds a single changed bit. (full_disk.py has the
journal that cannot be written.)"""

import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server  # noqa: E402
from report import Report  # noqa: E402

FLIPS = 40
SECRET = "kHaUdItSeCrEt91"


def requests():
    """(method, path, body, status, whether it changes something), in an order in which each gets its status."""
    yield "PUT", "secret/data/audit/a", {"data": {"password": SECRET}}, 200, True
    yield "GET", "secret/data/audit/a", None, 200, False
    yield "GET", "secret/data/audit/a?version=1", None, 200, False
    yield "GET", "secret/data/audit/missing", None, 404, False
    yield "GET", "secret/metadata/audit/a", None, 200, False
    yield "LIST", "secret/metadata/audit", None, 200, False
    yield "PUT", "secret/data/audit/a", {"data": {"password": SECRET}, "options": {"cas": 9}}, 400, False
    yield "PUT", "secret/delete/audit/a", {"versions": [1]}, 204, True
    yield "PUT", "secret/undelete/audit/a", {"versions": [1]}, 204, True
    yield "DELETE", "secret/data/audit/a", None, 204, True
    yield "PUT", "secret/destroy/audit/a", {"versions": [1]}, 204, True
    yield "GET", "auth/token/lookup-self", None, 200, False
    yield "POST", "auth/token/create", {"ttl": "1h"}, 200, True
    yield "PUT", "sys/policies/acl/audit", {"policy": 'path "a" { capabilities = ["read"] }'}, 204, True
    yield "POST", "sys/mounts/audit-kv", {"type": "kv", "options": {"version": "2"}}, 204, True
    yield "DELETE", "sys/mounts/audit-kv", None, 204, True
    yield "GET", "nowhere/at/all", None, 404, False


def records(server):
    """All records of all streams: lines that are JSON objects with a request."""
    found = []
    for path in server.journal_files():
        for line in path.read_text(errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and request_of(record):
                found.append(record)
    return found


def request_of(record):
    return record.get("request_id") or record.get("request") or record.get("id")


def by_request(server):
    grouped = {}
    for record in records(server):
        grouped.setdefault(request_of(record), []).append(record)
    return grouped


def check_records(report, server):
    api = server.api()
    for method, path, body, status, changes in requests():
        with report.case(f"{method} {path}: {status} is in the journal"):
            before = set(by_request(server))
            reply = api.expect(status, method, path, body)
            new = {request: found for request, found in by_request(server).items() if request not in before}
            assert len(new) == 1, f"{len(new)} requests in the journal instead of one"
            request, found = next(iter(new.items()))
            if reply.json and reply.json.get("request_id"):
                assert reply.json["request_id"] == request, "the answer names another request"
            types = sorted(record["type"] for record in found)
            assert types == (["intent", "outcome"] if changes else ["access"]), f"records of types {types}"
    with report.case("a refused caller is in the journal"):
        before = len(records(server))
        api.expect(403, "GET", "secret/data/audit/a", token="hvs.forged")
        assert len(records(server)) > before
    with report.case("no secret and no token is in the journal"):
        text = b"".join(path.read_bytes() for path in server.journal_files())
        assert SECRET.encode() not in text and server.token.encode() not in text


def check_verify(report, server):
    with report.case("the journal verifies after a stop"):
        assert server.stop() == 0, "the server did not end well"
        verified = server.verify_journal()
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert "no tail is cut off" in verified.stdout, verified.stdout
    rng = random.Random(1)
    # The signed key beside the files names who signs: without a pinned key it cannot be checked against itself.
    streams = [path for path in server.journal_files() if path.stat().st_size > 0 and path.suffix != ".pub"]
    with report.case(f"each of {FLIPS} changed bytes is found"):
        for number in range(FLIPS):
            path = rng.choice(streams)
            whole = path.read_bytes()
            position = rng.randrange(len(whole))
            changed = bytearray(whole)
            changed[position] ^= 1 << rng.randrange(8)
            path.write_bytes(changed)
            verified = server.verify_journal()
            path.write_bytes(whole)
            assert verified.returncode == 1, \
                f"flip {number}, byte {position} of {len(whole)} of {path.name}: exit code {verified.returncode}"
    with report.case("a cut tail is found"):
        path = max(streams, key=lambda stream: stream.stat().st_size)
        whole = path.read_bytes()
        lines = whole.splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:len(lines) // 2]))
        verified = server.verify_journal()
        path.write_bytes(whole)
        assert verified.returncode == 1 or "not closed" in verified.stdout, "a journal cut in half passed as whole"
    with report.case("a removed line is found"):
        path.write_bytes(b"".join(lines[:2] + lines[3:]))
        verified = server.verify_journal()
        path.write_bytes(whole)
        assert verified.returncode == 1, f"exit code {verified.returncode}"


def main():
    report = Report()
    with Server.configured() as server:
        server.ready()
        check_records(report, server)
        check_verify(report, server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
