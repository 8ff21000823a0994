#!/usr/bin/env python3
"""A journal that reaches its bound: requests are refused, or the oldest files are dropped, as was chosen; and `keyhold audit verify`
tells files that policy dropped from files that were taken away."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from report import Report  # noqa: E402

MIB = 1 << 20
RETAIN = 16 * MIB
LIMIT_S = 60
WRITES = 450  # Of 60 KB each in the journal: well past the bound.
TEXT = 'path "a" { capabilities = ["read"] }\n#' + "x" * 60_000
BY_POLICY = "older files were dropped by policy"


def bounded(when_full, device=None):
    extra = f'audit "file" "siem" {{\n  options {{ file_path = "{device}" }}\n}}\n' if device else ""
    return Server.configured(journal=f'  retain_bytes = {RETAIN}\n  when_full = "{when_full}"', extra=extra)


def write(api, number):
    """Writes what is long in the journal; its status."""
    return api.call("PUT", f"sys/policies/acl/filler-{number % 10}", {"policy": TEXT}).status


def write_until_refused(api):
    for number in range(WRITES):
        status = write(api, number)
        if status != 204:
            assert status == 503, f"status {status}"
            return
    raise AssertionError(f"{WRITES} writes were taken")


def bytes_of(server):
    return sum(path.stat().st_size for path in server.journal_files() if path.suffix == ".jsonl")


def oldest(server):
    """The oldest file of the stream that has most."""
    streams = {}
    for path in server.journal_files():
        if path.suffix == ".jsonl":
            streams.setdefault(path.name.split("-")[0], []).append(path)
    return sorted(max(streams.values(), key=len))[0]


def check_refuse(report):
    with bounded("refuse") as server:
        server.ready()
        api = server.api()
        with report.case("refuse: at the bound every request is refused, and the log says so"):
            write_until_refused(api)
            wait_until(lambda: api.call("GET", "sys/mounts").status == 503, LIMIT_S, "reads are refused")
            reply = api.call("POST", "auth/token/create", {})
            assert reply.status == 503 and reply.data is None and "retain_bytes" in reply.errors[0], reply.errors
            assert api.call("GET", "sys/health").status == 200, "the node is well"
            assert "reached retain_bytes" in server.log.read_text()
            assert bytes_of(server) < RETAIN + MIB
        with report.case("refuse: serves again once a file is taken away"):
            oldest(server).rename(server.directory / "archived.jsonl")
            wait_until(lambda: api.call("GET", "sys/mounts").status == 200, LIMIT_S, "serves again")
        with report.case("refuse: what was archived by hand is no drop by policy"):
            assert server.stop() == 0
            verified = server.verify_journal()
            assert verified.returncode == 1 and "no signed line says" in verified.stdout, verified.stdout
            assert server.verify_journal("--archived").returncode == 0


def check_drop(report):
    with bounded("drop") as server:
        server.ready()
        api = server.api()
        with report.case("drop: every write is taken, and the journal keeps to its bound"):
            refused = [number for number in range(WRITES) if write(api, number) != 204]
            assert not refused, f"{len(refused)} refused"
            assert bytes_of(server) < RETAIN + MIB
        with report.case("drop: verifies, and says that policy dropped the start"):
            verified = server.verify_journal()
            assert verified.returncode == 0 and BY_POLICY in verified.stdout, verified.stdout
            server.kill()
            server.start()
            server.unseal()
            assert server.stop() == 0
            verified = server.verify_journal()
            assert verified.returncode == 0 and BY_POLICY in verified.stdout, verified.stdout
        with report.case("drop: one file more that is missing is noticed"):
            oldest(server).unlink()
            verified = server.verify_journal()
            assert verified.returncode == 1 and "no signed line says" in verified.stdout, verified.stdout


def evidence(server):
    found = []
    for path in server.journal_files():
        if path.suffix == ".jsonl":
            found += [json.loads(line)["dropped"] for line in path.read_text().splitlines() if '"dropped":' in line[:100]]
    return found


def check_drop_forwarded(report, folder):
    device = folder / "siem.log"
    device.mkdir()  # Cannot be written.
    with bounded("drop-forwarded", device) as server:
        server.ready()
        api = server.api()
        with report.case("drop-forwarded: refused while the device has nothing"):
            write_until_refused(api)
            assert not evidence(server)
        with report.case("drop-forwarded: serves again once the device has it, which has all"):
            device.rmdir()
            for number in range(WRITES // 4):
                wait_until(lambda: write(api, number) == 204, LIMIT_S, "takes a write again")
            told = api.expect(200, "GET", "sys/mounts").json["request_id"]
            wait_until(lambda: device.exists() and told in device.read_text(), LIMIT_S, "the device's line")
            assert evidence(server) and all(dropped["forwarded"] for dropped in evidence(server))
            assert "removed from the journal before" not in server.log.read_text()
            assert server.verify_journal().returncode == 0


def check_drop_unforwarded(report, folder):
    device = folder / "behind.log"
    device.mkdir()
    with bounded("drop", device) as server:
        server.ready()
        api = server.api()
        with report.case("drop: a device that is behind stops nothing, and what it missed is told"):
            assert all(write(api, number) == 204 for number in range(WRITES))
            assert any(not dropped["forwarded"] for dropped in evidence(server))
            device.rmdir()
            told = api.expect(200, "GET", "sys/mounts").json["request_id"]
            wait_until(lambda: device.exists() and told in device.read_text(), LIMIT_S, "the device's line")
            assert "removed from the journal before they were forwarded" in server.log.read_text()


def main():
    report = Report()
    with Server.configured() as holder:  # For its folder.
        for name, check in (("refuse", lambda: check_refuse(report)), ("drop", lambda: check_drop(report)),
                            ("drop-forwarded", lambda: check_drop_forwarded(report, holder.directory)),
                            ("drop unforwarded", lambda: check_drop_unforwarded(report, holder.directory))):
            try:
                check()
            except Exception as error:  # noqa: BLE001
                report.fail(name, error)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
