"""run: a program with its secrets as files or variables, signals, exit codes, changes, and what is left afterwards."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

from keyhold_cli import Cli
from keyhold_server import BINARY, Server, wait_until
from report import Skip

WAIT_S = 30

# Prints what it was given at its start and at each HUP, and ends by TERM.
PROGRAM = """
import os, signal, sys
def show(*_):
    path = os.environ.get("PASSWORD_FILE")
    text = open(path).read() if path else os.environ.get("PASSWORD")
    print("password", text, os.getpid(), flush=True)
def end(*_):
    print("ended", flush=True)
    sys.exit(7)
signal.signal(signal.SIGHUP, show)
signal.signal(signal.SIGTERM, end)
show()
while True:
    signal.pause()
"""


def left_behind(cli):
    return list(pathlib.Path(cli.environment["XDG_RUNTIME_DIR"]).iterdir())


class Running:
    """`keyhold run` in the background. Leaving it ends the process."""

    def __init__(self, cli, *arguments, **environment):
        self.log = pathlib.Path(cli.home.name) / "run.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([BINARY, "run", *arguments], env={**cli.environment, **environment}, cwd=cli.home.name, stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    @property
    def text(self):
        return self.log.read_text()

    def wait_for(self, pattern, times=1):
        wait_until(lambda: len(re.findall(pattern, self.text)) >= times or self.process.poll() is not None, WAIT_S, f"{pattern} {times} times in {self.text!r}")
        found = re.findall(pattern, self.text)
        assert len(found) >= times, self.text
        return found[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(WAIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def is_there(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def check_start(report, cli):
    with report.case("fields are files in memory that their owner alone can read"):
        script = ('test "$(cat "$USER_NAME_FILE")" = app && stat -f -c %T "$PASSWORD_FILE" && stat -c "%a %s" "$PASSWORD_FILE" '
                  '&& stat -c %a "$(dirname "$PASSWORD_FILE")" && test -z "${PASSWORD+x}" && dirname "$PASSWORD_FILE"')
        ran = cli.expect("run", "-secret=secret/app", "--", "sh", "-c", script)
        lines = ran.out.splitlines()
        assert lines[:3] == ["tmpfs", "400 13", "700"], ran
        assert not os.path.exists(lines[3]) and not left_behind(cli), lines

    with report.case("-env: variables in place of files"):
        cli.expect("run", "-env", "-secret=secret/app", "--", "sh", "-c", 'echo "$PASSWORD $USER_NAME $PORT ${PASSWORD_FILE-none}"', out="correct horse app 5432 none\n")
        cli.expect("run", "-env", "-secret=DB=secret/app", "--secret=PGPASSWORD=secret/app#password", "--", "sh", "-c", 'echo "$DB_PASSWORD|$PGPASSWORD|$PASSWORD"',
                   out="correct horse|correct horse|\n")
        cli.expect("run", "-env", "-secret=v1/app#k", "--", "sh", "-c", 'echo "$K"', out="v\n")

    with report.case("the program does not get the token, unless it is asked for"):
        show = ("--", "sh", "-c", 'echo "${KEYHOLD_TOKEN-none} ${VAULT_TOKEN-none}"')
        cli.expect("run", "-secret=secret/app", *show, out="none none\n", VAULT_TOKEN="other")
        cli.expect("run", "-keep-token", "-secret=secret/app", *show, out="root none\n")

    with report.case("standard input, arguments, umask and the exit code go through"):
        cli.expect("run", "-secret=secret/app", "--", "cat", stdin="through", out="through")
        cli.expect("run", "-secret=secret/app", "--", "sh", "-c", 'echo "$@"', "-", "-x", "--", "y", out="-x -- y\n")
        cli.expect("run", "-secret=secret/app", "--", "sh", "-c", "exit 42", code=42)
        cli.expect("run", "-secret=secret/app", "--", "sh", "-c", "kill -KILL $$", code=137)
        done = subprocess.run(["sh", "-c", f"umask 027; exec {BINARY} run -secret=secret/app -- sh -c umask"], env=cli.environment, capture_output=True, text=True, timeout=WAIT_S)
        assert done.stdout == "0027\n", done

    with report.case("a program that is not there, or is none"):
        cli.expect("run", "-secret=secret/app", "--", "no-such-program", code=127, err="cannot run no-such-program: No such file or directory\n")
        cli.expect("run", "-secret=secret/app", "--", "/", code=126, err=re.compile("cannot run /: Permission denied"))
        assert not left_behind(cli)

    with report.case("what cannot be had starts nothing"):
        cli.expect("run", "-secret=secret/none", "--", "echo", "started", code=2, out="", err="No value found at secret/data/none\n")
        cli.expect("run", "-secret=secret/app#none", "--", "echo", "started", code=2, out="", err="There is no field none in secret/app\n")
        cli.expect("run", "--", "echo", "started", code=1, out="", err=re.compile("-secret=secret/app"))
        cli.expect("run", "-secret=secret/app", code=1, out="", err=re.compile("an argument is missing"))
        cli.expect("run", "-secret=secret/app", "-secret=secret/app#password", "--", "echo", "started", code=1, out="",
                   err="secret/app#password and secret/app#password would both be PASSWORD: give one another name, -secret=NAME=secret/app#password\n")
        cli.expect("run", "-secret=secret/evil", "--", "echo", "started", code=1, out="", err=re.compile("would set LD_PRELOAD"))
        cli.expect("run", "-env", "-watch-signal=HUP", "-secret=secret/app", "--", "true", code=1)
        cli.expect("run", "-secret=secret/app", "--", "echo", "started", code=2, out="", KEYHOLD_TOKEN="wrong")
        assert not left_behind(cli)


def check_signals(report, cli, program):
    with report.case("signals go through"):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
            script = f"import signal, sys\nsignal.signal({int(number)}, lambda n, _: (print('got', int(n), flush=True), sys.exit(3)))\nprint('up', flush=True)\nsignal.pause()"
            with Running(cli, "-secret=secret/app", "--", sys.executable, "-c", script) as running:
                running.wait_for("up")
                running.process.send_signal(number)
                assert running.process.wait(WAIT_S) == 3 and f"got {int(number)}\n" in running.text, running.text

    with report.case("ctrl-C reaches the program once"):
        script = ("import os, signal, time\ncount = [0]\ndef on(n, _): count[0] += 1\nsignal.signal(signal.SIGINT, on)\n"
                  "print('up', flush=True)\nwhile not count[0]: time.sleep(0.05)\ntime.sleep(0.5)\nprint('counted', count[0], flush=True)\n")
        with cli.terminal("run", "-secret=secret/app", "--", sys.executable, "-c", script) as terminal:
            terminal.wait_for("up")
            terminal.type("\x03")
            assert terminal.end() == 0 and "counted 1\n" in terminal.text, terminal.text

    with report.case("kill -9 leaves nothing: the files go, and the program ends"):
        with Running(cli, "-secret=secret/app", "--", sys.executable, program) as running:
            pid = int(running.wait_for(r"password correct horse (\d+)"))
            assert len(left_behind(cli)) == 1
            running.process.kill()
            running.process.wait()
            wait_until(lambda: not left_behind(cli) and not is_there(pid), WAIT_S, "nothing is left")

    with report.case("orphans are waited for when it is the first process"):
        unshare = ["unshare", "--pid", "--fork", "--kill-child"]
        if subprocess.run([*unshare, "true"], capture_output=True, timeout=WAIT_S).returncode != 0:
            unshare = ["unshare", "--user", "--map-root-user", *unshare[1:]]
        if subprocess.run([*unshare, "--mount-proc", "true"], capture_output=True, timeout=WAIT_S).returncode != 0:
            raise Skip("no namespace of processes can be made here")
        script = "(sleep 0.1 & exec sleep 0) & sleep 0.6; ps -o stat= --ppid 1 | grep -c Z; exit 5"
        done = subprocess.run([*unshare, "--mount-proc", BINARY, "run", "-secret=secret/app", "--", "sh", "-c", script], env=cli.environment, capture_output=True, text=True, timeout=WAIT_S)
        assert (done.returncode, done.stdout) == (5, "0\n"), done


def check_watch(report, server, cli, program):
    with report.case("-watch starts the program anew with what has changed"):
        cli.expect("kv", "put", "secret/w", "password=one")
        for flags in ((), ("-env",)):
            cli.expect("kv", "put", "secret/w", "password=one")
            with Running(cli, *flags, "-watch", "-watch-interval=1s", "-secret=secret/w", "--", sys.executable, program) as running:
                first = running.wait_for(r"password one (\d+)")
                cli.expect("kv", "put", "secret/w", "password=two")
                second = running.wait_for(r"password two (\d+)")
                assert first != second and "ended\n" in running.text and not is_there(int(first)), running.text
                running.process.terminate()
                assert running.process.wait(WAIT_S) == 7, running.text
            assert not left_behind(cli)

    with report.case("-watch-signal rewrites the files and tells the program"):
        cli.expect("kv", "put", "secret/w", "password=one")
        with Running(cli, "-watch-signal=HUP", "-watch-interval=1s", "-secret=secret/w", "--", sys.executable, program) as running:
            first = running.wait_for(r"password one (\d+)")
            cli.expect("kv", "put", "secret/w", "password=two")
            assert running.wait_for(r"password two (\d+)") == first and "ended" not in running.text, running.text

    with report.case("a token that may read the secret alone watches it as well, and so does one of version 1"):
        cli.expect("policy", "write", "narrow", "-", stdin='path "secret/data/w" { capabilities = ["read"] }\npath "v1/w" { capabilities = ["read"] }')
        narrow = cli.expect("token", "create", "-policy=narrow", "-field=token").out
        for path in ("secret/w", "v1/w"):
            cli.expect("kv", "put", path, "password=one")
            with Running(cli, "-watch", "-watch-interval=1s", f"-secret={path}", "--", sys.executable, program, KEYHOLD_TOKEN=narrow) as running:
                running.wait_for("password one")
                time.sleep(2.5)
                cli.expect("kv", "put", path, "password=two")
                running.wait_for("password two")
                assert running.text.count("password one") == 1, running.text

    with report.case("the token is renewed while it is watched"):
        rules = 'path "secret/data/w" { capabilities = ["read"] }'
        cli.expect("policy", "write", "short", "-", stdin=rules)
        short = cli.expect("token", "create", "-policy=short", "-period=4s", "-field=token").out
        cli.expect("kv", "put", "secret/w", "password=one")
        with Running(cli, "-watch", "-watch-interval=1s", "-secret=secret/w", "--", sys.executable, program, KEYHOLD_TOKEN=short) as running:
            running.wait_for("password one")
            time.sleep(7)
            cli.expect("kv", "put", "secret/w", "password=two")
            running.wait_for("password two")
            assert "cannot be looked at" not in running.text, running.text

    with report.case("while the server is away the program goes on, which is told once"):
        with Server.dev() as away, Cli(away, "root") as other:
            other.expect("kv", "put", "secret/w", "password=one")
            with Running(other, "-watch", "-watch-interval=1s", "-secret=secret/w", "--", sys.executable, program) as running:
                pid = running.wait_for(r"password one (\d+)")
                away.stop()
                running.wait_for("the secrets cannot be looked at; the program goes on with those it has. No answer from .* Is the server running there")
                time.sleep(3)
                assert running.text.count("cannot be looked at") == 1 and is_there(int(pid)), running.text
                running.process.terminate()
                assert running.process.wait(WAIT_S) == 7, running.text

    with report.case("a program that does not end when it is asked is killed"):
        stubborn = "import signal, os\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('password', os.environ['PASSWORD'], flush=True)\nwhile True: signal.pause()"
        cli.expect("kv", "put", "secret/w", "password=one")
        with Running(cli, "-env", "-watch", "-watch-interval=1s", "-secret=secret/w", "--", sys.executable, "-c", stubborn) as running:
            running.wait_for("password one")
            cli.expect("kv", "put", "secret/w", "password=two")
            running.wait_for("password two")
            running.process.kill()


def check(report):
    # A folder in memory of our own, so that other runs on this machine do not matter.
    with tempfile.TemporaryDirectory(prefix="keyhold-test-", dir="/dev/shm") as memory, Server.dev() as server, Cli(server, "root", XDG_RUNTIME_DIR=memory) as cli:
        cli.expect("kv", "put", "secret/app", "-", stdin=json.dumps({"user-name": "app", "password": "correct horse", "port": 5432}))
        cli.expect("kv", "put", "secret/evil", "ld_preload=/tmp/x")
        cli.expect("secrets", "enable", "-path=v1", "-version=1", "kv")
        cli.expect("kv", "put", "v1/app", "k=v")
        program = pathlib.Path(cli.home.name) / "program.py"
        program.write_text(PROGRAM)
        check_start(report, cli)
        check_signals(report, cli, program)
        check_watch(report, server, cli, program)
