"""import and export: files, other Vaults, and what goes wrong on the way."""

import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import urllib.request

from keyhold_cli import Cli
from keyhold_server import BINARY, Server

ENV = """\ufeff# The application's own.
export DB_USER=app   # who
DB_PASSWORD="corr\\"ect\\nhorse"
EMPTY=
KEY='-----BEGIN KEY-----
ab+/==
-----END KEY-----'
"""
FIELDS = {"DB_USER": "app", "DB_PASSWORD": "corr\"ect\nhorse", "EMPTY": "", "KEY": "-----BEGIN KEY-----\nab+/==\n-----END KEY-----"}

MANIFEST = """apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: one}
  data: {password: aHVudGVyMg==}
- apiVersion: v1
  kind: Secret
  metadata: {name: two}
  stringData: {password: "x: y"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
"""


def write(cli, name, text):
    path = pathlib.Path(cli.home.name) / name
    path.write_text(text)
    return path


def fields(cli, path, *flags):
    data = json.loads(cli.expect("kv", "get", "-format=json", *flags, path).out)["data"]
    return data["data"] if isinstance(data.get("data"), dict) else data


class Proxy(threading.Thread):
    """Stands before a server; `before` is called with each request's method and path, and may raise to break the connection."""

    def __init__(self, server, before):
        super().__init__(daemon=True)

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    before(self.command, self.path)
                except ConnectionError:
                    self.close_connection = True
                    return
                request = urllib.request.Request(server.url + self.path, data=body or None, method=self.command, headers=dict(self.headers))
                try:
                    answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30)
                except urllib.error.HTTPError as refused:
                    answer = refused
                text = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.start()

    def run(self):
        self.server.serve_forever()


