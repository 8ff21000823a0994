#!/usr/bin/env python3
"""Sends what no client should: each thing is refused at once with its status in Vault's shape, echoes nothing, changes nothing
and costs the server no memory; stuck clients are closed at their limit."""

import json
import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, raw_connection  # noqa: E402
from report import Report  # noqa: E402

MARKER = "kHmArKeR7f3a"  # In every bad request; in no answer.
HEADER_LIMIT_S, BODY_LIMIT_S = 10, 30  # base/limits.h: kHttpHeaderReadMs, kHttpBodyReadMs.
SLACK_S = 5
BODY_BYTES_MAX = 2 * 1024 * 1024
STUCK_CONNECTIONS = 400
RESIDENT_GROWTH_BYTES_MAX = 64 * 1024 * 1024


def request(method="GET", target="/v1/sys/health", headers=(), body=b"", version="HTTP/1.1", host=True):
    """The bytes of a request that asks for the connection to be closed after it."""
    lines = [f"{method} {target} {version}".encode() if isinstance(target, str) else
             method.encode() + b" " + target + b" " + version.encode()]
    if host:
        lines.append(b"Host: localhost")
    lines += [line.encode() if isinstance(line, str) else line for line in headers]
    if body and not any(line.lower().startswith((b"content-length", b"transfer-encoding")) for line in lines):
        lines.append(b"Content-Length: %d" % len(body))
    lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def exchange(server, data, timeout_s=20):
    """Sends bytes and returns all that comes back until the server closes."""
    received = b""
    with raw_connection(server, timeout_s) as connection:
        try:
            connection.sendall(data)
        except OSError:
            pass  # Refused while we still sent: the answer may be there all the same.
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            pass
    return received


def responses(received):
    """The (status, body) of each response in what was received."""
    found = []
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        assert separator and head.startswith(b"HTTP/1.1 "), f"not a response: {received[:100]!r}"
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        found.append((int(head.split()[1]), rest[:length]))
        received = rest[length:]
    return found


def refused(report, server, name, data, status, timeout_s=20):
    """The case: these bytes get one answer, with this status (or one of these)."""
    with report.case(name):
        received = exchange(server, data, timeout_s)
        answers = responses(received)
        assert len(answers) == 1, f"{len(answers)} answers: {[answer[0] for answer in answers]}"
        wanted = status if isinstance(status, tuple) else (status,)
        assert answers[0][0] in wanted, f"{answers[0][0]} instead of {status}: {answers[0][1][:200]!r}"
        errors = json.loads(answers[0][1])["errors"]
        assert isinstance(errors, list) and all(isinstance(error, str) for error in errors), "not Vault's shape"
        assert MARKER.encode() not in received, "the answer echoes the request"


# What the server refuses by itself.


