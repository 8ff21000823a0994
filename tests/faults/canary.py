#!/usr/bin/env python3
"""Puts a marker into every field of every route there is, and a body's marker where no field is. Then searches for it, in every
encoding that could carry it, in all that the server logged, journaled and stored, and, once it is sealed, in its memory."""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from aws_client import AwsClient  # noqa: E402
from keyhold_server import Server  # noqa: E402
from report import Report, Skip  # noqa: E402

MOUNTS = {"system": "sys", "token": "auth/token", "access-key": "auth/keys", "kv-v1": "kv1", "kv-v2": "secret", "cubbyhole": "cubbyhole"}
METHODS = {"read": "GET", "list": "LIST", "scan": "SCAN", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
# These end the sweep, or the way in: they take no field, and sealing is what comes after it.
ENDING = {"sys/seal", "auth/token/revoke-self"}
READ_BYTES = 1 << 22
LOG = '\nlog_format = "json"\nlog_level = "trace"\n'  # All that there is of it.


class Canary:
    """Markers, numbered so that a hit names its field, and all the encodings of the text that they share."""

    SHARED = "cAnArYkHzq"

    def __init__(self):
        self.fields = []
        self.wrapping_tokens = []
        self.secret_keys = []  # That the server made.

    def remember_wrapping(self, reply):
        wrap_info = (reply.json or {}).get("wrap_info")
        if wrap_info:
            self.wrapping_tokens.append(wrap_info["token"])

    def for_field(self, name):
        self.fields.append(name)
        return f"{self.SHARED}{len(self.fields):05d}x"

    def needles(self, secrets=()):
        """Name -> bytes that must be nowhere. Base64 is searched for at each of its three alignments."""
        found = {"plain": self.SHARED.encode(), "hex": self.SHARED.encode().hex().encode(),
                 "UTF-16": self.SHARED.encode("utf-16-le")}
        for shift in range(3):
            encoded = base64.b64encode(bytes(shift) + self.SHARED.encode())
            found[f"base64 at {shift}"] = encoded[4 if shift else 0:-4]
        for name, text in secrets:
            found[name] = text.encode()
        return found


def load_routes(server):
    told = subprocess.run([server.binary, "routes", "--json"], check=True, capture_output=True, timeout=30)
    return json.loads(told.stdout)


def full_path(route):
    return f"{MOUNTS[route['engine']]}/{route['path']}"


def value_of(kind, marker):
    """A value of a field's type that carries the marker; None where the type cannot. Names of members are no secrets: like
    paths, they stay readable in the journal."""
    return {
        "string": marker,
        "string-list": [marker, marker],
        "string-map": {"k": marker},
        "object": {"password": marker, "nested": {"list": [marker, {"k": marker}]}},
    }.get(kind)


def sweep_route(api, canary, route):
    """Calls a route with fields of the right types, then of the wrong ones, then with what no field is, then with its answer to be
    wrapped."""
    method, full = METHODS[route["operation"]], full_path(route)
    label = f"{method} {full}"
    right, wrong = {}, {}
    for field in route["fields"]:
        if field["in"] == "whole-body":
            right |= value_of("object", canary.for_field(f"{label}: the body"))
        # What a route declares clear may be read in the journal: only a value of the wrong type is a secret there.
        if field["in"] != "body":
            continue
        marker = canary.for_field(f"{label}: {field['name']}")
        value = value_of(field["type"], marker)
        if value is not None and (field["audited"] != "clear" or field["type"] == "object"):
            right[field["name"]] = value
        wrong[field["name"]] = {"wrong": [marker]} if field["type"] != "object" else marker
    # A path is in the clear in the journal: it carries no marker.
    path = re.sub(r"\{[^}]*\}", "canary", full)
    unknown = {"no-such-field": canary.for_field(f"{label}: an unknown field")}
    if not any(field["in"] == "whole-body" for field in route["fields"]):
        unknown[canary.for_field(f"{label}: a field's name")] = 1
    broken = f'{{"data": {{"a": "{canary.for_field(f"{label}: broken JSON")}'.encode()
    token = "hvs." + canary.for_field(f"{label}: a token")
    header = {"X-Canary": canary.for_field(f"{label}: a header")}
    bodiless = method in ("GET", "LIST", "SCAN")
    for sent in (right, wrong, unknown, right | unknown):
        api.call(method, path, None if bodiless else sent, headers=dict(
            header, **({"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {})))
    api.call(method, path, None if bodiless else broken, headers=header)
    api.call(method, path, None if bodiless else right, token=token)
    # What is to be wrapped waits in a token, inside of the store.
    wrapped = dict(header, **{"X-Vault-Wrap-TTL": "60s"})
    if method == "PATCH":
        wrapped["Content-Type"] = "application/merge-patch+json"
    canary.remember_wrapping(api.call(method, path, None if bodiless else right, headers=wrapped))
    api.call(method, f"{path}?canary={canary.for_field(f'{label}: a query')}")


def sweep_call(aws, canary, route):
    """Calls an operation of AWS's API with fields of the right types, of the wrong ones, with what no field is, and as a stranger."""
    label = f"AWS {route['path']}"
    right, wrong = {}, {}
    for field in route["fields"]:
        marker = canary.for_field(f"{label}: {field['name']}")
        value = [{"Key": marker, "Value": marker}] if field["type"] == "array" else value_of(field["type"], marker)
        if value is not None and field["audited"] != "clear":
            right[field["name"]] = value
        wrong[field["name"]] = {"wrong": [marker]}
    named = right | {"SecretId": "canary/aws", "Name": "canary/aws-new", "ClientRequestToken": "canary-" + "0" * 40}
    for sent in (named, wrong, {"no-such-field": canary.for_field(f"{label}: an unknown field")}):
        aws.call(route["path"], sent)
    aws.call(route["path"], f'{{"SecretString": "{canary.for_field(f"{label}: broken JSON")}'.encode())
    stranger = AwsClient(aws.api, "AKIACANARYNOBODY", canary.for_field(f"{label}: a secret key"))
    stranger.call(route["path"], named)
    aws.call(route["path"], named, headers={"X-Canary": canary.for_field(f"{label}: a header")})


def sweep_aws(server, api, canary, routes):
    every = 'path "*" { capabilities = ["create", "read", "update", "delete", "list"] }'
    api.expect(204, "PUT", "sys/policies/acl/canary-all", {"policy": every})
    key = {"secret_access_key": canary.for_field("the key of the sweep"), "policies": "canary-all"}
    api.expect(200, "PUT", "auth/keys/key/AKIACANARYSWEEP0", key)
    aws = AwsClient(server.api(), "AKIACANARYSWEEP0", key["secret_access_key"])
    aws.expect("CreateSecret", {"Name": "canary/aws", "SecretString": canary.for_field("a text by AWS"),
                                "Description": canary.for_field("a description")})
    for route in routes:
        if route["operation"] == "call":
            sweep_call(aws, canary, route)
    for name, value in (("text", {"SecretString": canary.for_field("a text by AWS, read")}),
                        ("bytes", {"SecretBinary": base64.b64encode(canary.for_field("bytes by AWS").encode()).decode()})):
        aws.expect("CreateSecret", {"Name": f"canary/{name}", **value})
        aws.expect("GetSecretValue", {"SecretId": f"canary/{name}"})
        api.expect(200, "GET", f"secret/data/canary/{name}")


def sweep(server, canary):
    """Every route; then honest use of secrets."""
    api = server.api()
    api.expect(204, "PUT", "sys/mounts/kv1", {"type": "kv-v1"})
    api.expect(204, "PUT", "sys/auth/keys", {"type": "access-key"})
    routes = load_routes(server)
    assert routes, "the server names no routes"
    for route in routes:
        if route["operation"] != "call" and full_path(route) not in ENDING:
            sweep_route(api, canary, route)
    sweep_aws(server, api, canary, routes)
    content = {"data": {"password": canary.for_field("a secret's content"), "deep": {"er": [canary.for_field("deep content")]}}}
    for name in ("canary/a", "canary/b"):
        for _ in range(3):
            api.expect(200, "PUT", f"secret/data/{name}", content)
            api.expect(200, "GET", f"secret/data/{name}")
    large = {"data": {"value": canary.for_field("a large secret") * 40_000}}
    api.expect(200, "PUT", "secret/data/canary/large", large)
    api.expect(200, "GET", "secret/data/canary/large")
    api.expect(200, "LIST", "secret/metadata/canary")
    merge = {"Content-Type": "application/merge-patch+json"}
    change = {"data": {"password": canary.for_field("a patch"), "new": {"er": canary.for_field("a patch, deep")}}}
    api.expect(200, "PATCH", "secret/data/canary/a", change, headers=merge)
    api.expect(200, "GET", "secret/subkeys/canary/a")
    for mount in ("kv1", "cubbyhole"):
        api.expect(204, "PUT", f"{mount}/canary", {"password": canary.for_field(f"content in {mount}"), "ttl": "1h"})
        api.expect(200, "GET", f"{mount}/canary")
    pair = {"secret_access_key": canary.for_field("an imported secret access key"), "description": canary.for_field("of a key")}
    api.expect(200, "PUT", "auth/keys/key/AKIACANARYCANARY", pair)
    api.expect(200, "PUT", "auth/keys/key/AKIACANARYCANARY", {"description": canary.for_field("of a key, changed")})
    api.expect(200, "GET", "auth/keys/key/AKIACANARYCANARY")
    canary.secret_keys.append(api.expect(200, "PUT", "auth/keys/key", {}).data["secret_access_key"])
    for path in ("secret/data/canary/a", "kv1/canary", "cubbyhole/canary"):
        reply = api.expect(200, "GET", path, headers={"X-Vault-Wrap-TTL": "60s"})
        canary.remember_wrapping(reply)
        api.expect(200, "PUT", "sys/wrapping/unwrap", {"token": canary.wrapping_tokens[-1]})
    return routes


def hits(text, needles, canary):
    """What of the needles is in these bytes, with the fields that plain markers name."""
    found = {name for name, needle in needles.items() if name != "plain" and needle in text}
    for numbered in re.finditer(re.escape(needles["plain"]) + rb"(\d{5})?", text):
        number = int(numbered.group(1) or 0)
        found.add(canary.fields[number - 1] if 0 < number <= len(canary.fields) else "a part of a marker")
    return found


def search_file(path, needles, canary):
    return hits(path.read_bytes(), needles, canary)


def search_memory(pid, needles, canary):
    """All that can be read of a process, with an overlap so that nothing hides on a border."""
    found = set()
    overlap = max(map(len, needles.values())) + 8
    regions = []
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        bounds, mode, *_ = line.split()
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        if "r" in mode and not line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
            regions.append((start, end, line.split()[-1] if len(line.split()) > 5 else "anonymous"))
    assert regions, "the process has no memory that can be read"
    read_bytes = 0
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, name in regions:
            position = start
            while position < end:
                try:
                    memory.seek(position)
                    piece = memory.read(min(READ_BYTES + overlap, end - position))
                except OSError:  # Locked key memory is off limits even to root.
                    break
                if not piece:
                    break
                read_bytes += len(piece)
                found |= {f"{hit} in {name}" for hit in hits(piece, needles, canary)}
                position += READ_BYTES
    print(f"      searched {read_bytes >> 20} MiB of memory in {len(regions)} regions")
    return found


def main():
    report = Report()
    canary = Canary()
    device = 'audit "file" "siem" {\n  options { file_path = "%s" }\n}\n'
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keyhold-canary-"))
    with Server.configured(directory=folder, extra=device % (folder / "siem.log") + LOG) as server:
        server.ready()
        routes = []
        with report.case("the sweep reaches every route"):
            routes = sweep(server, canary)
        print(f"      {len(routes)} routes, {len(canary.fields)} markers, {len(canary.wrapping_tokens)} wrapped answers")
        report.check("answers were wrapped", len(canary.wrapping_tokens) > 10)
        secrets = [("the root token", server.token), ("the unseal key", server.unseal_keys[0]),
                   ("the unseal key in hex", base64.b64decode(server.unseal_keys[0]).hex())]
        secrets += [(f"wrapping token {number}", token) for number, token in enumerate(canary.wrapping_tokens)]
        secrets += [("a secret access key", secret) for secret in canary.secret_keys]
        needles = canary.needles(secrets)
        with report.case("the search finds a marker that is there"):
            assert hits(b"x" + canary.SHARED.encode() + b"00001x", needles, canary)
            for shift in range(3):
                assert hits(base64.b64encode(b"y" * shift + canary.SHARED.encode() + b"zzz"), needles, canary)

        server.api().expect((200, 204), "PUT", "sys/seal")
        with report.case("nothing in the memory of the sealed server"):
            if os.geteuid() != 0:
                raise Skip("only root may read another process's memory")
            found = search_memory(server.pid, needles, canary)
            assert not found, "\n".join(sorted(found))
        pid_environment = pathlib.Path(f"/proc/{server.pid}/cmdline").read_bytes()
        report.check("nothing in the command line", not hits(pid_environment, needles, canary))
        server.stop()
        report.check("nothing in the log", not search_file(server.log, needles, canary),
                     search_file(server.log, needles, canary))
        for path in server.journal_files():
            found = search_file(path, needles, canary)
            report.check(f"nothing in the journal's {path.name}", not found, "\n".join(sorted(found)))
        forwarded = folder / "siem.log"
        found = search_file(forwarded, needles, canary)
        report.check("nothing in the audit device's file", forwarded.stat().st_size > 0 and not found, "\n".join(sorted(found)))
        stored = [path for path in (server.directory / "store").rglob("*") if path.is_file()]
        found = set().union(*(search_file(path, needles, canary) for path in stored))
        report.check(f"nothing in the store's {len(stored)} files", stored and not found, "\n".join(sorted(found)))
    shutil.rmtree(folder)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