def check_files(report, cli):
    with report.case("import of .env: a dry run, then the secret, then nothing more to do"):
        write(cli, ".env", ENV)
        planned = "secret/env: new, 4 fields: DB_USER, DB_PASSWORD, EMPTY, KEY\nPlan: 1 new, 0 same, 0 changed.\n"
        cli.expect("import", "--dry-run", ".env", "secret/env", out=planned + "Nothing was written: this was a dry run.\n", err="")
        cli.expect("kv", "get", "secret/env", code=2)
        done = cli.expect("import", ".env", "secret/env", err="")
        assert done.out.startswith(planned + "Written: secret/env (version 1)\n"), done
        assert "    keyhold run -env -secret=secret/env -- COMMAND\n" in done.out, done
        assert fields(cli, "secret/env") == FIELDS
        again = cli.expect("import", ".env", "secret/env")
        assert again.out.startswith("secret/env: same\nPlan: 0 new, 1 same, 0 changed.\n"), again
        assert "correct" not in done.out + again.out and "horse" not in done.out + again.out

    with report.case("other content is left alone without -overwrite, and told by names of fields"):
        cli.expect("kv", "patch", "secret/env", "DB_USER=other", "MORE=1", "-remove-data=EMPTY")
        plan = "secret/env: changed; other values: DB_USER; new fields: EMPTY; fields that go: MORE\nPlan: 0 new, 0 same, 1 changed.\n"
        cli.expect("import", ".env", "secret/env", code=1, out=plan,
                   err="1 secret is there with other content and left alone: -overwrite replaces that.\n")
        assert fields(cli, "secret/env")["DB_USER"] == "other"
        cli.expect("import", "-overwrite", ".env", "secret/env", out=re.compile(r"^Written: secret/env \(version 3\)$", re.M))
        assert fields(cli, "secret/env") == FIELDS

    with report.case("import over a deleted secret writes a new version"):
        cli.expect("kv", "delete", "secret/env")
        cli.expect("import", ".env", "secret/env", out=re.compile(r"new, 4 fields.*\(version 4\)", re.S))

    with report.case("what is read other than elsewhere is warned about, without values"):
        write(cli, "w.env", "A=$B\nA=hunter2#x\n")
        warned = cli.expect("import", "-dry-run", "w.env", "secret/w")
        assert warned.err.count("Warning: line ") == 3 and "hunter2" not in warned.err + warned.out, warned

    with report.case("a name that run would change is told"):
        write(cli, "lower.env", "A=1\nb.c=1\nhttp_proxy=x\n")
        cli.expect("import", "lower.env", "secret/lower", out=re.compile("http_proxy is HTTP_PROXY there. -secret=http_proxy=secret/lower#http_proxy keeps a name"))
        assert "upper case" not in cli.expect("import", ".env", "secret/upper").out

    with report.case("import of JSON, YAML and standard input"):
        write(cli, "a.json", '{"text":"t","number":1.10,"nested":{"list":[true,null]}}')
        cli.expect("import", "a.json", "secret/json")
        assert '"number":1.10' in cli.run("kv", "get", "-format=raw", "secret/json").out.replace(" ", "")
        write(cli, "a.yaml", "text: t\nnumber: 1.10\nnested:\n  list: [true, ~]\n")
        cli.expect("import", "a.yaml", "secret/json", out=re.compile("^secret/json: same\n"))
        cli.expect("import", "-", "secret/in", stdin="A=1\n")
        cli.expect("import", "-from=json", "-", "secret/in", stdin='{"A":"1"}', out=re.compile("same"))

    with report.case("import of manifests makes a secret of each"):
        write(cli, "k.yaml", MANIFEST)
        done = cli.expect("import", "k.yaml", "secret/k8s", err="Warning: an object of the kind Service is left out.\n")
        assert "Written: secret/k8s/one (version 1)\nWritten: secret/k8s/two (version 1)\n" in done.out, done
        assert fields(cli, "secret/k8s/one") == {"password": "hunter2"} and fields(cli, "secret/k8s/two") == {"password": "x: y"}

    with report.case("the plan and what came of it as JSON"):
        written = json.loads(cli.expect("import", "-format=json", "a.json", "secret/new").out)["secrets"]
        assert written == [{"path": "secret/new", "state": "new", "added": ["text", "number", "nested"], "changed": [], "removed": [], "written": True,
                            "version": 1}], written

    with report.case("import into an engine of version 1"):
        cli.expect("secrets", "enable", "-path=v1", "-version=1", "kv")
        cli.expect("import", ".env", "v1/app", out=re.compile("^Written: v1/app$", re.M))
        assert fields(cli, "v1/app") == FIELDS
        cli.expect("import", ".env", "v1/app", out=re.compile("^v1/app: same"))
        cli.expect("kv", "put", "v1/app", "a=b")
        cli.expect("import", ".env", "v1/app", code=1)
        cli.expect("import", "-overwrite", ".env", "v1/app")
        assert fields(cli, "v1/app") == FIELDS

    with report.case("what cannot be read is told, and nothing is written"):
        write(cli, "bad.env", "A=1\nB='x\n")
        cli.expect("import", "bad.env", "secret/bad", code=1, out="",
                   err="bad.env: line 2: the quote of the value never closes. If it was taken for another format than it is, -from says which.\n")
        cli.expect("import", "none.env", "secret/bad", code=1, out="", err="cannot read none.env: No such file or directory\n")
        cli.expect("import", "/", "secret/bad", code=1, out="", err=re.compile("cannot read /: Is a directory"))
        cli.expect("import", "-", "secret/bad", code=1, stdin="", err="there is nothing in standard input\n")
        cli.expect("import", "-from=xml", ".env", "secret/bad", code=1, err=re.compile("-from is"))
        cli.expect("import", ".env", "secret/", code=1, err=re.compile("give the secret a name"))
        write(cli, "bomb.yaml", "a: &a [x]\nb: &b [*a, *a]\n")
        cli.expect("import", "bomb.yaml", "secret/bad", code=1, err=re.compile("an alias"))
        cli.expect("kv", "get", "secret/bad", code=2)


