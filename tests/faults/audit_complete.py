#!/usr/bin/env python3
"""Every request leaves its records in the journal, and `keyhold audit verify` finds a single changed bit. (full_disk.py has the
journal that cannot be written.)"""

import json
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from aws_client import AwsClient  # noqa: E402
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


def told_by(server, call):
    """The members of all records of the one request that `call` makes, and what it returns."""
    before = set(by_request(server))
    answer = call()
    new = [found for request, found in by_request(server).items() if request not in before]
    assert len(new) == 1, f"{len(new)} requests in the journal instead of one"
    return {name: value for record in new[0] for name, value in record.items()}, answer


def check_both_apis(report, server):
    """The same deed through Vault's API and through AWS's: alike in the journal, and each says who did it."""
    api = server.api()
    api.expect(204, "PUT", "sys/auth/keys", {"type": "access-key"})
    api.expect(204, "PUT", "sys/policies/acl/both", {"policy": 'path "secret/data/both/*" { capabilities = ["read"] }'})
    pair = api.expect(200, "PUT", "auth/keys/key", {"policies": "both"}).data
    token = api.expect(200, "POST", "auth/token/create", {"policies": ["both"], "no_default_policy": True}).json["auth"]
    accessor = api.expect(200, "GET", f"auth/keys/key/{pair['access_key_id']}").data["accessor"]
    aws = AwsClient(api, pair["access_key_id"], pair["secret_access_key"])
    for name in ("both/a", "other/a"):
        api.expect(200, "PUT", f"secret/data/{name}", {"data": {"password": SECRET}})

    def vault(method, path, body=None):
        return lambda: api.call(method, f"secret/data/{path}", body, token=token["client_token"]).status

    read, write = ("read", "GetSecretValue"), ("update", "PutSecretValue")
    for (operation, call), path, outcome, status in ((read, "both/a", "ok", 200), (read, "both/none", "not-found", 404),
                                                     (read, "other/a", "denied", 403), (write, "both/a", "denied", 403)):
        with report.case(f"{call} of {path} is in the journal as what Vault's API does: {outcome}"):
            value = {"SecretString": SECRET} if operation == "update" else {}
            by_vault, got = told_by(server, vault("PUT", path, {"data": {"value": SECRET}}) if value else vault("GET", path))
            assert got == status, f"Vault's API answers {got}"
            by_aws, _ = told_by(server, lambda: aws.call(call, {"SecretId": path, **value}))
            for told in (by_vault, by_aws):
                assert (told["operation"], told["path"], told["outcome"]) == (operation, f"secret/data/{path}", outcome), told
                assert (told["mount_point"], told["mount_type"], told["peer"]) == ("secret/", "kv", "127.0.0.1"), told
                assert told["auth"]["policies"] == ["both"] and told["auth"]["token"].startswith("hmac-sha256:"), told
            assert by_vault["api"] == "vault" and by_vault["auth"]["accessor"] == token["accessor"], by_vault
            assert (by_aws["api"], by_aws["call"]) == ("aws", f"secretsmanager/{call}"), by_aws
            assert by_aws["auth"]["accessor"] == accessor and by_aws["auth"]["display_name"].endswith(pair["access_key_id"]), by_aws
            if outcome == "ok":
                assert by_vault["reply"]["version"] == by_aws["reply"]["version"] == 1
                assert by_vault["reply"]["data"] == by_aws["reply"]["data"] != {}, "the value's hash differs"
    with report.case("a batch says of each secret whether it was told or denied"):
        told, (status, _, _) = told_by(server, lambda: aws.call("BatchGetSecretValue", {"SecretIdList": ["both/a", "other/a", "both/none"]}))
        assert status == 200 and told["outcome"] == "ok", told
        said = {secret["name"]: secret.get("outcome", secret.get("version")) for secret in told["reply"]["secrets"]}
        assert said == {"both/a": 1, "other/a": "denied"}, said
    with report.case("who signs with a wrong key is in the journal, and it says of whom nothing"):
        told, (_, code, _) = told_by(server, lambda: AwsClient(api, pair["access_key_id"], "wrong").call("GetSecretValue", {"SecretId": "both/a"}))
        assert code == "InvalidSignatureException" and told["outcome"] == "denied" and "auth" not in told, told
    with report.case("no secret access key and no value is in the journal"):
        text = b"".join(path.read_bytes() for path in server.journal_files())
        for hidden in (pair["secret_access_key"], token["client_token"], SECRET):
            assert hidden.encode() not in text


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
        check_both_apis(report, server)
        check_verify(report, server)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
