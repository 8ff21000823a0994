"""Starts and stops Keyhold servers for the tests: loopback only, free ports, a temporary folder each."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("KEYHOLD_BINARY", ROOT / "build/release/keyhold"))
START_S = 30
STOP_S = 30

# Machines export these for the system's certificates; any left alone would overrule a test's own authority.
CA_VARIABLES = (
    "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "VAULT_CACERT", "BAO_CACERT",
    "AWS_CA_BUNDLE", "HTTPLIB2_CA_CERTS", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "NIX_SSL_CERT_FILE",
)


def client_environment(ca=None, **extra):
    """This process's environment without a word about certificates, proxies, Vault servers or AWS, but for `ca` and `extra`."""
    environment = {
        name: value for name, value in os.environ.items()
        if name not in CA_VARIABLES and name != "SSL_CERT_DIR"
        and not name.lower().endswith("_proxy") and not name.startswith(("VAULT_", "BAO_", "AWS_"))
    }
    if ca:
        environment.update({name: str(ca) for name in CA_VARIABLES})
    environment.update(extra)
    return environment


class Reply:
    """An answer of the API; `json` is None unless the body is JSON."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        try:
            self.json = json.loads(body) if body else None
        except ValueError:
            self.json = None

    @property
    def data(self):
        return (self.json or {}).get("data")

    @property
    def errors(self):
        return (self.json or {}).get("errors")


class Api:
    """One keep-alive connection to a server, whose certificate is checked when its authority is known."""

    def __init__(self, url, ca=None, token=None, timeout_s=30):
        parts = urllib.parse.urlsplit(url)
        self.url, self.token = url, token
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=str(ca) if ca else None)
            if not ca:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout_s, context=context)
        else:
            self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)

    def call(self, method, path, body=None, headers=None, token=None):
        """Sends `body` (JSON, or bytes as they are) to /v1/PATH. Raises OSError or HTTPException when the connection breaks."""
        sent = dict(headers or {})
        token = self.token if token is None else token
        if token:
            sent["X-Vault-Token"] = token
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return self.raw(method, "/v1/" + path, body, sent)

    def raw(self, method, target, body, headers):
        """The same of any target, with just these headers."""
        try:
            self._connection.request(method, target, body=body, headers=headers)
            response = self._connection.getresponse()
            return Reply(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def expect(self, status, method, path, body=None, **options):
        """As call(), for an answer that is known. The body of another answer is told without secrets' values: errors only."""
        reply = self.call(method, path, body, **options)
        wanted = status if isinstance(status, tuple) else (status,)
        assert reply.status in wanted, f"{method} {path}: {reply.status} instead of {status}: {reply.errors}"
        return reply

    def close(self):
        self._connection.close()