def check_export(report, cli):
    with report.case("export and import again is the same, by every format"):
        text = {"A": "x", "b.c": "it's \"$X\" `y` \\ # z", "N": "a\nb\r\nc\n", "E": "", "U": "é漢\u2028\x7f"}
        cli.expect("kv", "put", "secret/x", "-", stdin=json.dumps(text))
        for form, suffix in (("env", "env"), ("json", "json"), ("yaml", "yaml"), ("k8s", "yaml")):
            name = f"x-{form}.{suffix}"
            cli.expect("export", f"-to={form}", f"-file={name}", "secret/x", out=f"Success! Written to {name}, which only you can read.\n", err="")
            path = pathlib.Path(cli.home.name) / name
            assert path.stat().st_mode & 0o777 == 0o600
            cli.expect("import", name, "secret/x", out=re.compile("^secret/x: same\n"), err="")
            assert cli.expect("export", f"-to={form}", "secret/x").out == path.read_text()
        other = '{"n":1.10,"o":{"b":[1,{"c":null}]},"t":true}'
        cli.expect("kv", "put", "secret/y", "-", stdin=other)
        for form in ("json", "yaml"):
            exported = cli.expect("export", f"-to={form}", "secret/y", err="").out
            cli.expect("import", f"-from={form}", "-", "secret/y", stdin=exported, out=re.compile("^secret/y: same\n"))

    with report.case("a shell reads an exported .env as it was"):
        exported = cli.expect("export", "secret/env").out
        shell = subprocess.run(["bash", "-c", 'set -a; . /dev/stdin; set +a; env -0'], input=exported.encode(), capture_output=True, timeout=30, env={})
        variables = dict(pair.split("=", 1) for pair in shell.stdout.decode().split("\0") if "=" in pair)
        assert {name: variables.get(name) for name in FIELDS} == FIELDS, variables

    with report.case("export refuses what a format cannot hold, and files that are there"):
        cli.expect("kv", "put", "secret/odd", "a b=1")
        cli.expect("export", "secret/odd", code=1, out="", err="a .env file has no form for the name of the field a b\n")
        cli.expect("export", "-to=k8s", "secret/odd", code=1, out="")
        cli.expect("export", "-file=x-env.env", "secret/odd", "-to=json", code=1, err=re.compile("of that name already"))
        cli.expect("export", "-overwrite", "-file=x-env.env", "secret/odd", "-to=json")
        cli.expect("export", "secret/none", code=2, err="No value found at secret/data/none\n")
        warned = cli.expect("export", "secret/y", err=re.compile("Warning: n is no text"))
        assert warned.out == "n=1.10\no='{\"b\":[1,{\"c\":null}]}'\nt=true\n", warned

    with report.case("export does not show a secret on a terminal unless it is told to"):
        with cli.terminal("export", "secret/x", NO_COLOR="1") as terminal:
            assert terminal.end() == 1 and "-show" in terminal.text and "A=x" not in terminal.text, terminal.text
        with cli.terminal("export", "-show", "secret/x") as terminal:
            assert terminal.end() == 0 and "A=x\n" in terminal.text, terminal.text


def check_vault(report, server, cli):
    with Server.dev(token="their-root") as other, Cli(other, "their-root") as theirs:
        for number in range(3):
            theirs.expect("kv", "put", "secret/team/db", f"v={number}")
        theirs.expect("kv", "put", "secret/team/deep/er/api", "k=1.5", "j=@/dev/null")
        theirs.expect("kv", "put", "secret/team", "own=1")
        theirs.expect("kv", "put", "secret/team/gone", "a=1")
        theirs.expect("kv", "delete", "secret/team/gone")
        theirs.expect("secrets", "enable", "-path=old", "-version=1", "kv")
        theirs.expect("kv", "put", "old/a/b", "c=d")
        theirs.expect("kv", "put", "old/e", "f=g")
        token = write(cli, "their-token", "their-root\n")

        with report.case("import of a tree of another Vault"):
            done = cli.expect("import", f"-source-token-file={token}", f"{other.url}/v1/secret/team/", "secret/copy",
                              err="Warning: secret/team/gone has no content that can be read (deleted?): it is left out.\n")
            assert "Written: secret/copy/db (version 1)\nWritten: secret/copy/deep/er/api (version 1)\n" in done.out, done
            assert fields(cli, "secret/copy/db") == {"v": "2"} and fields(cli, "secret/copy/deep/er/api") == {"k": "1.5", "j": ""}
            cli.expect("import", f"{other.url}/secret/team/", "secret/copy", KEYHOLD_SOURCE_TOKEN="their-root", out=re.compile("0 new, 2 same, 0 changed"))

        with report.case("import of one secret of another Vault, and of engines of version 1"):
            cli.expect("import", f"{other.url}/secret/team", "secret/one", VAULT_SOURCE_TOKEN="their-root")
            assert fields(cli, "secret/one") == {"own": "1"}
            cli.expect("import", f"{other.url}/old", "secret/old", VAULT_SOURCE_TOKEN="their-root", out=re.compile("^secret/old/a/b: new", re.M))
            assert fields(cli, "secret/old/a/b") == {"c": "d"} and fields(cli, "secret/old/e") == {"f": "g"}

        with report.case("import with all versions, and on from where it stopped"):
            cli.expect("import", "-versions", f"{other.url}/secret/team/", "secret/all", VAULT_SOURCE_TOKEN="their-root",
                       out=re.compile(r"^Written: secret/all/db \(versions 1 to 3\)$", re.M))
            assert [fields(cli, "secret/all/db", f"-version={number}")["v"] for number in (1, 2, 3)] == ["0", "1", "2"]
            cli.expect("kv", "put", "secret/half/db", "v=0")
            behind = cli.expect("import", "-versions", f"{other.url}/secret/team/db", "secret/half/db", VAULT_SOURCE_TOKEN="their-root")
            assert "secret/half/db: behind: 2 newer versions\n" in behind.out and "(versions 2 to 3)" in behind.out, behind

        with report.case("another Vault's token: asked for, refused, or nowhere"):
            with cli.terminal("import", "-dry-run", f"{other.url}/secret/team/", "secret/copy") as terminal:
                terminal.wait_for("Token of the source (will be hidden): ")
                assert not terminal.echoes()
                terminal.type("their-root\n")
                assert terminal.end() == 0 and "2 same" in terminal.text and "their-root" not in terminal.text, terminal.text
            cli.expect("import", f"{other.url}/secret/team/", "secret/copy", VAULT_SOURCE_TOKEN="wrong", code=2, err=re.compile("^The source: .*403", re.S))
            cli.expect("import", f"{other.url}/secret/team/", "secret/copy", code=1, err=re.compile("no terminal to ask on"))
            cli.expect("import", f"{other.url}/secret/none/", "secret/copy", VAULT_SOURCE_TOKEN="their-root", code=2, err=re.compile("The source has no secret"))
            cli.expect("import", "http://127.0.0.1:1/secret/x", "secret/copy", VAULT_SOURCE_TOKEN="t", code=2, err=re.compile("^The source: No answer"))