def http_cases():
    long = MARKER + "a" * 40_000
    second = request()
    yield "no HTTP at all", f"{MARKER}\r\n\r\n".encode(), 400
    yield "binary noise", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64) + b"\r\n\r\n", 400
    yield "HTTP/0.9", f"GET /v1/{MARKER}\r\n\r\n".encode(), 400
    yield "HTTP/2.0", request(target=f"/v1/{MARKER}", version="HTTP/2.0"), 505
    yield "a version that is none", request(target=f"/v1/{MARKER}", version="HTTP/1.1x"), 400
    yield "two spaces in the request line", f"GET  /v1/{MARKER} HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 400
    yield "a method that is no token", request(method=f"G@T{MARKER}"), 400
    yield "an endless method", request(method=MARKER * 10), 501
    yield "an unknown method", request(method=MARKER), 405
    yield "an absolute target", request(target=f"http://localhost/v1/{MARKER}"), 400
    yield "an authority as target", request(method="CONNECT", target=f"{MARKER}:443"), 400
    yield "an asterisk as target", request(method="OPTIONS", target="*"), 400
    yield "a target too long", request(target="/v1/" + long[:9000]), 414
    yield "bare line feeds", f"GET /v1/{MARKER} HTTP/1.1\nHost: a\n\n".encode(), 400
    yield "no host", request(target=f"/v1/{MARKER}", host=False), 400
    yield "two hosts", request(headers=[f"Host: {MARKER}"]), 400
    yield "a host that is none", request(headers=[f"Host: a/{MARKER}"], host=False), 400
    yield "a space before the colon", request(headers=[f"X-A : {MARKER}"]), 400
    yield "a header without a colon", request(headers=[MARKER]), 400
    yield "a folded header", request(headers=["X-A: b", f" {MARKER}"]), 400
    yield "NUL in a header", request(headers=[f"X-A: {MARKER}\0".encode()]), 400
    yield "a bare carriage return in a header", request(headers=[f"X-A: b\r{MARKER}".encode()]), 400
    yield "a header name with bytes above ASCII", request(headers=["X-ä: b".encode()]), 400
    yield "a header too long", request(headers=[f"X-A: {long}"]), 431
    yield "too many headers", request(headers=[f"X-{n}: {MARKER}" for n in range(100)]), 431
    yield "two tokens", request(headers=[f"X-Vault-Token: {MARKER}", "X-Vault-Token: b"]), 400
    for length in ("-1", "+5", "0x5", "5 5", "", "1e3", "99999999999999999999999", MARKER):
        yield (f"a length of '{length if length != MARKER else 'letters'}'",
               request("PUT", headers=[f"Content-Length: {length}"], body=b"{}") + second, (400, 413))
    yield ("two lengths", request("PUT", headers=["Content-Length: 2", "Content-Length: 3"], body=b"{}") + second, 400)
    yield ("the same length twice", request("PUT", headers=["Content-Length: 2", "Content-Length: 2"], body=b"{}") + second,
           400)
    yield ("a list of lengths", request("PUT", headers=["Content-Length: 2, 2"], body=b"{}") + second, 400)
    yield ("a length and chunks", request("PUT", headers=["Content-Length: 4", "Transfer-Encoding: chunked"],
                                          body=b"0\r\n\r\n") + second, 400)
    yield ("chunks and a length", request("PUT", headers=["Transfer-Encoding: chunked", "Content-Length: 4"],
                                          body=b"0\r\n\r\n") + second, 400)
    for coding in ("gzip", "gzip, chunked", "chunked, chunked", "chunked, identity", "xchunked", "\vchunked", "chunked;a=b",
                   "identity"):
        yield (f"the transfer coding {coding!r}",
               request("PUT", headers=[f"Transfer-Encoding: {coding}"], body=b"0\r\n\r\n") + second, (400, 501))
    yield ("the transfer coding twice", request("PUT", headers=["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
                                                body=b"0\r\n\r\n") + second, (400, 501))
    yield ("chunks by HTTP/1.0", request("PUT", headers=["Transfer-Encoding: chunked"], body=b"0\r\n\r\n",
                                         version="HTTP/1.0") + second, 400)
    for size in (f"{MARKER}", "-1", "0x1", "1 ", "", "fffffffffffffffff", "+1"):
        yield (f"a chunk of size {size!r}", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"],
                                                    f"{size}\r\na\r\n0\r\n\r\n".encode()), (400, 413))
    yield ("a chunk longer than it says", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"],
                                                  f"1\r\n{MARKER}\r\n0\r\n\r\n".encode()), 400)
    yield ("a chunk ended by a line feed", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"],
                                                   b"1\na\r\n0\r\n\r\n"), 400)
    yield ("a long chunk extension", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"],
                                             b"1;" + b"a" * 10_000 + b"\r\na\r\n0\r\n\r\n"), 400)
    yield ("a body declared too large", request("PUT", "/v1/secret/data/sentinel",
                                                [f"Content-Length: {BODY_BYTES_MAX + 1}"], MARKER.encode()), 413)
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    yield ("a chunked body too large", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"],
                                               chunk * 40), 413)
    yield "an unknown expectation", request("PUT", headers=[f"Expect: {MARKER}"], body=b"{}"), 417


# What the API refuses, to a caller with every right.