class Server:
    """A server process with a folder of its own. Use as a context manager: leaving it stops the process and removes the folder."""

    def __init__(self, directory=None, binary=None):
        self.environment = {}  # Beside client_environment().
        self.binary = pathlib.Path(binary or BINARY)
        if not self.binary.exists():
            raise FileNotFoundError(f"{self.binary} is not built: run script/build")
        self._owned = directory is None
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="keyhold-test-"))
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "server.log"
        self.url = self.ca = self.process = self.token = self.access_key = None
        self.unseal_keys = []
        self.urls = []
        self._arguments = []
        self._listeners = 1
        self._prefix = []

    # Making one.

    @classmethod
    def dev(cls, tls=False, token="root", binary=None, port=0):
        """A development server: memory store, unsealed, KV v2 at secret/. Other binaries than ours need a port."""
        server = cls(binary=binary)
        server.token = token
        server._arguments = ["-dev", f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
        if binary is None:
            server.access_key = ("AKIADEVELOPMENTONLY0", "not-a-secret-but-long-enough-for-a-test")
            server._arguments += [f"-dev-access-key-id={server.access_key[0]}", f"-dev-secret-access-key={server.access_key[1]}"]
        if tls:
            certificates = server.directory / "certificates"
            certificates.mkdir()
            server._arguments += ["-dev-tls", f"-dev-tls-cert-dir={certificates}"]
            server.ca = None if binary else certificates / "vault-ca.pem"
        return server

    @classmethod
    def configured(cls, tls=False, storage="raft", directory=None, store=None, audit=None, extra="", journal="",
                   binary=None):
        """A server of a configuration file, not yet initialised. `store` and `audit` put those folders elsewhere; `journal` and `extra`
        are lines inside the audit_journal stanza and after it."""
        server = cls(directory=directory, binary=binary)
        lines = ['listener "tcp" {', '  address = "127.0.0.1:0"']
        if tls:
            certificates = server.directory / "certificates"
            if not certificates.exists():
                subprocess.run([server.binary, "certificates", certificates, "localhost", "127.0.0.1"],
                               check=True, capture_output=True, timeout=START_S)
            server.ca = certificates / "ca.pem"
            lines += [f'  tls_cert_file = "{certificates / "server.pem"}"',
                      f'  tls_key_file = "{certificates / "server-key.pem"}"']
        else:
            lines.append("  tls_disable = true")
        lines += ["}", f'storage "{storage}" {{']
        if storage != "inmem":
            lines.append(f'  path = "{store or server.directory / "store"}"')
        lines.append("}")
        server.audit_directory = pathlib.Path(audit or server.directory / "audit")
        lines += ["audit_journal {", f'  directory = "{server.audit_directory}"', journal, "}", extra]
        server._listeners += extra.count("listener ")
        configuration = server.directory / "server.hcl"
        configuration.write_text("\n".join(lines) + "\n")
        server._arguments = ["-config", str(configuration)]
        return server

    def pinned(self, core):
        """Runs the process on one core."""
        self._prefix = ["taskset", "-c", str(core)]
        return self

    # Its life.

    def start(self):
        """Starts the process and waits until it answers."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self._prefix, str(self.binary), "server", *self._arguments], stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env=client_environment(**self.environment), cwd=self.directory)
        deadline = time.monotonic() + START_S
        while True:
            printed = self.log.read_bytes()[offset:].decode(errors="replace")
            self.urls = re.findall(r"api address: *(https?://[^\s,]+)", printed, re.I)
            if len(self.urls) >= self._listeners:
                self.url = self.urls[0]
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{printed}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server printed no address within {START_S} s:\n{printed}")
            time.sleep(0.002)
        while True:
            try:
                self.api(token="").call("GET", "sys/seal-status")
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.002)

    def stop(self):
        """Asks the process to end, waits, and returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """Ends the process at once, as a crash would."""
        return self._end(signal.SIGKILL)

    def _end(self, which):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(which)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"the server did not stop within {STOP_S} s") from None
        finally:
            self.process = None
        return code

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process = None
        if self._owned:
            shutil.rmtree(self.directory, ignore_errors=True)

    # What tests do with it.

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        """Host and port, for a raw socket."""
        parts = urllib.parse.urlsplit(self.url)
        return parts.hostname, parts.port

    def api(self, token=None, timeout_s=30):
        return Api(self.url, self.ca, self.token if token is None else token, timeout_s)

    def initialise(self, shares=1, threshold=1):
        reply = self.api(token="").expect(
            200, "PUT", "sys/init", {"secret_shares": shares, "secret_threshold": threshold})
        self.unseal_keys = reply.json["keys_base64"][:threshold]
        self.token = reply.json["root_token"]

    def unseal(self):
        api = self.api(token="")
        for key in self.unseal_keys:
            reply = api.expect(200, "PUT", "sys/unseal", {"key": key})
        assert reply.json["sealed"] is False, "the unseal keys did not unseal"

    def ready(self):
        """Initialises, unseals and mounts KV v2 at secret/."""
        self.initialise()
        self.unseal()
        self.api().expect((200, 204), "POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        return self

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def cpu_s(self):
        return cpu_s_of(self.pid)

    def journal_files(self):
        return sorted(path for path in self.audit_directory.rglob("*") if path.is_file())

    def verify_journal(self, *options):
        """Runs `keyhold audit verify` over the journal."""
        return subprocess.run([self.binary, "audit", "verify", self.audit_directory, *options], capture_output=True,
                              text=True, timeout=120)


def cpu_s_of(pid):
    """User and system time of all threads of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, limit_s, what):
    """Waits for a condition; the limit only ends a test that has failed."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {limit_s} s")
        time.sleep(0.02)


def raw_connection(server, timeout_s=20):
    connection = socket.create_connection(server.address, timeout=timeout_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection
