#!/usr/bin/env python3
"""The file of a declared audit device: Vault's shape, a request and a response line for each request, nothing in clear that is
secret, no line lost by full disks, unusable files, log rotation under load, a damaged cursor or kill -9."""

import json
import os
import pathlib
import re
import signal
import stat
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from report import Report, Skip  # noqa: E402
from small_disk import fill, small_disk  # noqa: E402

SECRET = "kHaUdItDeViCeSeCrEt7"
LIMIT_S = 30
HANGUPS = 200
KILLS = 6
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
HASH = r"hmac-sha256:[0-9a-f]{64}"


def stanza(path, **options):
    options = {"file_path": path, **options}
    inside = "\n".join(f'    {name} = "{value}"' for name, value in options.items())
    return f'audit "file" "siem" {{\n  description = "test"\n  options {{\n{inside}\n  }}\n}}\n'


def device_server(path, directory=None, **options):
    return Server.configured(directory=directory, extra=stanza(path, **options))


def lines_of(path):
    """All lines; a torn last one, or one that a kill tore, is left out and counted."""
    lines, torn = [], 0
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            lines.append(json.loads(line))
        except ValueError:
            torn += 1
    return lines, torn


def request_ids(lines, kind):
    return [line["request"]["id"] for line in lines if line["type"] == kind and "id" in line["request"]]


def wait_for_request(path, request_id):
    wait_until(lambda: path.exists() and request_id in request_ids(lines_of(path)[0], "response"), LIMIT_S, "the response's line")


def own_lines(path, api):
    """Those of this connection: other threads' lines may come later."""
    port = api._connection.sock.getsockname()[1]
    return [line for line in lines_of(path)[0] if line["request"].get("remote_port") == port]


class Log:
    """The operator's log, from here on."""

    def __init__(self, server):
        self.path, self.offset = server.log, server.log.stat().st_size

    def wait(self, text):
        wait_until(lambda: text in self.path.read_text(errors="replace")[self.offset:], LIMIT_S, f"the log says {text!r}")


def check_shape(report, directory):
    path = directory / "siem.log"
    with device_server(path, mode="0640") as server:
        server.ready()
        api = server.api()
        told = {}
        for name, method, target, body, status in (
                ("write", "PUT", "secret/data/app/db", {"data": {"password": SECRET, "n": 5}}, 200),
                ("read", "GET", "secret/data/app/db", None, 200),
                ("refused", "PUT", "secret/data/app/db", {"data": {"a": SECRET}, "options": {"cas": 77}}, 400),
                ("list", "LIST", "secret/metadata/app", None, 200),
                ("delete", "DELETE", "secret/data/app/db", None, 204),
                ("token", "POST", "auth/token/create", {"ttl": "1h", "meta": {"k": SECRET}}, 200),
                ("mounts", "GET", "sys/mounts", None, 200),
                ("missing", "GET", "secret/data/none", None, 404),
                ("nowhere", "GET", f"nowhere/{SECRET}", None, 404),
        ):
            wait_for_request(path, api.expect(200, "GET", "auth/token/lookup-self").json["request_id"])
            before = set(request_ids(own_lines(path, api), "response"))
            api.expect(status, method, target, body)
            wait_until(lambda: set(request_ids(own_lines(path, api), "response")) - before, LIMIT_S, "a new response line")
            (request_id,) = set(request_ids(own_lines(path, api), "response")) - before
            told[name] = [line for line in lines_of(path)[0] if line["request"].get("id") == request_id]
        denied = api.call("GET", "secret/data/app/db", token="hvs." + SECRET)
        assert denied.status == 403
        wait_until(lambda: any(line.get("error") == "permission denied" for line in lines_of(path)[0]), LIMIT_S, "the refusal")

        for name, lines in told.items():
            with report.case(f"shape of {name}: a request and a response"):
                assert [line["type"] for line in lines] == ["request", "response"], lines
                for line in lines:
                    check_line(line)
                request, response = lines
                assert request["auth"] == response["auth"] and request["request"] == response["request"]
                assert "response" in response and "response" not in request
        with report.case("names and values are Vault's"):
            request, response = told["write"]
            assert request["request"]["path"] == "secret/data/app/db"
            assert request["request"]["mount_point"] == "secret/" and request["request"]["mount_type"] == "kv"
            assert request["request"]["mount_class"] == "secret" and request["request"]["mount_accessor"].startswith("kv_")
            assert request["request"]["remote_address"] == "127.0.0.1" and request["request"]["remote_port"] > 0
            assert request["request"]["namespace"] == {"id": "root"}
            assert request["auth"]["display_name"] == "root" and request["auth"]["policies"] == ["root"]
            assert request["auth"]["token_type"] == "service" and request["auth"]["policy_results"] == {"allowed": True}
            assert re.fullmatch(HASH, request["request"]["data"]["data"]["password"])
            operations = {name: lines[0]["request"]["operation"] for name, lines in told.items()}
            assert operations["write"] == "create" and operations["read"] == "read" and operations["list"] == "list", operations
            assert operations["delete"] == "delete" and operations["refused"] == "update", operations
            assert told["mounts"][0]["request"]["mount_type"] == "system"
            assert told["token"][0]["request"]["mount_class"] == "auth"
            assert re.fullmatch(HASH, told["token"][1]["response"]["auth"]["accessor"])
            assert told["refused"][1]["error"] and "error" not in told["refused"][0]
            assert re.fullmatch(HASH, told["nowhere"][0]["request"]["path"])
        with report.case("audit-hash of a value is what stands in the file"):
            hashed = api.expect(200, "POST", "sys/audit-hash/siem", {"input": SECRET}).data["hash"]
            assert hashed == told["write"][0]["request"]["data"]["data"]["password"]
            assert hashed == told["read"][1]["response"]["data"]["data"]["password"]
            assert api.expect(200, "PUT", "sys/audit-hash/siem", {"input": server.token}).data["hash"] == \
                told["write"][0]["auth"]["client_token"]
            lookup = api.expect(200, "GET", "auth/token/lookup-self").data
            assert api.expect(200, "PUT", "sys/audit-hash/siem", {"input": lookup["accessor"]}).data["hash"] == \
                told["write"][0]["auth"]["accessor"]
        with report.case("sys/audit lists it and changes nothing"):
            listed = api.expect(200, "GET", "sys/audit")
            assert listed.data == {"siem/": {"type": "file", "path": "siem/", "description": "test", "local": False,
                                             "options": {"file_path": str(path), "mode": "0640"}}}, listed.data
            assert listed.json["siem/"] == listed.data["siem/"], "at both places"
            target = directory / "made-by-api"
            for method in ("POST", "PUT"):
                refused = api.expect(400, method, "sys/audit/new", {"type": "file", "options": {"file_path": str(target)}})
                assert "configuration file" in refused.errors[0]
            api.expect(400, "DELETE", "sys/audit/siem")
            assert not target.exists()
        with report.case("mode, and no secret in the file"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o640
            assert server.stop() == 0
            text = path.read_bytes()
            assert SECRET.encode() not in text and server.token.encode() not in text
            lines, torn = lines_of(path)
            assert torn == 0 and sorted(request_ids(lines, "request")) == sorted(request_ids(lines, "response"))


def check_line(line):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["time"])
    assert re.fullmatch(UUID, line["request"]["id"])
    assert re.fullmatch(HASH, line["auth"]["client_token"]) and re.fullmatch(HASH, line["auth"]["accessor"])
    assert line["request"]["client_token"] == line["auth"]["client_token"]
    assert line["request"]["client_token_accessor"] == line["auth"]["accessor"]
    assert {"time", "type", "auth", "request"} <= set(line) <= {"time", "type", "auth", "request", "response", "error"}


