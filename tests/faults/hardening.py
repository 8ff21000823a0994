#!/usr/bin/env python3
"""What a running server has given up, seen from outside: memory, files, system calls; files that others can change; the operator's
log; what systemd is told; and `operator diagnose`, which looks at the same before a start.

usage: hardening.py"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import BINARY, Server, client_environment, wait_until  # noqa: E402
from report import Report, Skip  # noqa: E402

NOBODY = 65534
KEY_ARENA_KIB = 1024


def status_of(server):
    lines = pathlib.Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return dict(re.match(r"(\w+):\s*(.*)", line).groups() for line in lines if re.match(r"\w+:", line))


def of_nobody(**options):
    """A server that is not root's, when these tests are."""
    server = Server.configured(**options)
    if os.geteuid() == 0:
        binary = server.directory / "keyhold"
        shutil.copy(BINARY, binary)
        server.binary = binary
        server._prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        for path in [server.directory, *server.directory.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    return server


def check_process(report):
    with of_nobody() as server:
        server.ready()
        status = status_of(server)
        with report.case("no memory dumps, and nobody of its own user looks into it"):
            limits = pathlib.Path(f"/proc/{server.pid}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits), limits
            assert os.stat(f"/proc/{server.pid}/mem").st_uid == 0, "the process can be dumped"
        with report.case("keys are in memory that is locked"):
            maps = pathlib.Path(f"/proc/{server.pid}/smaps").read_text()
            secret = [part for part in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps) if "/secretmem" in part.split("\n")[0]]
            locked_kib = int(status["VmLck"].split()[0])
            assert secret or locked_kib >= KEY_ARENA_KIB, f"{locked_kib} KiB locked"
        with report.case("no new privileges, and system calls are filtered in every thread"):
            for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
                text = (task / "status").read_text()
                assert re.search(r"NoNewPrivs:\t1\n", text) and re.search(r"Seccomp:\t2\n", text), text
        with report.case("files that it makes are its alone"):
            assert status["Umask"] == "0077"
            made = [path for name in ("store", "audit") for path in (server.directory / name).rglob("*")]
            assert made and not [path for path in made if path.stat().st_mode & 0o077], made
        with report.case("who is not root is not warned of it"):
            assert "as root" not in server.log.read_text()
    with report.case("root is warned"):
        if os.geteuid() != 0:
            raise Skip("these tests are not root's")
        with Server.dev() as server:
            assert "running as root" in server.log.read_text()
    for setting, filters in (("off", "0"), ("log", "2")):
        with report.case(f'sandbox = "{setting}" is said at start'):
            with Server.configured(extra=f'sandbox = "{setting}"') as server:
                assert "sandbox" in server.log.read_text()
                assert status_of(server)["Seccomp"] == filters
                server.ready()


def serial_of(server):
    context = ssl.create_default_context(cafile=str(server.ca))
    with socket.create_connection(server.address, timeout=10) as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        return tls.getpeercert()["serialNumber"]


def check_files(report):
    with report.case("a certificate that was replaced by others of the same names is read again"):
        with of_nobody(tls=True) as server:
            before, folder = serial_of(server), server.directory / "certificates"
            fresh = server.directory / "fresh"
            subprocess.run([BINARY, "certificates", fresh, "localhost"], check=True, capture_output=True, timeout=30)
            for path in fresh.iterdir():
                if os.geteuid() == 0:
                    os.chown(path, NOBODY, NOBODY)
                path.rename(folder / path.name)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "opened again" in server.log.read_text(), 10, "the certificate is read again")
            assert serial_of(server) != before
    with report.case("a configuration that everybody can write is refused"):
        server = Server.configured()
        (server.directory / "server.hcl").chmod(0o666)
        with contextlib.suppress(RuntimeError), server:
            raise AssertionError("it started")
        server = Server.configured(tls=True)
        (server.directory / "certificates/server-key.pem").chmod(0o644)
        with server:
            assert "EVERY USER CAN READ THIS PRIVATE KEY" in server.log.read_text()


def log_lines(server):
    """The log without what is printed for people on standard output."""
    return [line for line in server.log.read_text().splitlines() if line and not line.startswith("api address:")]


def check_log(report):
    with report.case("the log in JSON: an object a line, at the level of the configuration, which SIGHUP changes"):
        with Server.configured(extra='log_format = "json"\nlog_level = "warn"\nlisteners_of_nobody = 1') as server:
            server.ready()
            lines = [json.loads(line) for line in log_lines(server)]
            assert lines and all(set(line) == {"@level", "@message", "@timestamp"} for line in lines), lines
            assert any("unknown setting" in line["@message"] for line in lines)
            configuration = server.directory / "server.hcl"
            text = configuration.read_text()
            for level, wanted in (("info", "opened again"), ("loud", "the log level is kept as it was")):
                configuration.write_text(text.replace('log_level = "warn"', f'log_level = "{level}"'))
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda wanted=wanted: wanted in server.log.read_text(), 10, wanted)
    with report.case("why there is no start is an object too"):
        server = Server.configured(extra='log_format = "json"\nsandbox = "maybe"')
        ran = subprocess.run([BINARY, "server", "-log-format=json", *server._arguments], capture_output=True, text=True, timeout=30,
                             env=client_environment())
        shutil.rmtree(server.directory)
        assert ran.returncode == 1 and json.loads(ran.stderr.splitlines()[-1])["@level"] == "critical", ran.stderr


