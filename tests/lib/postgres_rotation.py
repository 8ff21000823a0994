"""A PostgreSQL server of a test's own, and a rotation function for two of its users. For the Python of build/venv, which has boto3 and psycopg2."""

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

import boto3
import psycopg2
from botocore.config import Config

from keyhold_server import wait_until

KEY, REGION = "a-key-of-the-test-only", "eu-west-1"


def aws_client(server):
    key_id, secret = server.access_key
    return boto3.client("secretsmanager", endpoint_url=server.url, region_name=REGION, aws_access_key_id=key_id,
                        aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}))


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
    """A rotation function: what AWS would call for each step. The users app_a and app_b take turns in two fields of a secret."""

    def __init__(self, aws, postgres, secret, user="username", password="password"):
        self.aws, self.postgres, self.secret = aws, postgres, secret
        self.user, self.password = user, password
        self.calls, self.unsigned = [], 0

    def value(self, **which):
        return json.loads(self.aws.get_secret_value(SecretId=self.secret, **which)["SecretString"])

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
                current[self.user] = "app_b" if current[self.user] == "app_a" else "app_a"
                current[self.password] = self.aws.get_random_password(ExcludePunctuation=True)["RandomPassword"]
                self.aws.put_secret_value(SecretId=event["SecretId"], ClientRequestToken=token, SecretString=json.dumps(current),
                                          VersionStages=["AWSPENDING"])
        elif step == "setSecret":
            value = self.value(**pending)
            self.postgres.set_password(value[self.user], value[self.password])
        elif step == "testSecret":
            value = self.value(**pending)
            self.postgres.connect(value[self.user], value[self.password]).close()
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
