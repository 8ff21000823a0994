"""What goes wrong around the client: each has a clear message, and an exit code that is not 0."""

import re
import socket
import threading

from keyhold_cli import Cli
from keyhold_server import Server


def check(report):
    with report.case("no server there"):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with Cli(KEYHOLD_ADDR=address, KEYHOLD_TOKEN="t") as cli:
            wanted = (f"No answer from {address}: it could not be connected to.\n\nIs the server running there? "
                      "Name another address with -address or KEYHOLD_ADDR (or VAULT_ADDR).\n")
            cli.expect("kv", "get", "secret/a", code=2, out="", err=wanted)
            cli.expect("status", code=1, out="", err=wanted)
            cli.expect("status", "-address=nonsense", code=1, err=re.compile("the server's address cannot be used"))
            cli.expect("status", VAULT_CLIENT_TIMEOUT="soon", code=1, err=re.compile("CLIENT_TIMEOUT"))

    with report.case("commands on files, misused, say how they are used and exit with 2"):
        with Cli() as cli:
            for words, why in ((("audit", "verify"), "an argument is missing"), (("audit", "verify", "a", "b"), "there are too many arguments"),
                               (("audit", "verify", "a", "--public-key"), "the flag -public-key needs a value"),
                               (("audit", "verify", "a", "--unknown"), "there is no flag -unknown"), (("server", "-device"), "there is no flag -device"),
                               (("server", "-dev", "dev"), "there are too many arguments"), (("certificates", "tls"), "an argument is missing"),
                               (("operator", "snapshot", "inspect"), "an argument is missing")):
                cli.expect(*words, code=2, out="", err=re.compile(rf"^keyhold .*: {why}\.\nUsage: keyhold .*\(`keyhold .* -h` tells more\)\n$"))
            for words in (("server",), ("server", "-dev", "-config=x.hcl"), ("operator", "migrate"), ("operator", "snapshot", "restore-offline", "x.snap")):
                cli.expect(*words, code=2, out="", err=re.compile("^keyhold .*: give -config=FILE"))

    with report.case("no terminal and nothing on standard input"):
        with Cli(KEYHOLD_ADDR="http://127.0.0.1:1") as cli:
            cli.expect("login", code=1, err="there is nothing on standard input\n")
            cli.expect("operator", "unseal", code=1, err="there is nothing on standard input\n")

    with report.case("a server that says nothing, or nonsense"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            answers = [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
                       b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
                       b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                       b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v1/b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                       b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\nConnection: close\r\n\r\n{\"data\":{\"a\":\"it\"}}",
                       b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                       b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"]
            received = []

            def serve():
                for answer in answers:
                    connection, _ = listener.accept()
                    received.append(connection.recv(65536).split(b" HTTP/")[0])
                    connection.sendall(answer)
                    connection.close()

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            with Cli(KEYHOLD_ADDR=address, KEYHOLD_TOKEN="t") as cli:
                cli.expect("read", "a", code=2, err=re.compile("the connection broke.*\n\nIf the server there speaks TLS, say so: -address=https://"))
                cli.expect("read", "a", code=2, err=re.compile("not JSON"))
                cli.expect("read", "a", code=2, err=re.compile("Code: 502\n\nThat was no answer of Keyhold or Vault"))
                cli.expect("read", "a", code=2, err=re.compile("Code: 307"))
                cli.expect("read", "-field=a", "a", out="it")
                cli.expect("write", "a", "k=v", out="Success! Data written to: a\n")
            thread.join(10)
            assert received[3:] == [b"GET /v1/a", b"GET /v1/a", b"GET /v1/b", b"PUT /v1/a", b"PUT /v1/a"], received

    with Server.dev(tls=True) as server, Cli(server, "root") as cli:
        with report.case("TLS: a certificate of an authority that is not trusted, or for another name"):
            cli.expect("status")
            wanted = re.compile("its certificate is not one to trust.\n\nName the authority that signed it with -ca-cert or KEYHOLD_CACERT")
            cli.expect("read", "sys/mounts", code=2, err=wanted, KEYHOLD_CACERT="")
            cli.expect("read", "sys/mounts", "-tls-skip-verify", KEYHOLD_CACERT="")
            cli.expect("read", "sys/mounts", "-tls-server-name=other.example", code=2, err=wanted)
            cli.expect("read", "sys/mounts", "-tls-server-name=localhost")
            cli.expect("read", "sys/mounts", "-ca-cert=/nowhere.pem", code=1, err=re.compile("cannot read the certificates to trust in /nowhere.pem"))
            cli.expect("read", "sys/mounts", f"-ca-path={server.ca.parent}", KEYHOLD_CACERT="")
            cli.expect("read", "sys/mounts", "-client-cert=x", code=1, err=re.compile("-client-cert and -client-key"))

        with report.case("TLS and plain HTTP mistaken for each other"):
            cli.expect("status", "-address=" + server.url.replace("https", "http"), code=1, err=re.compile("-address=https://"))
            with Server.dev() as other:
                cli.expect("status", "-address=" + other.url.replace("http", "https"), code=1, err=re.compile("-address=http://"))

        with report.case("a wrong token, no token, a token of two lines"):
            cli.expect("read", "sys/mounts", code=2, KEYHOLD_TOKEN="wrong", err=re.compile(
                r"^Error making API request\.\n\nURL: GET https://.*/v1/sys/mounts\nCode: 403\. Errors:\n\n\* permission denied\n\n`keyhold token lookup`"))
            cli.expect("read", "sys/mounts", code=2, KEYHOLD_TOKEN="", err=re.compile("No token was sent: run `keyhold login`"))
            cli.expect("read", "sys/mounts", code=1, KEYHOLD_TOKEN="a\nX-Other: b", err=re.compile("holds a line break"))

        with report.case("files that are not there, and what is no JSON"):
            cli.expect("write", "cubbyhole/a", "k=@/nowhere", code=1, err="cannot read /nowhere: No such file or directory\n")
            cli.expect("write", "cubbyhole/a", "-", stdin="{", code=1, err=re.compile("^standard input is no JSON: at byte "))
            cli.expect("write", "cubbyhole/a", "-", stdin="[1]", code=1, err="standard input must be a JSON object\n")
            cli.expect("policy", "write", "p", "/nowhere", code=1, err=re.compile("cannot read /nowhere"))
