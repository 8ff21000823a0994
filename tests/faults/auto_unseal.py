#!/usr/bin/env python3
"""A server with a static seal, one by another server's transit engine, or one by an HSM, unseals itself, also after a kill; without its key, or with another, it
stays sealed and says so; its key is replaced while the one before is still named. What takes key holders takes recovery keys. While what holds the key is away it
tries again. A store is changed over from one seal to another by its shares.

usage: auto_unseal.py"""

import http.server
import json
import os
import pathlib
import secrets
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server, wait_until  # noqa: E402
from report import Report  # noqa: E402


def configured(folder, stanza, kind="static"):
    return Server.configured(directory=folder, extra=f'seal "{kind}" {{\n{stanza}\n}}')


class Peer:
    """What answers the two routes of a transit engine that a seal uses."""

    TOKEN = "hvs.of-the-peer"

    def __init__(self):
        peer, self.kept, self.away, self.asked = self, {}, False, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                peer.asked += 1
                status, data = peer.answer(self.path, self.headers.get("X-Vault-Token"), body)
                answer = json.dumps({"data": data}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, path, token, body):
        if self.away:
            return 503, None
        if token != self.TOKEN:
            return 403, None
        if path == "/v1/engines/t/encrypt/unseal":
            ciphertext = "vault:v1:" + secrets.token_urlsafe(16)
            self.kept[ciphertext] = body["plaintext"]
            return 200, {"ciphertext": ciphertext}
        if path == "/v1/engines/t/decrypt/unseal":
            plaintext = self.kept.get(body["ciphertext"])
            return (200, {"plaintext": plaintext}) if plaintext else (400, None)
        return 404, None

    def end(self):
        self._server.shutdown()