def path_cases():
    names = {
        "an empty segment": f"/v1/secret/data//{MARKER}",
        "a slash in front": f"/v1//secret/data/{MARKER}",
        "an empty path": "/v1/",
        "a dot": f"/v1/secret/data/./{MARKER}",
        "dots": f"/v1/secret/data/{MARKER}/../sentinel",
        "dots at the end": f"/v1/secret/data/{MARKER}/..",
        "escaped dots": f"/v1/secret/data/{MARKER}/%2e%2E/sentinel",
        "half-escaped dots": f"/v1/secret/data/{MARKER}/.%2e/sentinel",
        "an escaped slash": f"/v1/secret/data%2f{MARKER}",
        "a twice escaped slash": f"/v1/secret/data/%252f{MARKER}",
        "an escaped backslash": f"/v1/secret/data/..%5c{MARKER}",
        "NUL": f"/v1/secret/data/{MARKER}%00",
        "a line feed": f"/v1/secret/data/{MARKER}%0a",
        "a delete character": f"/v1/secret/data/{MARKER}%7F",
        "an overlong slash": f"/v1/secret/data/%c0%af{MARKER}",
        "an overlong dot": f"/v1/secret/data/%c0%ae%c0%ae/{MARKER}",
        "a byte that is no UTF-8": f"/v1/secret/data/{MARKER}%ff",
        "a cut UTF-8 sequence": f"/v1/secret/data/{MARKER}%e2%82",
        "a surrogate": f"/v1/secret/data/{MARKER}%ed%a0%80",
        "a code point above Unicode": f"/v1/secret/data/{MARKER}%f4%90%80%80",
        "an escape of letters": f"/v1/secret/data/{MARKER}%zz",
        "a cut escape": f"/v1/secret/data/{MARKER}%2",
        "a path too long": f"/v1/secret/data/{MARKER}" + "a" * 600,
        "a trailing slash on a secret": f"/v1/secret/data/{MARKER}/",
        "a version that is no number": f"/v1/secret/data/sentinel?version={MARKER}",
        "a parameter twice": f"/v1/secret/data/sentinel?version=1&version={MARKER}",
        "a list that is no boolean": f"/v1/secret/metadata/sentinel?list={MARKER}",
        "a scan that is no boolean": f"/v1/secret/metadata/sentinel?scan={MARKER}",
        "a list and a scan at once": f"/v1/secret/metadata/{MARKER}?list=true&scan=true",
        "a limit that is no number": f"/v1/secret/metadata/sentinel?list=true&limit={MARKER}",
        "a limit beyond all numbers": "/v1/secret/metadata/?list=true&limit=99999999999999999999",
        "an endless name to list after": "/v1/secret/metadata/?list=true&after=" + MARKER * 100,
        "a depth that is no number": f"/v1/secret/subkeys/sentinel?depth={MARKER}",
        "a control character in the query": f"/v1/secret/data/sentinel?version=1%00{MARKER}",
        "a hundred parameters": "/v1/secret/data/sentinel?" + "&".join(f"{MARKER}{n}=1" for n in range(100)),
    }
    for name, target in names.items():
        yield f"in a path: {name}", request(target=target), 400
    yield "raw bytes above ASCII in the target", request(target=f"/v1/secret/data/{MARKER}".encode() + b"\xc3\xa4"), 400
    yield "a path of no mount", request(target=f"/v1/{MARKER}/a"), 404
    yield "a path of no route", request(target=f"/v1/sys/{MARKER}"), 404
    yield "a path of no API", request(target=f"/{MARKER}"), 404
    yield "a path kept for another API", request(target=f"/v1/projects/{MARKER}/secrets"), 404
    yield "a namespace that is not there", request(target="/v1/secret/data/sentinel", headers=[f"X-Vault-Namespace: {MARKER}"]), 404
    yield "wrapping for a time that is none", request(target="/v1/secret/data/sentinel", headers=[f"X-Vault-Wrap-TTL: {MARKER}"]), 400
    yield "a method that the route has not", request("DELETE", "/v1/secret/config"), 405


