"""Runs the command line client as a person or a script does: with pipes, or in a pseudo-terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time

from keyhold_server import BINARY, client_environment

RUN_S = 30

# What differs from run to run -> what stands for it in what a test compares.
VARYING = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\bhv[sb]\.[\w-]+"), "TOKEN"),
    (re.compile(r"\b(kv|cubbyhole|system|token|auth_token|access-key|auth_access-key|identity|ns_system)_[0-9a-f]{8}\b"), r"\1_ACCESSOR"),
]


def plain(text):
    """The text with what varies replaced."""
    for pattern, stands in VARYING:
        text = pattern.sub(stands, text)
    return text


class Ran:
    """What came of one run."""

    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        return f"keyhold {' '.join(map(str, self.arguments))}\nexit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Cli:
    """A client with an environment and a home folder of its own, that asks one server."""

    def __init__(self, server=None, token=None, **environment):
        self.home = tempfile.TemporaryDirectory(prefix="keyhold-cli-")
        self.environment = client_environment(HOME=self.home.name)
        for name in [name for name in self.environment if name.startswith("KEYHOLD_") or name in ("NO_COLOR", "TERM")]:
            del self.environment[name]
        if server is not None:
            self.environment["KEYHOLD_ADDR"] = server.url
            if server.ca:
                self.environment["KEYHOLD_CACERT"] = str(server.ca)
        if token:
            self.environment["KEYHOLD_TOKEN"] = token
        self.environment.update(environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.home.cleanup()

    def run(self, *arguments, stdin=None, **environment):
        """Runs with pipes; `stdin` is a text, or nothing at all to read."""
        done = subprocess.run(
            [BINARY, *map(str, arguments)], env={**self.environment, **environment}, timeout=RUN_S, cwd=self.home.name, capture_output=True,
            text=True, **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}), start_new_session=True)
        return Ran(arguments, done.returncode, done.stdout, done.stderr)

    def expect(self, *arguments, out=None, err=None, code=0, **options):
        """As run(), compared: exit code, and of standard output and error either all or, of a pattern, a part."""
        ran = self.run(*arguments, **options)
        assert ran.code == code, f"exit code {ran.code} instead of {code}\n{ran}"
        for wanted, got in ((out, ran.out), (err, ran.err)):
            if wanted is None:
                continue
            if isinstance(wanted, re.Pattern):
                assert wanted.search(got), f"not found: {wanted.pattern}\n{ran}"
            else:
                assert plain(got) == wanted, f"wanted:\n{wanted}\n{ran}"
        return ran

    def terminal(self, *arguments, columns=80, **environment):
        return Terminal([str(BINARY), *map(str, arguments)], {**self.environment, "TERM": "xterm", **environment}, columns, self.home.name)


class Terminal:
    """A run in a pseudo-terminal. Leaving it ends the process."""

    def __init__(self, command, environment, columns, cwd):
        self.text = ""
        self.code = None
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execve(command[0], command, environment)
            finally:
                os._exit(127)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)  # Not yet waited for, so still there.
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)

    def _read(self, deadline):
        ready, _, _ = select.select([self.descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"nothing more came within {RUN_S} s: {self.text!r}")
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:  # The process has closed its end.
            piece = b""
        self.text += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def wait_for(self, text):
        deadline = time.monotonic() + RUN_S
        while text not in self.text:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} never came: {self.text!r}")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def signal(self, number):
        os.kill(self.pid, number)

    def echoes(self):
        """Whether the terminal shows what is typed."""
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def end(self):
        """Waits until the process has ended: its exit code, or the negative number of the signal."""
        deadline = time.monotonic() + RUN_S
        while self._read(deadline):
            pass
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code