def check_systemd(report):
    with report.case("systemd is told when it is ready, and when it stops"):
        server = Server.configured()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(server.directory / "notify"))
            manager.settimeout(20)
            server._prefix = ["env", f"NOTIFY_SOCKET={server.directory}/notify"]
            with server:
                assert manager.recv(64) == b"READY=1"
                server.api(token="").expect(200, "GET", "sys/seal-status")
                server.stop()
                assert manager.recv(64) == b"STOPPING=1"
        shutil.rmtree(server.directory, ignore_errors=True)


class Diagnosis:
    def __init__(self, configuration, *prefix):
        ran = subprocess.run([*prefix, BINARY, "operator", "diagnose", f"-config={configuration}", "-format=json"],
                             capture_output=True, text=True, timeout=30, env=client_environment())
        self.code, told = ran.returncode, json.loads(ran.stdout)
        self.verdict, self.checks = told["verdict"], told["checks"]

    def of(self, check):
        found = [each for each in self.checks if each["check"] == check]
        assert len(found) == 1, f"{check}: {self.checks}"
        return found[0]

    def expect(self, check, verdict, told):
        found = self.of(check)
        assert found["verdict"] == verdict and re.search(told, found["told"]), found
        return found


def change(server, before, after):
    path = server.directory / "server.hcl"
    text = path.read_text()
    assert re.search(before, text), text
    path.write_text(re.sub(before, after, text))


def check_diagnose(report):
    server = Server.configured(tls=True)
    configuration = server.directory / "server.hcl"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change(server, "127.0.0.1:0", f"127.0.0.1:{port}")
        listener = f"listener 127.0.0.1:{port}"
        with report.case("diagnose: a port that somebody has is a failure, and says what to do"):
            told = Diagnosis(configuration)
            assert told.code == 1 and told.verdict == "fail"
            assert "ss -ltnp" in told.expect(f"{listener}: port", "fail", "in use")["next"]
    with report.case("diagnose: before the first start, nothing is left behind"):
        told = Diagnosis(configuration)
        assert told.code in (0, 2) and told.verdict in ("ok", "warn"), told.checks
        told.expect("configuration", "ok", "read")
        told.expect("storage", "ok", "will make it")
        told.expect("storage: writing", "ok", "synced")
        told.expect(f"{listener}: TLS", "ok", "belong together")
        told.expect(f"{listener}: certificate", "ok", "valid until")
        told.expect(f"{listener}: names", "ok", "localhost, 127.0.0.1")
        told.expect(f"{listener}: port", "ok", "free")
        told.expect("user", "warn" if os.geteuid() == 0 else "ok", "root")
        told.expect("memory dumps", "ok", "off")
        for check in ("clock", "swap", "limit: open files", "memory of keys", "sandbox", "seal", "file modes", "audit journal"):
            told.of(check)
        assert sorted(path.name for path in server.directory.iterdir()) == ["certificates", "server.hcl"], "something was made"
    with report.case("diagnose: beside a server that runs"):
        with Server.configured(directory=server.directory, tls=True):
            told = Diagnosis(configuration)
            told.expect("storage: lock", "warn", "running server")
    with report.case("diagnose: folders, files and keys that others have"):
        (server.directory / "store").chmod(0o755)
        (server.directory / "certificates/server-key.pem").chmod(0o604)
        told = Diagnosis(configuration)
        assert told.code == 1
        assert "chmod 0700" in told.expect("storage", "fail", "other users")["next"]
        told.expect("file modes", "warn", "EVERY USER")
        (server.directory / "store").chmod(0o700)
        (server.directory / "certificates/server-key.pem").chmod(0o606)
        Diagnosis(configuration).expect("file modes", "fail", "every user can write")
        (server.directory / "certificates/server-key.pem").chmod(0o600)
    with report.case("diagnose: a key of another certificate"):
        subprocess.run([BINARY, "certificates", server.directory / "other", "localhost"], check=True, capture_output=True, timeout=30)
        shutil.copy(server.directory / "other/server-key.pem", server.directory / "certificates/server-key.pem")
        listeners = [each["check"] for each in Diagnosis(configuration).checks if each["check"].endswith(": TLS")]
        Diagnosis(configuration).expect(listeners[0], "fail", "does not belong|mismatch")
    with report.case("diagnose: a seal's key that is not there, a store in memory, a listener without TLS for all"):
        change(server, "\\Z", 'seal "static" {\n current_key_id = "1"\n current_key = "file:///nowhere/key"\n}\n')
        Diagnosis(configuration).expect("seal", "fail", "/nowhere/key")
        change(server, 'storage "raft"', 'storage "inmem"')
        Diagnosis(configuration).expect("storage", "warn", "in memory")
        change(server, "  tls_key_file.*\n", "  tls_disable = true\n")
        change(server, 'address = "127.0.0.1:', 'address = "0.0.0.0:')
        told = Diagnosis(configuration)
        assert any(each["check"].endswith(": TLS") and each["verdict"] == "warn" for each in told.checks), told.checks
    with report.case("diagnose: a configuration that cannot be read, as a table"):
        configuration.write_text("storage {")
        ran = subprocess.run([BINARY, "operator", "diagnose", "-config", configuration], capture_output=True, text=True, timeout=30)
        assert ran.returncode == 1 and re.search(r"^fail  configuration +\S+server.hcl:1: ", ran.stdout, re.M), ran.stdout
        assert "\x1b" not in ran.stdout
        ran = subprocess.run([BINARY, "operator", "diagnose"], capture_output=True, text=True, timeout=30)
        assert ran.returncode == 1 and "-config=FILE" in ran.stderr
    shutil.rmtree(server.directory)


def main():
    report = Report()
    for check in (check_process, check_files, check_log, check_systemd, check_diagnose):
        check(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