def json_cases():
    bodies = {
        "an open brace": "{",
        "nothing but text": MARKER,
        "an array": f'["{MARKER}"]',
        "a string": f'"{MARKER}"',
        "null": "null",
        "a trailing comma": f'{{"data": {{"a": "{MARKER}",}}}}',
        "more after the end": f'{{"data": {{}}}} {MARKER}',
        "two objects": '{"data": {}}{"data": {}}',
        "single quotes": f"{{'data': {{'a': '{MARKER}'}}}}",
        "a comment": f'{{"data": {{}} /* {MARKER} */}}',
        "a key twice": f'{{"data": {{"a": 1, "a": "{MARKER}"}}}}',
        "a key twice, once escaped": f'{{"data": {{"a": 1, "\\u0061": "{MARKER}"}}}}',
        "a field twice": f'{{"data": {{}}, "data": {{"a": "{MARKER}"}}}}',
        "NaN": '{"data": {"a": NaN}}',
        "Infinity": '{"data": {"a": -Infinity}}',
        "a number with a leading zero": '{"data": {"a": 01}}',
        "a number with a plus": '{"data": {"a": +1}}',
        "a number without its fraction": '{"data": {"a": 1.}}',
        "a hexadecimal number": '{"data": {"a": 0x10}}',
        "a control character in a string": f'{{"data": {{"a": "{MARKER}\n"}}}}',
        "an unknown escape": f'{{"data": {{"a": "{MARKER}\\x41"}}}}',
        "a lone surrogate": f'{{"data": {{"a": "{MARKER}\\ud800"}}}}',
        "surrogates the wrong way round": f'{{"data": {{"a": "{MARKER}\\udc00\\ud800"}}}}',
        "a cut string": f'{{"data": {{"a": "{MARKER}',
        "too deep": '{"data": ' + '{"a":' * 40 + f'"{MARKER}"' + "}" * 41,
        "deep as a stack": '{"data": ' + "[" * 500_000,
        "too many values": '{"data": {"a": [' + "1," * 20_000 + "1]}}",
        "too many keys": '{"data": {' + ",".join(f'"{n}":1' for n in range(20_000)) + "}}",
        "no body": "",
        "no data": f'{{"other": "{MARKER}"}}',
        "data of null": '{"data": null}',
        "data of text": f'{{"data": "{MARKER}"}}',
        "data of an array": f'{{"data": ["{MARKER}"]}}',
        "data of a number": '{"data": 1}',
        "options of text": f'{{"data": {{}}, "options": "{MARKER}"}}',
        "cas of text": f'{{"data": {{}}, "options": {{"cas": "{MARKER}"}}}}',
        "cas of an object": f'{{"data": {{}}, "options": {{"cas": {{"{MARKER}": 1}}}}}}',
        "a negative cas": '{"data": {}, "options": {"cas": -1}}',
        "a cas beyond all numbers": '{"data": {}, "options": {"cas": 99999999999999999999999}}',
        "a cas with a fraction": '{"data": {}, "options": {"cas": 0.5}}',
    }
    for name, body in bodies.items():
        yield f"in a body: {name}", request("PUT", "/v1/secret/data/sentinel", body=body.encode()), 400
    raw = {
        "a byte that is no UTF-8": b'{"data": {"a": "\xff"}}',
        "an overlong sequence": b'{"data": {"a": "\xc0\xaf"}}',
        "a surrogate in UTF-8": b'{"data": {"a": "\xed\xa0\x80"}}',
        "UTF-16": '{"data": {"a": 1}}'.encode("utf-16"),
        "a byte order mark": b'\xef\xbb\xbf{"data": {}}',
        "NUL": b'{"data": {"a": "\0"}}',
    }
    for name, body in raw.items():
        yield f"in a body: {name}", request("PUT", "/v1/secret/data/sentinel", body=body), 400
    versions = {
        "versions of an object": '{"versions": {"a": 1}}',
        "versions of letters": f'{{"versions": ["{MARKER}"]}}',
        "a version with a fraction": '{"versions": [1.5]}',
        "no versions": "{}",
    }
    for name, body in versions.items():
        for route in ("delete", "undelete", "destroy"):
            yield f"{route}: {name}", request("PUT", f"/v1/secret/{route}/sentinel", body=body.encode()), 400
    yield from metadata_cases()
    yield from patch_cases()
    yield from plain_cases()
    yield ("PATCH of another content type",
           request("PATCH", "/v1/secret/data/sentinel", ["Content-Type: application/json"], b"{}"), 415)
    yield ("a token for a duration that is none",
           request("PUT", "/v1/auth/token/create", body=f'{{"ttl": "{MARKER}"}}'.encode()), 400)
    yield ("a token for a negative duration", request("PUT", "/v1/auth/token/create", body=b'{"ttl": -5}'), 400)
    yield ("a policy that does not parse",
           request("PUT", "/v1/sys/policies/acl/bad", body=f'{{"policy": "path {MARKER} {{"}}'.encode()), 400)
    yield ("a policy with an unknown capability",
           request("PUT", "/v1/sys/policies/acl/bad",
                   body=json.dumps({"policy": f'path "a" {{ capabilities = ["{MARKER}"] }}'}).encode()), 400)
    yield ("a mount with a bad path", request("PUT", "/v1/sys/mounts/a%2f..%2fb", body=b'{"type": "kv-v2"}'), 400)
    for what, query in {"state": f"state={MARKER}", "number of days": f"state=stale&days={MARKER}", "time of no days": "state=stale&days=0",
                        "page": f"after={MARKER}"}.items():
        yield f"a report of rotation by a wrong {what}", request(target=f"/v1/sys/rotation?{query}"), 400
    yield "figures in another format", request(target=f"/v1/sys/metrics?format={MARKER}"), 400
    yield ("a mount below sys", request("PUT", "/v1/sys/mounts/sys/a", body=b'{"type": "kv-v2"}'), 400)
    yield from mount_cases()
    yield from key_cases()
    yield from access_key_cases()