def check_interruptions(report, server, cli):
    write(cli, "many.yaml", "".join(f"---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{n}}}\nstringData: {{k: 'v{n}'}}\n" for n in range(20)))

    with report.case("ctrl-C in the middle of an import: whole secrets, a report, and the same command goes on"):
        writes = []

        def slow(method, _):
            if method == "PUT":
                writes.append(1)
                time.sleep(0.1)

        with cli.terminal("import", "many.yaml", "secret/many", KEYHOLD_ADDR=Proxy(server, slow).url) as terminal:
            terminal.wait_for("Writing [####..........................] 3/20")
            terminal.type("\x03")
            assert terminal.end() == -signal.SIGINT, (terminal.code, terminal.text)
            assert "Interrupted. The same command goes on from here" in terminal.text, terminal.text
        told = terminal.text.count("Written: secret/many/s")
        there = len(json.loads(cli.expect("kv", "list", "-format=json", "secret/many").out))
        assert 0 < told == there == len(writes) < 20, (told, there, len(writes))
        cli.expect("import", "many.yaml", "secret/many", out=re.compile(f"Plan: {20 - there} new, {there} same, 0 changed"))

    with report.case("a change between the plan and the write is a conflict, and not overwritten"):
        def meddle(method, path):
            if method == "PUT" and path.endswith("/race"):
                server.api().expect(200, "PUT", "secret/data/race", {"data": {"mine": "1"}})

        cli.expect("kv", "put", "secret/race", "k=old")
        write(cli, "race.env", "k=new\n")
        cli.expect("import", "-overwrite", "race.env", "secret/race", KEYHOLD_ADDR=Proxy(server, meddle).url, code=2,
                   err="Changed by somebody else meanwhile, and so not written: secret/race. Run it again to see the difference.\n")
        assert fields(cli, "secret/race") == {"mine": "1"}

    with report.case("a server that breaks off in the middle: what was written is told"):
        count = []

        def breaks(method, _):
            if method == "PUT":
                count.append(1)
                if len(count) > 2:
                    raise ConnectionError

        cut = cli.expect("import", "many.yaml", "secret/cut", KEYHOLD_ADDR=Proxy(server, breaks).url, code=2, err=re.compile("The same command goes on from here"))
        assert cut.out.count("Written: ") == 2 and "is not known" in cut.err, cut
        cli.expect("import", "many.yaml", "secret/cut", out=re.compile("Plan: 18 new, 2 same, 0 changed"))

    with report.case("a token that may not write there"):
        rules = 'path "secret/data/*" { capabilities = ["read"] }\npath "secret/metadata/*" { capabilities = ["list"] }'
        cli.expect("policy", "write", "reads", "-", stdin=rules)
        reads = cli.expect("token", "create", "-policy=reads", "-field=token").out
        cli.expect("import", ".env", "secret/denied", KEYHOLD_TOKEN=reads, code=2, err=re.compile("403.*The same command", re.S))

    with report.case("a closed pipe before anything is written"):
        read, closed = os.pipe()
        os.close(read)
        done = subprocess.run([BINARY, "import", ".env", "secret/pipe"], env=cli.environment, cwd=cli.home.name, stdout=closed, stderr=subprocess.PIPE, timeout=30)
        os.close(closed)
        assert done.returncode == 1 and b"nothing was written" in done.stderr, done
        cli.expect("kv", "get", "secret/pipe", code=2)


def check(report):
    with Server.dev() as server, Cli(server, "root") as cli:
        check_files(report, cli)
        check_export(report, cli)
        check_vault(report, server, cli)
        check_interruptions(report, server, cli)
