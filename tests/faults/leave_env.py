#!/usr/bin/env python3
"""Walks the whole way out of a .env file: import it, remove it, start an application with `keyhold run -watch` that logs in to a real PostgreSQL
with what it is given, rotate the password by hand, and see the application log in with the new one.

Runs with the Python of build/venv, which has boto3 and psycopg2."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_cli import Cli  # noqa: E402
from keyhold_server import BINARY, Server, wait_until  # noqa: E402
from postgres_rotation import KEY, Function, Postgres, aws_client  # noqa: E402
from report import Report  # noqa: E402

SECRET, ROTATOR, WAIT_S = "shop/db", "rotate-shop", 60

# Knows its password from a file that a variable names, as containers' secrets are given to programs.
APPLICATION = """
import os, signal, sys, psycopg2
def value(name):
    with open(os.environ[name + "_FILE"]) as file:
        return file.read()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
connection = psycopg2.connect(host=value("DB_HOST"), port=value("DB_PORT"), dbname="postgres", user=value("DB_USER"), password=value("DB_PASSWORD"))
with connection.cursor() as cursor:
    cursor.execute("SELECT current_user")
    print("logged in as", cursor.fetchone()[0], flush=True)
assert not any(name in os.environ for name in ("DB_PASSWORD", "KEYHOLD_TOKEN", "VAULT_TOKEN"))
while True:
    signal.pause()
"""


def check(report, server, postgres, cli):
    home = pathlib.Path(cli.home.name)
    (home / "app.py").write_text(APPLICATION)
    (home / ".env").write_text(f"# the shop\nexport DB_HOST=127.0.0.1\nDB_PORT={postgres.port}\nDB_USER=app_a\nDB_PASSWORD='the $first #one'\n")
    postgres.set_password("app_a", "the $first #one")

    with report.case("the file becomes a secret"):
        done = cli.expect("import", ".env", f"secret/{SECRET}", err="")
        assert f"keyhold run -env -secret=secret/{SECRET} -- COMMAND" in done.out, done
        (home / ".env").unlink()

    function = Function(aws_client(server), postgres, SECRET, user="DB_USER", password="DB_PASSWORD")
    listening = function.serve()
    cli.expect("write", f"sys/rotators/{ROTATOR}", "type=http", f"url=http://127.0.0.1:{listening.server_address[1]}/", f"key={KEY}")

    log = home / "run.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [BINARY, "run", "-watch", "-watch-interval=1s", f"-secret=secret/{SECRET}", "--", sys.executable, "app.py"], env=cli.environment, cwd=home,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        with report.case("the application logs in without the file"):
            wait_until(lambda: "logged in as app_a\n" in log.read_text() or process.poll() is not None, WAIT_S, "it logs in")
            assert process.poll() is None, log.read_text()

        with report.case("after a rotation by hand it logs in with the new password"):
            cli.expect("rotation", "now", f"-rotator={ROTATOR}", "-automatically-after-days=30", f"secret/{SECRET}")
            wait_until(lambda: "logged in as app_b\n" in log.read_text() or process.poll() is not None, WAIT_S, "it logs in as the other user")
            assert process.poll() is None, log.read_text()
            assert function.calls == ["createSecret", "setSecret", "testSecret", "finishSecret"] and function.unsigned == 0, function.calls

        with report.case("it ends as it is asked, nothing is left, and no password was printed"):
            process.terminate()
            assert process.wait(WAIT_S) == 0, log.read_text()
            assert not list(pathlib.Path(cli.environment["XDG_RUNTIME_DIR"]).iterdir())
            value = function.value()
            assert value["DB_PASSWORD"] != "the $first #one"
            assert not re.search(re.escape(value["DB_PASSWORD"]) + r"|the \$first", log.read_text()), "a password was printed"
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        listening.shutdown()


def main():
    os.umask(0o077)
    report = Report()
    with (tempfile.TemporaryDirectory(prefix="keyhold-test-", dir="/dev/shm") as memory, Postgres() as postgres, Server.dev() as server,
          Cli(server, "root", XDG_RUNTIME_DIR=memory) as cli):
        check(report, server, postgres, cli)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