def key_cases():
    """Of the routes that change keys."""
    numbers = {"no numbers": "{}", "letters": f'{{"secret_shares": "{MARKER}"}}', "none": '{"secret_shares": 0, "secret_threshold": 0}',
               "too many": '{"secret_shares": 256, "secret_threshold": 2}', "more than there are": '{"secret_shares": 3, "secret_threshold": 4}',
               "beyond all numbers": '{"secret_shares": 99999999999999999999, "secret_threshold": 1}',
               "one of several": '{"secret_shares": 3, "secret_threshold": 1}',
               "PGP keys": f'{{"secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["{MARKER}"]}}',
               "a backup": '{"secret_shares": 1, "secret_threshold": 1, "backup": true}'}
    shares = {"no share": "{}", "no nonce": f'{{"key": "{MARKER}"}}', "no text": f'{{"key": {{"a": "{MARKER}"}}, "nonce": "a"}}',
              "another nonce": f'{{"key": "00ff", "nonce": "{MARKER}"}}', "an endless share": json.dumps({"key": "ff" * 100_000, "nonce": MARKER}),
              "no hexadecimal": f'{{"key": "{MARKER}!", "nonce": "{MARKER}"}}'}
    for root in ("rekey", "rotate/root"):
        for name, body in numbers.items():
            yield f"{root}: {name}", request("PUT", f"/v1/sys/{root}/init", body=body.encode()), 400
        for route in ("update", "verify"):
            for name, body in shares.items():
                yield f"{root}/{route}: {name}", request("PUT", f"/v1/sys/{root}/{route}", body=body.encode()), 400
        yield f"{root}: no proof to begin anew", request("DELETE", f"/v1/sys/{root}/verify"), 400
        yield f"{root}: no proof to tell of", request(target=f"/v1/sys/{root}/verify"), 400
    for root in ("generate-root", "generate-root-token"):
        for name, body in shares.items():
            yield f"{root}: {name}", request("PUT", f"/v1/sys/{root}/update", body=body.encode()), 400
        for name, body in {"a short pad": f'{{"otp": "{MARKER}"}}', "an endless pad": json.dumps({"otp": MARKER * 100}),
                           "a PGP key": f'{{"pgp_key": "{MARKER}"}}'}.items():
            yield f"{root}: {name}", request("PUT", f"/v1/sys/{root}/attempt", body=body.encode()), 400
        yield f"{root}: another nonce's end", request("DELETE", f"/v1/sys/{root}/attempt", body=f'{{"nonce": "{MARKER}"}}'.encode()), 400
    for name, body in {"nothing": "{}", "no base64": f'{{"encoded_token": "{MARKER}!", "otp": "a"}}',
                       "a pad of another length": f'{{"encoded_token": "AAAA", "otp": "{MARKER}"}}'}.items():
        yield f"decode-token: {name}", request("PUT", "/v1/sys/decode-token", body=body.encode()), 400
    for name, body in {"few operations": '{"max_operations": 1}', "too many operations": '{"max_operations": 99999999999999999999}',
                       "letters": f'{{"max_operations": "{MARKER}"}}', "a short interval": '{"interval": "1h"}',
                       "an interval that is none": f'{{"interval": "{MARKER}"}}', "a switch that is none": f'{{"enabled": "{MARKER}"}}'}.items():
        yield f"rotate/config: {name}", request("PUT", "/v1/sys/rotate/config", body=body.encode()), 400


def access_key_cases():
    imported = f'{{"secret_access_key": "{MARKER}{MARKER}"}}'.encode()
    ids = {"a short id": "AKIA", "a long id": "A" * 129, "a temporary credential's id": f"ASIA{MARKER}", "an id with a dash": f"AKIA-{MARKER}",
           "an id that is none": f"AKIA%00{MARKER}", "an id of two segments": f"AKIA%2f{MARKER}"}
    for name, key in ids.items():
        yield f"access key: {name}", request("PUT", f"/v1/auth/keys/key/{key}", body=imported), 400
    secrets = {"no secret": "{}", "a secret of null": '{"secret_access_key": null}', "an empty secret": '{"secret_access_key": ""}',
               "a short secret": f'{{"secret_access_key": "{MARKER}"}}', "a secret with a space": f'{{"secret_access_key": "{MARKER} {MARKER}"}}',
               "a secret of an object": f'{{"secret_access_key": {{"a": "{MARKER}"}}}}',
               "an endless secret": json.dumps({"secret_access_key": MARKER * 20}),
               "disabled from the start": f'{{"secret_access_key": "{MARKER}{MARKER}", "disabled": true}}'}
    for name, body in secrets.items():
        yield f"access key: {name}", request("PUT", f"/v1/auth/keys/key/AKIA{MARKER}", body=body.encode()), 400
    fields = {"a time that is none": f'{{"ttl": "{MARKER}"}}', "a negative time": '{"ttl": -1}', "a policy that is no name": f'{{"policies": "{MARKER} x"}}',
              "the root policy": '{"policies": ["a", " ROOT"]}', "a block that is none": f'{{"bound_cidrs": "{MARKER}"}}',
              "an endless description": json.dumps({"description": MARKER * 50}),
              "endless policies": json.dumps({"policies": [f"p{n}" for n in range(300)]}),
              "endless blocks": json.dumps({"bound_cidrs": ["::1"] * 70})}
    for name, body in fields.items():
        yield f"access key: {name}", request("PUT", "/v1/auth/keys/key", body=body.encode()), 400