def by_transit(report, home):
    peer, folder = Peer(), home.directory / "transit"
    token = key(home, "token", Peer.TOKEN.encode() + b"\n")
    stanza = (f'address = "http://localhost:{peer.port}/"\ntoken = "file://{token}"\nkey_name = "unseal"\nmount_path = "engines/t"')
    with report.case("transit: while the other server is away nothing is initialised"):
        peer.away = True
        server = configured(folder, stanza, "transit").start()
        server.api(token="").expect(503, "PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        assert server.api(token="").expect(200, "GET", "sys/init").json == {"initialized": False}
        peer.away = False
        made = server.api(token="").expect(200, "PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1}).json
        assert not sealed(server)
        server.api(token=made["root_token"]).expect(204, "POST", "sys/mounts/secret", {"type": "kv-v2"})
        server.kill()
    with report.case("transit: at start it tries until the other server is back"):
        peer.away, peer.asked = True, 0
        server = configured(folder, stanza, "transit").start()
        wait_until(lambda: peer.asked >= 3, 30, "it asks again")
        assert sealed(server) and peer.asked < 10, "with pauses"
        peer.away = False
        wait_until(lambda: not sealed(server), 60, "the server is unsealed")
        server.api(token=made["root_token"]).expect(200, "GET", "sys/mounts")
        server.kill()
    with report.case("transit: what it cannot open leaves it sealed, and neither log nor answer tells the token"):
        peer.kept.clear()
        server = configured(folder, stanza, "transit").start()
        wait_until(lambda: "does not open" in server.log.read_text(), 20, "a line in the log")
        assert sealed(server) and Peer.TOKEN not in server.log.read_text()
        server.stop()
    peer.end()


class SoftHsm:
    """A token of SoftHSM's, in a folder of its own."""

    LIBRARY, PIN = "/usr/lib/softhsm/libsofthsm2.so", "271828"

    def __init__(self, folder):
        self.folder = folder
        self.tokens = folder / "tokens"
        self.tokens.mkdir(parents=True)
        configuration = folder / "softhsm2.conf"
        configuration.write_text(f"directories.tokendir = {self.tokens}\nlog.level = ERROR\n")
        self.environment = {"SOFTHSM2_CONF": str(configuration)}
        self.pin = folder / "pin"
        self.pin.write_text(self.PIN + "\n")
        self.pin.chmod(0o400)

    def make_token(self, label="keyhold"):
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", self.PIN, "--so-pin", "314159"],
                       env={**os.environ, **self.environment}, check=True, capture_output=True, timeout=30)

    def stanza(self, more='key_label = "unseal"\ngenerate_key = true', token="keyhold", pin=None):
        place = f'pin = "file://{pin or self.pin}"'
        return f'lib = "{self.LIBRARY}"\nmodule_paths = "{self.folder}"\ntoken_label = "{token}"\n{place}\n{more}'

    def server(self, folder, *stanzas, **environment):
        """`stanzas`: lines of the HSM's, or whole ones of others."""
        whole = [each if each.startswith("seal ") else f'seal "pkcs11" {{\n{each}\n}}' for each in stanzas]
        server = Server.configured(directory=folder, extra="\n".join(whole))
        server.environment = {**self.environment, **environment}
        return server


def stays_sealed(server, reason):
    """Starts it, and waits for what its log says."""
    offset = server.log.stat().st_size if server.log.exists() else 0
    server.start()
    wait_until(lambda: reason in server.log.read_text()[offset:], 30, f"a line with {reason!r} in the log")
    assert sealed(server) and SoftHsm.PIN not in server.log.read_text()
    return server.log.read_text()[offset:]


def by_hsm(report, home):
    hsm, folder = SoftHsm(home.directory / "hsm"), home.directory / "by-hsm"
    with report.case("pkcs11: without a token nothing is initialised; with one it is, and unsealed at once"):
        server = hsm.server(folder, hsm.stanza()).start()
        server.api(token="").expect(503, "PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1})
        hsm.make_token()
        made = server.api(token="").expect(200, "PUT", "sys/init", {"recovery_shares": 1, "recovery_threshold": 1}).json
        token, recovery = made["root_token"], made["recovery_keys"]
        assert not sealed(server)
        api = server.api(token=token)
        assert api.expect(200, "GET", "sys/seal-status").json["type"] == "pkcs11"
        api.expect(204, "POST", "sys/mounts/secret", {"type": "kv-v2"})
        api.expect(200, "PUT", "secret/data/a", {"data": {"a": "kept"}})
        nonce = api.expect(200, "PUT", "sys/rekey-recovery-key/init", {"secret_shares": 1, "secret_threshold": 1}).json["nonce"]
        recovery = give(api, "sys/rekey-recovery-key/update", recovery, nonce)["keys"]
        server.kill()

    def unsealed(server, again=True):
        if again:
            server.start()
        wait_until(lambda: not sealed(server), 60, "the server is unsealed")
        assert server.api(token=token).expect(200, "GET", "secret/data/a").data["data"] == {"a": "kept"}
        server.stop()

    with report.case("pkcs11: unseals itself after a kill, and by a PIN in the environment"):
        unsealed(hsm.server(folder, hsm.stanza()))
        without = hsm.stanza().replace(f'pin = "file://{hsm.pin}"\n', "")
        unsealed(hsm.server(folder, without, VAULT_HSM_PIN=hsm.PIN))
    with report.case("pkcs11: the HSM that appears later is found"):
        hsm.tokens.rename(hsm.folder / "away")
        hsm.tokens.mkdir()
        server = hsm.server(folder, hsm.stanza())
        stays_sealed(server, "there is no token")
        hsm.tokens.rmdir()
        (hsm.folder / "away").rename(hsm.tokens)
        unsealed(server, again=False)
    with report.case("pkcs11: another token, another key or no module leaves it sealed, and the log says why"):
        server = hsm.server(folder, hsm.stanza(token="none"))
        stays_sealed(server, "there is no token")
        server.stop()
        server = hsm.server(folder, hsm.stanza('key_label = "other"'))
        assert 'label "unseal"' in stays_sealed(server, "does not name")
        server.stop()
        server = hsm.server(folder, hsm.stanza().replace(hsm.LIBRARY, "/usr/lib/none.so"))
        stays_sealed(server, "cannot be loaded")
        server.stop()
    with report.case("pkcs11: a wrong PIN is given once"):
        wrong = key(home, "wrong-pin", b"000000")
        server = hsm.server(folder, hsm.stanza(pin=wrong))
        stays_sealed(server, "refuses the PIN")
        wrong.chmod(0o600)
        wrong.write_text(hsm.PIN)
        reply = server.api(token="").expect(503, "PUT", "sys/unseal", {"key": "any"})
        assert "is not given again" in reply.errors[0], reply.errors
        server.stop()
        wrong.chmod(0o400)
        unsealed(hsm.server(folder, hsm.stanza(pin=wrong)))
    with report.case("pkcs11: a next key, while the one before is named, and then alone"):
        following = 'key_label = "next"\nkey_id = "02"\ngenerate_key = true'
        unsealed(hsm.server(folder, hsm.stanza(following + '\nprevious_key_label = "unseal"')))
        unsealed(hsm.server(folder, hsm.stanza(following)))
        unsealed(hsm.server(folder, hsm.stanza('key_id = "0x02"')))
    with report.case("migration: from the HSM to a key in a file, and back, by the recovery keys"):
        kept = key(home, "of-a-file", os.urandom(32))
        by_file = f'seal "static" {{\ncurrent_key_id = "1"\ncurrent_key = "file://{kept}"\nDISABLED\n}}'
        by_token = hsm.stanza('key_label = "next"\nDISABLED')
        for new, old, seal_type in ((by_file, by_token, "static"), (by_token, by_file, "pkcs11")):
            new, old = new.replace("DISABLED", ""), old.replace("DISABLED", 'disabled = "true"')
            server = hsm.server(folder, new, old).start()
            status = server.api(token="").expect(200, "GET", "sys/seal-status").json
            assert status["sealed"] and status["migration"] and status["type"] != seal_type, status
            server.api(token="").expect(400, "PUT", "sys/unseal", {"key": recovery[0]})
            status = server.api(token="").expect(200, "PUT", "sys/unseal", {"key": recovery[0], "migrate": True}).json
            assert not status["sealed"] and not status["migration"] and status["type"] == seal_type, status
            server.kill()
            unsealed(hsm.server(folder, new))
    return hsm


def key(server, name, content):
    path = server.directory / name
    path.write_bytes(content)
    path.chmod(0o400)
    return path


def sealed(server):
    return server.api(token="").expect(200, "GET", "sys/seal-status").json["sealed"]


def give(api, path, keys, nonce):
    for each in keys:
        reply = api.expect(200, "PUT", path, {"key": each, "nonce": nonce})
    return reply.json


def migrated(report, home, hsm):
    kept = key(home, "kept", os.urandom(32))
    there_and_back(report, home.directory / "migrated", "static", f'current_key_id = "1"\ncurrent_key = "file://{kept}"', {})
    there_and_back(report, home.directory / "migrated-hsm", "pkcs11", hsm.stanza(), hsm.environment)


def there_and_back(report, folder, kind, stanza, environment):
    with report.case(f"migration: a store of shares comes to unseal itself ({kind}), and goes back, by the same shares"):
        server = Server.configured(directory=folder).start()
        server.initialise(3, 2)
        server.unseal()
        keys, token = server.unseal_keys, server.token
        server.api().expect(204, "POST", "sys/mounts/secret", {"type": "kv-v2"})
        server.api().expect(200, "PUT", "secret/data/a", {"data": {"a": "kept"}})
        server.stop()
        for settings, seal_type in ((stanza, kind), (stanza + "\ndisabled = true", "shamir")):
            server = configured(folder, settings, kind)
            server.environment = environment
            server.start()
            status = server.api(token="").expect(200, "GET", "sys/seal-status").json
            assert status["sealed"] and status["migration"] and status["type"] != seal_type, status
            server.api(token="").expect(400, "PUT", "sys/unseal", {"key": keys[0]})
            for each in keys:
                status = server.api(token="").expect(200, "PUT", "sys/unseal", {"key": each, "migrate": True}).json
            assert not status["sealed"] and not status["migration"] and status["type"] == seal_type, status
            assert server.api(token=token).expect(200, "GET", "secret/data/a").data["data"] == {"a": "kept"}
            server.kill()
        server = Server.configured(directory=folder).start()
        server.unseal_keys = keys
        server.unseal()
        assert server.api(token=token).expect(200, "GET", "secret/data/a").data["data"] == {"a": "kept"}
        server.stop()


def main():
    report = Report()
    with Server.configured() as home:  # For its folder, which goes with it.
        home.stop()
        folder = home.directory / "sealed"
        first, second = key(home, "first", os.urandom(32)), key(home, "second", os.urandom(32).hex().encode() + b"\n")
        own = f'current_key_id = "1"\ncurrent_key = "file://{first}"'
        with report.case("initialised with recovery keys, and unsealed at once"):
            server = configured(folder, own).start()
            server.api(token="").expect(400, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
            made = server.api(token="").expect(200, "PUT", "sys/init", {"recovery_shares": 3, "recovery_threshold": 2}).json
            assert made["keys"] == [] and len(made["recovery_keys"]) == 3, "no unseal keys, but recovery keys"
            token, recovery = made["root_token"], made["recovery_keys"]
            status = server.api(token="").expect(200, "GET", "sys/seal-status").json
            assert (status["sealed"], status["type"], status["recovery_seal"], status["t"], status["n"]) == (False, "static", True, 2, 3), status
            api = server.api(token=token)
            api.expect(204, "POST", "sys/mounts/secret", {"type": "kv-v2"})
            api.expect(200, "PUT", "secret/data/a", {"data": {"a": "kept"}})
            server.kill()
        with report.case("unseals itself after a kill"):
            server = configured(folder, own).start()
            wait_until(lambda: not sealed(server), 20, "the server is unsealed")
            assert server.api(token=token).expect(200, "GET", "secret/data/a").data["data"] == {"a": "kept"}
        with report.case("a root token by recovery keys"):
            begun = server.api(token="").expect(200, "PUT", "sys/generate-root/attempt").json
            done = give(server.api(token=""), "sys/generate-root/update", recovery[1:], begun["nonce"])
            token = server.api(token="").expect(200, "PUT", "sys/decode-token", {
                "encoded_token": done["encoded_token"], "otp": begun["otp"]}).data["token"]
            server.api(token=token).expect(200, "GET", "secret/data/a")
        with report.case("recovery keys are replaced; unseal keys there are none"):
            api = server.api(token=token)
            api.expect(400, "PUT", "sys/rekey/init", {"secret_shares": 1, "secret_threshold": 1})
            nonce = api.expect(200, "PUT", "sys/rekey-recovery-key/init", {"secret_shares": 1, "secret_threshold": 1}).json["nonce"]
            done = give(api, "sys/rekey-recovery-key/update", recovery[:2], nonce)
            assert done["complete"] and len(done["keys"]) == 1
            old, recovery = recovery, done["keys"]
            begun = server.api(token="").expect(200, "PUT", "sys/generate-root/attempt").json
            server.api(token="").expect(400, "PUT", "sys/generate-root/update", {"key": old[0], "nonce": begun["nonce"]})
            assert give(server.api(token=""), "sys/generate-root/update", recovery, begun["nonce"])["complete"]
        with report.case("sealed by hand it stays sealed until it is asked"):
            server.api(token=token).expect(204, "PUT", "sys/seal")
            assert sealed(server)
            assert server.api(token="").expect(200, "PUT", "sys/unseal", {"key": "any"}).json["sealed"] is False
            server.stop()
        with report.case("a next key, while the one before is named, and then alone"):
            both = f'current_key_id = "2"\ncurrent_key = "file://{second}"\nprevious_key_id = "1"\nprevious_key = "file://{first}"'
            for stanza in (both, f'current_key_id = "2"\ncurrent_key = "file://{second}"'):
                server = configured(folder, stanza).start()
                wait_until(lambda: not sealed(server), 20, "the server is unsealed")
                server.api(token=token).expect(200, "GET", "secret/data/a")
                server.stop()
        with report.case("another key leaves it sealed, and the log says why"):
            server = configured(folder, f'current_key_id = "2"\ncurrent_key = "file://{first}"').start()
            wait_until(lambda: "auto-unseal" in server.log.read_text(), 20, "a line in the log")
            assert sealed(server)
            server.stop()
        with report.case("a key that others can read, that is none or that is not there, and a store of another seal: no start"):
            first.chmod(0o444)
            short = key(home, "short", b"short")
            for stanza in (own, f'current_key_id = "1"\ncurrent_key = "file://{short}"', f'current_key_id = "1"\ncurrent_key = "file://{folder}/none"',
                           'current_key_id = "1"\ncurrent_key = "credential://none"', 'disabled = true'):
                try:
                    configured(folder, stanza).start().stop()
                except RuntimeError as wrong:
                    assert "seal" in str(wrong), wrong
                    continue
                raise AssertionError(f"it started with {stanza}")
        by_transit(report, home)
        migrated(report, home, by_hsm(report, home))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
