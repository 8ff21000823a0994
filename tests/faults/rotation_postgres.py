#!/usr/bin/env python3
"""Rotates the password of a real PostgreSQL user while an application goes on reading its secret by AWS's API and logging in with it: no
login may fail.

The rotator is a function of AWS's shape for two users that take turns: it makes the other one's password, tries it, and moves
AWSCURRENT. Runs with the Python of build/venv, which has boto3 and psycopg2.

usage: rotation_postgres.py [--rotations N]"""

import argparse
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from postgres_rotation import KEY, Function, Postgres, aws_client  # noqa: E402
from report import Report  # noqa: E402

SECRET, ROTATOR = "prod/db/postgres", "rotate-postgres"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:{ROTATOR}"
ROTATION_S = 60


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rotations", type=int, default=5)
    arguments = parser.parse_args()
    report = Report()
    with Postgres() as postgres, Server.dev() as server:
        aws = aws_client(server)
        postgres.set_password("app_a", "the-first-one")
        aws.create_secret(Name=SECRET, SecretString=json.dumps(
            {"engine": "postgres", "host": "127.0.0.1", "port": postgres.port, "username": "app_a", "password": "the-first-one"}))
        function = Function(aws_client(server), postgres, SECRET)
        listening = function.serve()
        server.api().expect((200, 204), "PUT", f"sys/rotators/{ROTATOR}",
                            {"type": "http", "url": f"http://127.0.0.1:{listening.server_address[1]}/", "key": KEY})
        applications = [Application(aws_client(server), postgres) for _ in range(3)]
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