def mount_cases():
    settings = {
        "a life time that is none": f'{{"default_lease_ttl": "{MARKER}"}}',
        "a negative life time": '{"max_lease_ttl": -1}',
        "a life time beyond all time": '{"max_lease_ttl": "99999999999999999999h"}',
        "a default over its maximum": '{"default_lease_ttl": "2h", "max_lease_ttl": "1h"}',
        "another visibility": f'{{"listing_visibility": "{MARKER}"}}',
        "a list of objects": f'{{"audit_non_hmac_request_keys": [{{"a": "{MARKER}"}}]}}',
        "lock-out": f'{{"user_lockout_config": {{"lockout_threshold": "{MARKER}"}}}}',
        "a version of a plugin": f'{{"plugin_version": "{MARKER}"}}',
    }
    for what, body in settings.items():
        yield f"tuning: {what}", request("PUT", "/v1/sys/mounts/secret/tune", body=body.encode()), 400
        made = f'{{"type": "kv", "config": {body}}}'.encode()
        yield f"a mount with {what}", request("PUT", "/v1/sys/mounts/new", body=made), 400
    yield ("tuning to a version that is none",
           request("PUT", "/v1/sys/mounts/secret/tune", body=f'{{"options": {{"version": "{MARKER}"}}}}'.encode()), 400)
    yield ("tuning to a version before", request("PUT", "/v1/sys/mounts/secret/tune", body=b'{"options": {"version": 1}}'), 400)
    yield "tuning what is built in", request("PUT", "/v1/sys/mounts/sys/tune", body=b'{"description": "x"}'), 400
    yield "an auth method of no type", request("PUT", "/v1/sys/auth/new", body=f'{{"type": "{MARKER}"}}'.encode()), 400
    yield "a second token store", request("PUT", "/v1/sys/auth/new", body=b'{"type": "token"}'), 400
    yield "the end of the token store", request("DELETE", "/v1/sys/auth/token"), 400
    for to in ("", "sys/x", "auth/x", "secret/below", "a/../b", "a//b", "a%2fb", "a\\\\b", "x" * 5000, "x/tune"):
        yield f"a move to {to[:20]!r}", request("PUT", "/v1/sys/remount", body=f'{{"from": "secret", "to": "{to}"}}'.encode()), 400
    yield "a move of what is built in", request("PUT", "/v1/sys/remount", body=b'{"from": "cubbyhole", "to": "x"}'), 400


def metadata_cases():
    settings = {
        "a limit of letters": f'{{"max_versions": "{MARKER}"}}',
        "a negative limit": '{"max_versions": -1}',
        "a limit that no record holds": '{"max_versions": 4294967296}',
        "a duration that is none": f'{{"delete_version_after": "{MARKER}"}}',
        "a duration of an object": f'{{"delete_version_after": {{"a": "{MARKER}"}}}}',
        "a duration beyond all time": '{"delete_version_after": "99999999999999999999h"}',
        "a boolean of letters": f'{{"cas_required": "{MARKER}"}}',
    }
    custom = {
        "custom metadata of text": f'"{MARKER}"',
        "custom metadata of an array": f'["{MARKER}"]',
        "custom metadata within custom metadata": f'{{"a": {{"b": "{MARKER}"}}}}',
        "custom metadata with a null": f'{{"{MARKER}": null}}',
        "custom metadata with an endless name": json.dumps({MARKER * 20: "a"}),
        "custom metadata with an endless value": json.dumps({"a": MARKER * 50}),
        "custom metadata with a newline": json.dumps({"a": MARKER + "\n"}),
        "custom metadata that turns text around": json.dumps({"a": MARKER + "\u202e"}),
        "too much custom metadata": json.dumps({f"{MARKER}{n}": "a" for n in range(65)}),
        "custom metadata with a name twice": f'{{"a": "{MARKER}", "a": "b"}}',
    }
    bodies = settings | {name: f'{{"custom_metadata": {value}}}' for name, value in custom.items()}
    for name, body in bodies.items():
        yield f"metadata: {name}", request("PUT", "/v1/secret/metadata/sentinel", body=body.encode()), 400
    for name, body in settings.items():
        yield f"config: {name}", request("PUT", "/v1/secret/config", body=body.encode()), 400


def patch_cases():
    merge = ["Content-Type: application/merge-patch+json"]
    bodies = {
        "nothing": "",
        "no data": f'{{"other": "{MARKER}"}}',
        "data of null": '{"data": null}',
        "data of an array": f'{{"data": ["{MARKER}"]}}',
        "a key twice": f'{{"data": {{"kept": "{MARKER}", "kept": 1}}}}',
        "a cas of letters": f'{{"data": {{}}, "options": {{"cas": "{MARKER}"}}}}',
        "a cas that is past": f'{{"data": {{"a": "{MARKER}"}}, "options": {{"cas": 0}}}}',
        "too many values": '{"data": {"a": [' + "1," * 20_000 + "1]}}",
        "too deep": '{"data": ' + '{"a":' * 40 + "1" + "}" * 41,
    }
    for name, body in bodies.items():
        yield f"patch: {name}", request("PATCH", "/v1/secret/data/sentinel", merge, body.encode()), 400
    yield "patch: metadata of text", request("PATCH", "/v1/secret/metadata/sentinel", merge, f'"{MARKER}"'.encode()), 400
    yield ("patch: custom metadata of a list",
           request("PATCH", "/v1/secret/metadata/sentinel", merge, f'{{"custom_metadata": ["{MARKER}"]}}'.encode()), 400)
    yield "patch of what is not there", request("PATCH", f"/v1/secret/data/{MARKER}", merge, b'{"data": {}}'), 404