def check_bad_files(report, directory):
    """Whatever stands at the path, the server serves; when it is gone, everything gets there."""
    def symlink(path):
        (directory / "target").write_text("untouched")
        path.symlink_to(directory / "target")

    for name, make in (("a directory", lambda path: path.mkdir()), ("a symbolic link", symlink),
                       ("a pipe nobody reads", lambda path: os.mkfifo(path, 0o600))):
        path = directory / "bad.log"
        make(path)
        with report.case(f"{name} at the path: the server serves, and writes when it is gone"):
            with device_server(path) as server:
                log = Log(server)
                server.ready()
                served = server.api().expect(200, "GET", "auth/token/lookup-self").json["request_id"]
                log.wait("audit device siem: ")
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
                wait_for_request(path, served)
                log.wait("writing again")
        if (directory / "target").exists():
            assert (directory / "target").read_text() == "untouched"
        path.unlink(missing_ok=True)
    for bad in ("/dev/full", "/dev/null"):
        with report.case(f"{bad} is refused, and the server serves"):
            with device_server(bad) as server:
                server.ready()
                server.api().expect(200, "GET", "auth/token/lookup-self")
                wait_until(lambda: "not a regular file" in server.log.read_text(), LIMIT_S, "the log says so")


def check_full_disk(report):
    with small_disk(2) as disk:
        path = disk / "siem.log"
        with device_server(path) as server:
            server.ready()
            api = server.api()
            with report.case("a full disk beneath the device: served, then caught up, no line torn"):
                filler = fill(disk)
                told = [api.expect(200, "GET", "auth/token/lookup-self").json["request_id"] for _ in range(20)]
                wait_until(lambda: "No space left" in server.log.read_text(), LIMIT_S, "the log says so")
                told += [api.expect(200, "GET", "auth/token/lookup-self").json["request_id"] for _ in range(20)]
                filler.unlink()
                wait_for_request(path, told[-1])
                lines, torn = lines_of(path)
                assert torn == 0 and set(told) <= set(request_ids(lines, "response"))


