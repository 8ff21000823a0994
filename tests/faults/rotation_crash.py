#!/usr/bin/env python3
"""Kills the server with SIGKILL while a rotation is at each of its four steps, before the step's effect and after it, and at any moment
between. After each start, with no repair but unsealing, the rotation goes on and ends, once: one version more, which is what the system
that the secret is for was given, and the one before still labelled AWSPREVIOUS. A run that only tests, and is killed, leaves nothing.

The rotator is a function of AWS's shape behind HTTP: it checks the signature of what it is sent, and calls back by AWS's API.

usage: rotation_crash.py [--rounds N] [--seed S]"""

import argparse
import hashlib
import hmac
import http.client
import http.server
import json
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from aws_client import AwsClient  # noqa: E402
from keyhold_server import Server, wait_until  # noqa: E402
from report import Report  # noqa: E402

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
NAME = "prod/db"
KEY = "a-key-of-the-test-only"
END_S = 30
VERSIONS_MAX = 10


class Function:
    """The rotation function, and the system whose password it changes."""

    def __init__(self, server):
        self.server, self.pair = server, None
        self.password = "old"       # What the system takes.
        self.stop_at = None         # (step, "before" or "after" its effect)
        self.reached, self.gone = threading.Event(), threading.Event()
        self.unsigned = []
        self.calls = []

    def client(self):
        return AwsClient(self.server.api(token=""), *self.pair)

    def check_signature(self, header, body):
        parts = dict(part.split("=", 1) for part in header.split(","))
        expected = hmac.new(KEY.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, parts["v1"]) or abs(time.time() - int(parts["t"])) > 60:
            self.unsigned.append(header)

    def pause(self, step, phase):
        """True: the server was killed here."""
        if self.stop_at != (step, phase):
            return False
        self.stop_at = None
        self.reached.set()
        self.gone.wait(END_S)
        return True

    def handle(self, event):
        """The status to answer; None when nobody waits for it any more."""
        step = event["Step"]
        self.calls.append(step)
        if self.pause(step, "before"):
            return None
        status = getattr(self, step)(event["SecretId"], event["ClientRequestToken"])
        return None if self.pause(step, "after") else status

    def createSecret(self, arn, token):
        client = self.client()
        description = client.expect("DescribeSecret", {"SecretId": arn})
        assert description["RotationEnabled"], "rotation is not enabled"
        assert "AWSPENDING" in description["VersionIdsToStages"][token], "the version is not pending"
        pending = {"SecretId": arn, "VersionId": token, "VersionStage": "AWSPENDING"}
        status, code, _ = client.call("GetSecretValue", pending)
        if status == 200:
            return 200
        assert code == "ResourceNotFoundException", code
        password = client.expect("GetRandomPassword", {"ExcludePunctuation": True})["RandomPassword"]
        client.expect("PutSecretValue", {"SecretId": arn, "ClientRequestToken": token, "SecretString": password,
                                         "VersionStages": ["AWSPENDING"]})
        return 200

    def pending(self, arn, token):
        return self.client().expect("GetSecretValue", {"SecretId": arn, "VersionId": token, "VersionStage": "AWSPENDING"})["SecretString"]

    def setSecret(self, arn, token):
        self.password = self.pending(arn, token)
        return 200

    def testSecret(self, arn, token):
        return 200 if self.pending(arn, token) == self.password else 500

    def finishSecret(self, arn, token):
        client = self.client()
        stages = client.expect("DescribeSecret", {"SecretId": arn})["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        if current != token:
            client.expect("UpdateSecretVersionStage", {"SecretId": arn, "VersionStage": "AWSCURRENT", "MoveToVersionId": token,
                                                       "RemoveFromVersionId": current})
        return 200


def serve(function):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function.check_signature(self.headers["X-Keyhold-Signature"] or "", body)
            try:
                status = function.handle(json.loads(body))
            except (OSError, http.client.HTTPException):
                status = None  # The server was killed under it.
            except AssertionError as error:
                print(f"function: {error}", flush=True)
                status = 500
            if status is None:
                self.close_connection = True
                return
            try:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass

        def log_message(self, *_):
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{listener.server_port}/rotate"


def prepare(server, function, url):
    api = server.api()
    api.expect((200, 204), "POST", "sys/auth/keys", {"type": "access-key"})
    api.expect((200, 204), "PUT", "sys/policies/acl/rotator", {"policy": 'path "secret/*" { capabilities = ["read", "create", "update"] }'})
    pair = api.expect(200, "POST", "auth/keys/key", {"policies": "rotator"}).data
    function.pair = (pair["access_key_id"], pair["secret_access_key"])
    api.expect((200, 204), "PUT", "sys/rotators/rotate-db", {"type": "http", "url": url, "key": KEY})
    function.client().expect("CreateSecret", {"Name": NAME, "SecretString": "old"})
    api.expect(200, "POST", f"secret/rotate/{NAME}", {
        "rotator": "rotate-db", "automatically_after_days": 30, "rotate_immediately": False})


def current(server):
    data = server.api().expect(200, "GET", f"secret/data/{NAME}").data
    return data["data"]["value"], data["metadata"]["version"]


def state(server):
    return server.api().expect(200, "GET", f"secret/rotate/{NAME}").data


def restart(server, function):
    server.kill()
    function.gone.set()
    server.start()
    server.unseal()


def one_round(server, function, kill):
    """Rotates, kills by `kill`, starts again. errors: AssertionError: what is not as it should be."""
    value, number = current(server)
    assert value == function.password, "the round does not begin well"
    function.reached.clear()
    function.gone.clear()
    function.calls.clear()
    begun = server.api().expect(200, "POST", f"secret/rotate/{NAME}", {}).data
    token = begun["run"]["version_id"]
    kill()
    restart(server, function)
    function.stop_at = None
    wait_until(lambda: state(server)["run"] is None, END_S, f"the rotation does not end: {state(server)['run']}")
    after = state(server)
    new_value, new_number = current(server)
    assert after["history"][0]["state"] == "done", after["history"][0]
    assert after["history"][0]["version_id"] == token, "another rotation was made"
    assert new_number == number + 1, f"{new_number - number} versions more"
    assert new_value == function.password, "what is current is not what the system takes"
    assert new_value != value, "nothing has changed"
    previous = function.client().expect("GetSecretValue", {"SecretId": NAME, "VersionStage": "AWSPREVIOUS"})
    assert previous["SecretString"] == value, "what was current is not the previous one"
    pending = function.client().call("GetSecretValue", {"SecretId": NAME, "VersionStage": "AWSPENDING"})
    assert pending[1] == "ResourceNotFoundException", "something is still pending"


def versions(client):
    """Id and labels of each."""
    listed = client.expect("ListSecretVersionIds", {"SecretId": NAME, "IncludeDeprecated": True})["Versions"]
    return [(version["VersionId"], version.get("VersionStages")) for version in listed]


def one_test(server, function, phase):
    """Kills a run of the test step alone. errors: AssertionError."""
    client = function.client()
    before = versions(client)
    value = current(server)
    function.reached.clear()
    function.gone.clear()
    function.stop_at = ("testSecret", phase)
    server.api().expect(200, "POST", f"secret/rotate/{NAME}", {"action": "test"})
    assert function.reached.wait(END_S), "the test was not reached"
    restart(server, function)
    wait_until(lambda: state(server)["run"] is None, END_S, f"the test does not end: {state(server)['run']}")
    last = state(server)["history"][0]
    assert last["test_only"] and last["state"] == "done", f"the function did not find what is current: {last}"
    assert current(server) == value, "the secret was changed"
    after = versions(function.client())
    # What is over the bound on versions may go when there is a new one.
    assert after == before[:VERSIONS_MAX], f"a version stays behind, or went: {after}, and before {before}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="kills at each step, and at any moment")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    report = Report()
    with Server.configured() as server:
        server.ready()
        function = Function(server)
        prepare(server, function, serve(function))
        for step in STEPS:
            for number in range(options.rounds):
                phase = ("before", "after")[number % 2]

                def at_step():
                    assert function.reached.wait(END_S), f"{step} was not reached: {state(server)['run']}"

                with report.case(f"killed {phase} the effect of {step} ({number + 1})"):
                    function.stop_at = (step, phase)
                    one_round(server, function, at_step)
        for number in range(options.rounds):
            phase = ("before", "after")[number % 2]
            with report.case(f"killed {phase} the effect of a test alone ({number + 1})"):
                one_test(server, function, phase)
        for number in range(options.rounds):
            with report.case(f"killed at any moment ({number + 1})"):
                one_round(server, function, lambda: time.sleep(rng.uniform(0, 0.05)))
        report.check("every request of the server was signed", not function.unsigned, str(len(function.unsigned)))
        verified = server.verify_journal()
        report.check("the journal is whole", verified.returncode == 0, verified.stdout + verified.stderr)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
