"""read, write, list, delete, patch, unwrap, and the forms of output."""

import json
import os
import re
import shutil
import subprocess

from keyhold_cli import Cli, Terminal
from keyhold_server import BINARY, Server

# Where an engine's routes are served.
MOUNTS = {"system": "sys/", "token": "auth/token/", "access-key": "auth/access-key/", "kv-v2": "secret/", "cubbyhole": "cubbyhole/"}


def shell_environment(cli, **more):
    return {**cli.environment, "PATH": f"{BINARY.parent}:{os.environ['PATH']}", **more}


def check(report):
    with Server.dev() as server, Cli(server, "root") as cli:
        with report.case("read, write, list and delete print what Vault's do"):
            cli.expect("write", "cubbyhole/note", "a=1", "b=two words", out="Success! Data written to: cubbyhole/note\n", err="")
            cli.expect("read", "cubbyhole/note", out="Key    Value\n---    -----\na      1\nb      two words\n")
            cli.expect("list", "cubbyhole", out="Keys\n----\nnote\n")
            cli.expect("delete", "cubbyhole/note", out="Success! Data deleted (if it existed) at: cubbyhole/note\n")
            cli.expect("read", "cubbyhole/note", code=2, out="", err="No value found at cubbyhole/note\n")
            cli.expect("list", "cubbyhole/", code=2, out="", err="No value found at cubbyhole/\n")

        with report.case("values come from files, from standard input and as JSON"):
            file = cli.home.name + "/value.txt"
            with open(file, "w") as out:
                out.write("of a file\n")
            cli.expect("write", "cubbyhole/a", f"file=@{file}", "input=-", "literal=\\@x", "list=1", "list=2", stdin="of input\n")
            read = cli.expect("read", "-format=json", "cubbyhole/a")
            assert json.loads(read.out)["data"] == {"file": "of a file\n", "input": "of input\n", "literal": "@x", "list": ["1", "2"]}, read.out
            cli.expect("write", "cubbyhole/b", "-", "extra=1", stdin='{"number": 1.50, "object": {"a": [true, null]}}')
            cli.expect("read", "cubbyhole/b", out=re.compile(r"^number    1\.50\nobject    map\[a:\[true <nil>\]\]$", re.M))
            cli.expect("read", "-field=number", "cubbyhole/b", out="1.50")
            cli.expect("read", "-field=object", "cubbyhole/b", out='{"a": [true, null]}')
            cli.expect("read", "cubbyhole/b", "-field=extra", out="1")

        with report.case("formats: json, yaml, raw, by flag and by environment"):
            cli.expect("write", "cubbyhole/c", "k=v: w", "n=@/dev/null")
            envelope = json.loads(cli.expect("read", "-format=json", "cubbyhole/c").out)
            assert list(envelope) == ["request_id", "lease_id", "lease_duration", "renewable", "data", "warnings"], envelope
            assert envelope["data"] == {"k": "v: w", "n": ""}
            cli.expect("read", "cubbyhole/c", KEYHOLD_FORMAT="yaml", VAULT_FORMAT="json",
                       out=re.compile(r'^request_id: "?[0-9a-f-]{36}"?\nlease_id: ""\nlease_duration: 0\nrenewable: false\ndata:\n  k: "v: w"\n  "n": ""\nwarnings: null\n$'))
            raw = cli.expect("read", "-format=raw", "cubbyhole/c").out
            assert json.loads(raw)["data"] == {"k": "v: w", "n": ""}, raw
            cli.expect("list", "-format=json", "cubbyhole/", out='[\n  "a",\n  "b",\n  "c"\n]\n')
            cli.expect("read", "-format=xml", "cubbyhole/c", code=1, err="-format is table, json, yaml or raw\n")
            cli.expect("read", "-field=none", "cubbyhole/c", code=1, out="", err="there is no field none here\n")

        with report.case("-output-curl-string prints a command that does it, without the token"):
            printed = cli.expect("write", "-output-curl-string", "cubbyhole/x", "k=it's")
            wanted = ('curl -X PUT -H "X-Vault-Token: $(keyhold print token)" -H \'X-Vault-Request: true\' '
                      "-H 'Content-Type: application/json' -d '{\"k\":\"it'\"'\"'s\"}' '" + server.url + "/v1/cubbyhole/x'\n")
            assert printed.out == wanted, printed
            assert "root" not in printed.out.replace(cli.home.name, "")
            cli.expect("list", "-output-curl-string", "cubbyhole", out=re.compile(r"^curl -H .*/v1/cubbyhole/\?list=true'$", re.M))

        with report.case("-output-policy prints the policy that is needed"):
            cli.expect("read", "-output-policy", "secret/data/x", out='path "secret/data/x" {\n  capabilities = ["read"]\n}\n')
            cli.expect("write", "-output-policy", "sys/remount", "a=b",
                       out='path "sys/remount" {\n  capabilities = ["create", "update", "sudo"]\n}\n')
            cli.expect("list", "-output-policy", "secret/metadata", out='path "secret/metadata/" {\n  capabilities = ["list"]\n}\n')

        with report.case("-output-policy asks for sudo where the server's tables do, and nowhere else"):
            wanted = {("write", "auth/token/revoke-orphan"): True}  # Its handler asks, for another answer.
            for route in json.loads(cli.expect("routes", "--json").out):
                mount, command = MOUNTS.get(route["engine"]), route["operation"].replace("update", "write")
                if mount and command in ("read", "list", "delete", "write"):
                    request = (command, mount + re.sub(r"\{.*?\}", "x", route["path"]))
                    wanted[request] = wanted.get(request, False) or route["sudo"]
            for (command, path), sudo in wanted.items():
                told = cli.expect(command, "-output-policy", path, *(["a=b"] if command == "write" else [])).out
                assert ('"sudo"' in told) == sudo, f"{command} {path}: {told}"
            assert sum(wanted.values()) > 20, wanted

        with report.case("an answer is wrapped and unwrapped"):
            cli.expect("write", "cubbyhole/w", "k=wrapped")
            wrapped = cli.expect("read", "-wrap-ttl=60s", "cubbyhole/w")
            assert re.search(r"^wrapping_token: +\S+$", wrapped.out, re.M) and "wrapping_token_ttl:              1m\n" in wrapped.out, wrapped
            token = cli.expect("read", "-wrap-ttl=60s", "-field=wrapping_token", "cubbyhole/w").out
            cli.expect("unwrap", "-field=k", "-", stdin=token + "\n", out="wrapped")
            cli.expect("unwrap", "-", stdin=token, code=2, err=re.compile("Code: 400"))

        with report.case("path-help tells what a path is for"):
            cli.expect("path-help", "secret/", out=re.compile("data/"))

        with report.case("a header, a namespace and a server's name go out"):
            cli.expect("read", "-output-curl-string", "-header=X-One=1", "-ns=team", "cubbyhole/w",
                       out=re.compile(r"-H 'X-Vault-Namespace: team' -H 'X-One: 1'"))

        with report.case("help, unknown commands and wrong arguments"):
            assert cli.expect(out=re.compile("^Secrets\n  read ", re.M)).err == ""
            assert len(cli.run().out.splitlines()) < 60, "the short help is long"
            cli.expect("kv", "get", "-h", out=re.compile(r"Usage: keyhold kv get \[flags\] PATH\n(.|\n)*\$ keyhold kv get secret/app"))
            cli.expect("help", "kv", out=re.compile("^  get +Read a secret$", re.M))
            cli.expect("kv", code=1, err=re.compile("^  get +Read a secret$", re.M))
            cli.expect("nonsense", code=1, err="There is no command nonsense. `keyhold help` lists them.\n")
            cli.expect("kv", "nonsense", code=1, err="There is no command kv nonsense. `keyhold help kv` lists them.\n")
            cli.expect("read", code=1, err="keyhold read: an argument is missing.\nUsage: keyhold read [flags] PATH [key=value…]"
                       "   (`keyhold read -h` tells more)\n")
            cli.expect("read", "-nothing=hidden", "x", code=1, err=re.compile("^keyhold read: there is no flag -nothing\\.\n"))
            cli.expect("write", "cubbyhole/x", code=1, err=re.compile("nothing to write"))
            missing = cli.expect("write", "cubbyhole/x", "hunter2", code=1)
            assert "hunter2" not in missing.err + missing.out

        with report.case("every command has help with an example"):
            for line in cli.run("completion", "bash").out.splitlines():
                name = re.match(r'    "([a-z -]+)"\) flags=', line)
                if not name:
                    continue
                shown = cli.expect(*name.group(1).split(), "-h")
                assert "Usage: keyhold " + name.group(1) in shown.out, shown
                assert "Example:" in shown.out or name.group(1) == "version", f"{name.group(1)} has no example"

        with report.case("completion works in bash"):
            script = ('source <("$0" completion bash); '
                      'at() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keyhold; echo "${COMPREPLY[*]}"; }; '
                      'at keyhold k; at keyhold kv me; at keyhold kv metadata ""; at keyhold kv get -fie; at keyhold -format=json kv ge')
            done = subprocess.run(["bash", "-c", script, BINARY], capture_output=True, text=True, timeout=30)
            assert done.stdout == "kv\nmetadata\ndelete get patch put\n-field=\nget\n", done.stdout + done.stderr

        with report.case("completion works in fish"):
            script = ("keyhold completion fish | source\n"
                      "for line in 'k' 'kv me' 'kv metadata ' 'kv get -fie' 'kv get -vers' 'kv list -vers' '-format=json kv ge'\n"
                      "  string join -- ' ' (complete -C \"keyhold $line\" | string replace -r '\\t.*' '')\n  echo .\n end")
            done = subprocess.run(["fish", "-N", "-c", script], capture_output=True, text=True, timeout=60, env=shell_environment(cli))
            assert (done.stdout, done.stderr) == ("kv\n.\nmetadata\n.\ndelete get patch put\n.\n-field\n.\n-version\n.\n.\nget\n.\n", ""), done

        with report.case("completion works in zsh"):
            with Terminal([shutil.which("zsh"), "-f"], shell_environment(cli, TERM="dumb", PS1="> "), 80, cli.home.name) as shell:
                shell.wait_for("> ")
                shell.type("autoload -Uz compinit && compinit -u -D; source <(keyhold completion zsh); echo is${:-loaded}\n")
                shell.wait_for("isloaded")
                for typed, completed in (("keyhold kv me\t", "keyhold kv metadata "), ("keyhold kv metadata p\t\t", "patch  put"),
                                         ("keyhold kv get -fie\t,", "keyhold kv get -field=,"), ("keyhold -format=json kv ge\t,", "kv get ,")):
                    shell.type("\x15" + typed)
                    shell.wait_for(completed)

        with report.case("version"):
            cli.expect("version", out=re.compile(r"^Keyhold v\d+\.\d+\.\d+\n$"))
            cli.expect("--version", out=re.compile(r"^Keyhold v"))