def plain_cases():
    """Of engines whose content is the whole body."""
    bodies = {"nothing": "", "an empty object": "{}", "an array": f'["{MARKER}"]', "text": f'"{MARKER}"', "null": "null",
              "a key twice": f'{{"a": 1, "a": "{MARKER}"}}', "a cut object": f'{{"a": "{MARKER}'}
    for mount in ("kv1", "cubbyhole"):
        for name, body in bodies.items():
            yield f"{mount}: {name}", request("PUT", f"/v1/{mount}/a", body=body.encode()), 400
        yield f"{mount}: a slash too many", request("PUT", f"/v1/{mount}/{MARKER}/", body=b'{"a": 1}'), 400
        yield f"{mount}: up and out", request(target=f"/v1/{mount}/../{MARKER}"), 400
        yield (f"{mount}: a patch", request("PATCH", f"/v1/{mount}/a", ["Content-Type: application/merge-patch+json"],
                                            f'{{"a": "{MARKER}"}}'.encode()), 405)


def token_cases():
    tokens = {
        "none": None,
        "an empty one": "",
        "a forged one": f"hvs.{MARKER}" + "A" * 80,
        "a short one": MARKER,
        "one of dots": "....",
        "one with a NUL escape": f"{MARKER}%00",
        "one of other bytes": f"hvs.{MARKER}ä",
        "one too long": MARKER * 100,
    }
    for name, token in tokens.items():
        headers = [] if token is None else [f"X-Vault-Token: {token}"]
        statuses = (400, 403) if name == "one too long" else 403
        for method, path in (("GET", "secret/data/sentinel"), ("PUT", "secret/data/sentinel"), ("LIST", "secret/metadata/"),
                             ("GET", "auth/token/lookup-self"), ("GET", "sys/mounts"), ("PUT", "sys/seal"), ("PUT", "sys/rotate"), ("PUT", "sys/rekey/init"), ("PUT", "sys/rekey/update"),
                             ("DELETE", "sys/rekey/init"), ("PUT", "sys/rotate/root/update"), ("DELETE", "sys/generate-root/attempt"),
                             ("PUT", "sys/generate-root-token/attempt")):
            body = b'{"data": {}}' if method == "PUT" else b""
            yield f"token: {name}, {method} {path}", request(method, f"/v1/{path}", headers, body), statuses
    yield "a bearer token that is forged", request(target="/v1/secret/data/sentinel", headers=[f"Authorization: Bearer {MARKER}"]), 403
    yield "basic authentication", request(target="/v1/secret/data/sentinel", headers=[f"Authorization: Basic {MARKER}"]), 403


def with_token(data, token):
    """The request with a token in front of its other headers."""
    head, separator, rest = data.partition(b"\r\n")
    return head + separator + f"X-Vault-Token: {token}\r\n".encode() + rest


# Stuck clients.


class Stuck(threading.Thread):
    """Sends something, then nothing; tells after how many seconds the server closed, and with what."""

    def __init__(self, server, name, data, limit_s, drip=b""):
        super().__init__(daemon=True)
        self.server, self.name, self.data, self.limit_s, self.drip = server, name, data, limit_s, drip
        self.took_s, self.received = None, b""

    def run(self):
        started = time.monotonic()
        with raw_connection(self.server, timeout_s=1) as connection:
            connection.sendall(self.data)
            while time.monotonic() - started < self.limit_s + SLACK_S:
                try:
                    piece = connection.recv(65536)
                except TimeoutError:
                    if self.drip:
                        try:
                            connection.sendall(self.drip)
                        except OSError:
                            break
                    continue
                except OSError:
                    break
                if not piece:
                    break
                self.received += piece
            else:
                return
        self.took_s = time.monotonic() - started


