#!/usr/bin/env python3
"""Rotates the password of a real PostgreSQL user while an application goes on reading its secret by AWS's API and logging in with it: no
login may fail.

The rotator is a function of AWS's shape for two users that take turns: it makes the other one's password, tries it, and moves
AWSCURRENT. Runs with the Python of build/venv, which has boto3 and psycopg2.

usage: rotation_postgres.py [--rotations N]"""

import argparse
import contextlib
import glob
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import boto3
import psycopg2
from botocore.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from report import Report  # noqa: E402

SECRET, ROTATOR, KEY = "prod/db/postgres", "rotate-postgres", "a-key-of-the-test-only"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{ROTATOR}"
REGION = "eu-west-1"
ROTATION_S = 60


class Postgres:
    """A server of its own on a free port of this machine, in a temporary folder."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="keyhold-postgres-"))
        programs = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
        as_other = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            as_other = ["runuser", "-u", "postgres", "--"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        password = self.folder / "password"
        subprocess.run([*as_other, "tee", password], input=b"admin-of-the-test\n", stdout=subprocess.DEVNULL, check=True)
        subprocess.run([*as_other, programs / "initdb", "-D", self.folder / "data", "-U", "admin", "--pwfile", password,
                        "--auth=scram-sha-256", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/")
        self.process = subprocess.Popen(
            [*as_other, programs / "postgres", "-D", self.folder / "data", "-p", str(self.port), "-k", "", "-c", "listen_addresses=127.0.0.1",
             "-c", "fsync=off", "-c", "max_connections=50"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        wait_until(self._answers, 30, "PostgreSQL answers")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self):
        with contextlib.suppress(psycopg2.OperationalError):
            self.connect("admin", "admin-of-the-test").close()
            return True
        return False

    def connect(self, user, password):
        return psycopg2.connect(host="127.0.0.1", port=self.port, dbname="postgres", user=user, password=password, connect_timeout=10)

    def set_password(self, user, password):
        """Makes the user if need be."""
        connection = self.connect("admin", "admin-of-the-test")
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,))
                what = "ALTER" if cursor.fetchone() else "CREATE"
                cursor.execute(f'{what} ROLE "{user}" LOGIN PASSWORD %s', (password,))
        finally:
            connection.close()


class Function:
    """A rotation function: what AWS would call for each step."""

    def __init__(self, aws, postgres):
        self.aws, self.postgres = aws, postgres
        self.calls, self.unsigned = [], 0

    def value(self, **which):
        return json.loads(self.aws.get_secret_value(SecretId=SECRET, **which)["SecretString"])

    def handle(self, event):
        token, step = event["ClientRequestToken"], event["Step"]
        self.calls.append(step)
        stages = self.aws.describe_secret(SecretId=event["SecretId"])["VersionIdsToStages"]
        assert "AWSPENDING" in stages[token], stages
        pending = {"VersionId": token, "VersionStage": "AWSPENDING"}
        if step == "createSecret":
            try:
                self.value(**pending)
            except self.aws.exceptions.ResourceNotFoundException:
                current = self.value()
                current["username"] = "app_b" if current["username"] == "app_a" else "app_a"
                current["password"] = self.aws.get_random_password(ExcludePunctuation=True)["RandomPassword"]
                self.aws.put_secret_value(SecretId=event["SecretId"], ClientRequestToken=token, SecretString=json.dumps(current),
                                          VersionStages=["AWSPENDING"])
        elif step == "setSecret":
            value = self.value(**pending)
            self.postgres.set_password(value["username"], value["password"])
        elif step == "testSecret":
            value = self.value(**pending)
            self.postgres.connect(value["username"], value["password"]).close()
        else:
            old = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
            if old != token:
                self.aws.update_secret_version_stage(SecretId=event["SecretId"], VersionStage="AWSCURRENT", MoveToVersionId=token,
                                                     RemoveFromVersionId=old)

    def serve(self):
        function = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                parts = dict(part.split("=", 1) for part in self.headers["X-Keyhold-Signature"].split(","))
                expected = hmac.new(KEY.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
                function.unsigned += not hmac.compare_digest(expected, parts["v1"])
                try:
                    function.handle(json.loads(body))
                    self.send_response(200)
                except Exception as error:  # As Lambda would: the step failed.
                    print(f"{type(error).__name__} in the function: {error}", file=sys.stderr)
                    self.send_response(500)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class Application(threading.Thread):
    """Reads its secret and logs in, over and over."""

    def __init__(self, aws, postgres):
        super().__init__(daemon=True)
        self.aws, self.postgres = aws, postgres
        self.ended = threading.Event()
        self.logins, self.failures, self.users = 0, [], set()

    def run(self):
        while not self.ended.is_set():
            try:
                value = json.loads(self.aws.get_secret_value(SecretId=SECRET)["SecretString"])
                self.postgres.connect(value["username"], value["password"]).close()
                self.users.add(value["username"])
                self.logins += 1
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")


def client(server):
    key_id, secret = server.access_key
    return boto3.client("secretsmanager", endpoint_url=server.url, region_name=REGION, aws_access_key_id=key_id,
                        aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rotations", type=int, default=5)
    arguments = parser.parse_args()
    report = Report()
    with Postgres() as postgres, Server.dev() as server:
        aws = client(server)
        postgres.set_password("app_a", "the-first-one")
        aws.create_secret(Name=SECRET, SecretString=json.dumps(
            {"engine": "postgres", "host": "127.0.0.1", "port": postgres.port, "username": "app_a", "password": "the-first-one"}))
        function = Function(client(server), postgres)
        listening = function.serve()
        server.api().expect((200, 204), "PUT", f"sys/rotators/{ROTATOR}",
                            {"type": "http", "url": f"http://127.0.0.1:{listening.server_address[1]}/", "key": KEY})
        applications = [Application(client(server), postgres) for _ in range(3)]
        for application in applications:
            application.start()
        passwords = {function.value()["password"]}
        for number in range(arguments.rotations):
            inputs = {"RotationLambdaARN": ARN, "RotationRules": {"AutomaticallyAfterDays": 30}} if number == 0 else {}
            version = aws.rotate_secret(SecretId=SECRET, **inputs)["VersionId"]
            wait_until(lambda: "AWSCURRENT" in aws.describe_secret(SecretId=SECRET)["VersionIdsToStages"].get(version, [])
                       and not server.api().expect(200, "GET", f"secret/rotate/{SECRET}").data.get("run"), ROTATION_S, "it is rotated")
            passwords.add(function.value()["password"])
            time.sleep(1)  # Longer than an application takes to log in with what it read: the user that it names is next but one.
        for application in applications:
            application.ended.set()
        for application in applications:
            application.join(30)
        listening.shutdown()
        logins, failures = sum(one.logins for one in applications), [text for one in applications for text in one.failures]
        steps = ["createSecret", "setSecret", "testSecret", "finishSecret"] * arguments.rotations
        report.check("the four steps were asked for, in order, once each", function.calls == steps, function.calls)
        report.check("each was signed", function.unsigned == 0)
        report.check("each rotation made another password", len(passwords) == arguments.rotations + 1)
        report.check("the application logged in throughout", logins > arguments.rotations * 2 and
                     set.union(*(one.users for one in applications)) == {"app_a", "app_b"}, f"{logins} logins")
        report.check("no login failed", not failures, failures[:3])
        report.check("Vault's API reads what is current",
                     server.api().expect(200, "GET", f"secret/data/{SECRET}").data["data"] == function.value())
        print(f"{logins} logins during {arguments.rotations} rotations")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