class Load:
    """Reads and writes on some connections, remembering every request that was answered."""

    def __init__(self, server, threads=3):
        self.told, self.failed, self.stop = [], [], threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(server.api(), number)) for number in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self, api, number):
        count = 0
        while not self.stop.is_set():
            count += 1
            try:
                reply = api.call("PUT" if count % 4 == 0 else "GET", f"secret/data/load-{number}",
                                 {"data": {"n": SECRET}} if count % 4 == 0 else None)
            except Exception as error:  # noqa: BLE001: a broken connection is what is looked for.
                self.failed.append(repr(error))
                return
            if reply.status not in (200, 404):
                self.failed.append(f"{reply.status} {reply.errors}")
            elif reply.json and "request_id" in reply.json:
                self.told.append(reply.json["request_id"])

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def check_hangups(report, directory):
    path = directory / "rotated.log"
    with Server.configured(tls=True, directory=directory / "hangups", extra=stanza(path)) as server:
        server.ready()
        load = Load(server)
        with report.case(f"{HANGUPS} hang-ups with log rotation under load: no request and no line lost"):
            for number in range(HANGUPS):
                wait_until(path.exists, LIMIT_S, "the new file")
                path.rename(path.with_suffix(f".{number}"))
                log = Log(server)
                server.process.send_signal(signal.SIGHUP)
                log.wait("opened again")
            load.end()
            assert not load.failed, load.failed[:3]
            assert server.stop() == 0
            found, torn = [], 0
            for file in path.parent.glob("rotated.*"):
                lines, broken = lines_of(file)
                found += lines
                torn += broken
            responses = request_ids(found, "response")
            assert torn == 0 and len(load.told) > HANGUPS
            assert set(load.told) <= set(responses) and set(load.told) <= set(request_ids(found, "request"))
            assert len(responses) == len(set(responses)), "a line twice"


def check_bad_hangup(report, directory):
    path = directory / "kept.log"
    with Server.configured(tls=True, directory=directory / "kept", extra=stanza(path)) as server:
        server.ready()
        certificate = server.directory / "certificates/server.pem"
        with report.case("a hang-up with a bad certificate keeps certificate and file"):
            wait_until(path.exists, LIMIT_S, "the file")
            good = certificate.read_text()
            certificate.write_text("garbage")
            path.rename(directory / "kept.log.1")
            log = Log(server)
            server.process.send_signal(signal.SIGHUP)
            log.wait("kept as they were")
            told = server.api().expect(200, "GET", "auth/token/lookup-self").json["request_id"]
            wait_for_request(directory / "kept.log.1", told)
            certificate.write_text(good)
            (directory / "kept.log.1").rename(path)
        with report.case("a hang-up with an unusable file keeps certificate and file"):
            path.rename(directory / "kept.log.2")
            path.mkdir()
            log = Log(server)
            server.process.send_signal(signal.SIGHUP)
            log.wait("kept as they were")
            told = server.api().expect(200, "GET", "auth/token/lookup-self").json["request_id"]
            wait_for_request(directory / "kept.log.2", told)


def check_kills(report, directory):
    path = directory / "killed.log"
    server = device_server(path, directory / "killed")
    told = set()
    with report.case(f"{KILLS} kills while it is behind, and a damaged cursor: every answered request is there"):
        for number in range(KILLS):
            server.start()
            if number == 0:
                server.ready()
            else:
                server.unseal()
            # Behind: the file cannot be written for the first half.
            blocked = number % 2 == 1
            if blocked and path.exists():
                path.rename(directory / "killed.log.aside")
                path.mkdir()
                server.process.send_signal(signal.SIGHUP)
            load = Load(server)
            time.sleep(0.4)
            server.process.kill()
            load.end()
            told |= set(load.told)
            server.kill()
            if blocked:
                path.rmdir()
                (directory / "killed.log.aside").rename(path)
            if number == KILLS - 2:
                (server.audit_directory / "siem.cursor").write_text("garbage")
        server.start()
        server.unseal()
        # On every stream: its next line says that what the kill caught in flight has no outcome.
        for _ in range(32):
            last = server.api().expect(200, "GET", "auth/token/lookup-self").json["request_id"]
        wait_for_request(path, last)
        wait_until(lambda: told <= set(request_ids(lines_of(path)[0], "response")), LIMIT_S, "all of them")
        assert server.stop() == 0
        lines, torn = lines_of(path)
        assert set(request_ids(lines, "request")) == set(request_ids(lines, "response"))
        assert torn <= KILLS, f"{torn} torn lines"
        verified = server.verify_journal()
        assert verified.returncode == 0, verified.stdout
    server.__exit__()


def main():
    report = Report()
    with Server.configured() as holder:  # For its folder.
        directory = holder.directory
        for name, check in (("shape", check_shape), ("bad files", check_bad_files), ("hang-ups", check_hangups),
                            ("bad hang-ups", check_bad_hangup), ("kills", check_kills)):
            try:
                folder = directory / name.replace(" ", "-")
                folder.mkdir()
                check(report, folder)
            except Exception as error:  # noqa: BLE001
                report.fail(name, error)
        try:
            check_full_disk(report)
        except Skip as reason:
            report.skip("a full disk beneath the device", reason)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