def stuck_clients(server):
    body = request("PUT", "/v1/secret/data/sentinel", ["Content-Length: 1000"], MARKER.encode())
    return [
        Stuck(server, "half a request line", b"GET /v1/sys", HEADER_LIMIT_S),
        Stuck(server, "headers without an end", request()[:-2], HEADER_LIMIT_S),
        Stuck(server, "headers that drip", b"GET /v1/sys/health HTTP/1.1\r\nHost: a\r\nX-A: ", HEADER_LIMIT_S, drip=b"a"),
        Stuck(server, "a body that stops", body, BODY_LIMIT_S),
        Stuck(server, "a body that drips", body, BODY_LIMIT_S, drip=b"a"),
        Stuck(server, "half a chunk", request("PUT", "/v1/secret/data/sentinel", ["Transfer-Encoding: chunked"], b"100\r\na"),
              BODY_LIMIT_S),
    ]


def tell_stuck(report, client):
    with report.case(f"stuck: {client.name} is closed at {client.limit_s} s"):
        client.join()
        assert client.took_s is not None, "still open"
        assert MARKER.encode() not in client.received, "the answer echoes the request"
        for status, body in responses(client.received):
            assert status == 408, f"{status} instead of 408"
            assert "errors" in json.loads(body), "not Vault's shape"


def memory_stays_bounded(report, server):
    with report.case(f"{STUCK_CONNECTIONS} clients that declare {BODY_BYTES_MAX} bytes and send few"):
        before = server.resident_bytes()
        held = []
        data = with_token(request("PUT", "/v1/secret/data/sentinel", [f"Content-Length: {BODY_BYTES_MAX}"], b"{" * 1000), "root")
        try:
            for _ in range(STUCK_CONNECTIONS):
                connection = raw_connection(server)
                connection.sendall(data)
                held.append(connection)
            server.api().expect(200, "GET", "secret/data/sentinel")
            grown = server.resident_bytes() - before
        finally:
            for connection in held:
                connection.close()
        assert grown < RESIDENT_GROWTH_BYTES_MAX, f"grew by {grown} bytes"


def unread(metadata):
    """Without when it was read."""
    return {name: value for name, value in metadata.items() if not name.startswith("last_read_")}


def main():
    report = Report()
    with Server.dev(token="root") as server:
        api = server.api()
        api.expect(200, "PUT", "secret/data/sentinel", {"data": {"kept": "as it was"}})
        api.expect(204, "PUT", "sys/mounts/kv1", {"type": "kv-v1"})
        api.expect(204, "PUT", "sys/auth/keys", {"type": "access-key"})
        kept = unread(api.expect(200, "GET", "secret/metadata/sentinel").data)
        settings = api.expect(200, "GET", "secret/config").data
        names = api.expect(200, "LIST", "secret/metadata/").data
        mounts = api.expect(200, "GET", "sys/mounts").data
        resident = server.resident_bytes()

        stuck = stuck_clients(server)
        for client in stuck:
            client.start()
        for name, data, status in http_cases():
            refused(report, server, name, data, status)
        for cases in (path_cases, json_cases):
            for name, data, status in cases():
                refused(report, server, name, with_token(data, "root"), status)
        for name, data, status in token_cases():
            refused(report, server, name, data, status)

        with report.case("one trailing slash on a list is fine"):
            received = exchange(server, with_token(request("LIST", "/v1/secret/metadata/"), "root"))
            assert responses(received)[0][0] == 200
        with report.case("requests in one packet are answered in order"):
            one = with_token(request("GET", "/v1/secret/data/sentinel"), "root").replace(b"Connection: close\r\n", b"")
            received = responses(exchange(server, one + one + request("GET", "/v1/sys/health")))
            assert [status for status, _ in received] == [200, 200, 200], received
        memory_stays_bounded(report, server)
        for client in stuck:
            tell_stuck(report, client)

        api = server.api()
        report.check("no secret changed", unread(api.expect(200, "GET", "secret/metadata/sentinel").data) == kept)
        report.check("no secret was made", api.expect(200, "LIST", "secret/metadata/").data == names)
        report.check("no setting changed", api.expect(200, "GET", "secret/config").data == settings)
        report.check("nothing plain was made", {api.call("LIST", mount).status for mount in ("kv1", "cubbyhole")} == {404})
        report.check("no access key was made", api.call("LIST", "auth/keys/key").status == 404)
        report.check("no key was changed", api.expect(200, "GET", "sys/key-status").data["term"] == 1
                     and not api.expect(200, "GET", "sys/rekey/init").json["started"])
        report.check("no mount was made", api.expect(200, "GET", "sys/mounts").data == mounts)
        report.check("the bad policy is not there", api.call("GET", "sys/policies/acl/bad").status == 404)
        grown = server.resident_bytes() - resident
        report.check("memory stayed bounded", grown < RESIDENT_GROWTH_BYTES_MAX, f"grew by {grown} bytes")
        report.check("the server's log echoes nothing", MARKER not in server.log.read_text(errors="replace"))
        report.check("the server still runs", server.process.poll() is None)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
