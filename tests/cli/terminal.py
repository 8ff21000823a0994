"""What happens on a terminal alone: prompts, colours, width, control characters, ctrl-C."""

import os
import re
import signal
import subprocess

from keyhold_cli import Cli
from keyhold_server import BINARY, Server


def check(report):
    with Server.dev() as server, Cli(server, "root") as cli:
        with report.case("a token is asked for and not shown"):
            with Cli(server) as stranger, stranger.terminal("login") as terminal:
                terminal.wait_for("Token (will be hidden): ")
                assert not terminal.echoes(), "the terminal shows what is typed"
                terminal.type("root\n")
                assert terminal.end() == 0, terminal.text
                assert "Success!" in terminal.text and terminal.echoes(), terminal.text
                assert terminal.text.startswith("Token (will be hidden): \n"), terminal.text

        with report.case("a secret's value is asked for by its key"):
            with cli.terminal("kv", "put", "secret/asked", "password=-") as terminal:
                terminal.wait_for("password (will be hidden): ")
                terminal.type("typed secret\n")
                assert terminal.end() == 0, terminal.text
                assert "typed secret" not in terminal.text
            cli.expect("kv", "get", "-field=password", "secret/asked", out="typed secret")

        with report.case("ctrl-C at a prompt sets the terminal back and ends by the signal"):
            with cli.terminal("login") as terminal:
                terminal.wait_for("hidden): ")
                assert not terminal.echoes()
                terminal.type("half\x03")
                assert terminal.end() == -signal.SIGINT, terminal.code
                assert terminal.echoes(), "the echo is off"
            with cli.terminal("operator", "unseal") as terminal:
                terminal.wait_for("Unseal Key (will be hidden): ")
                terminal.signal(signal.SIGTERM)
                assert terminal.end() == -signal.SIGTERM and terminal.echoes()

        with report.case("ctrl-D and an empty line are refused"):
            for typed in ("\x04", "\n"):
                with cli.terminal("login") as terminal:
                    terminal.wait_for("hidden): ")
                    terminal.type(typed)
                    assert terminal.end() == 1 and "nothing was typed" in terminal.text, terminal.text

        with report.case("-non-interactive never asks"):
            with cli.terminal("login", "-non-interactive") as terminal:
                assert terminal.end() == 1 and "standard input" in terminal.text, terminal.text

        with report.case("colours on a terminal alone, and not with NO_COLOR"):
            with cli.terminal("read", "cubbyhole/none") as terminal:
                terminal.end()
                assert "\x1b[31m" in terminal.text, terminal.text
            for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
                with cli.terminal("read", "cubbyhole/none", **variables) as terminal:
                    terminal.end()
                    assert "\x1b" not in terminal.text, terminal.text
            assert "\x1b" not in cli.run("read", "cubbyhole/none").err

        with report.case("a field ends with a newline on a terminal"):
            cli.expect("write", "cubbyhole/f", "k=value")
            with cli.terminal("read", "-field=k", "cubbyhole/f") as terminal:
                terminal.end()
                assert terminal.text == "value\n", terminal.text

        with report.case("control characters of the server's strings do not reach a terminal"):
            cli.expect("write", "cubbyhole/evil", "k=-", stdin="\x1b[2J\x1b]0;title\x07\x9b\u202e")
            for arguments in (("-field=k",), (), ("-format=json",), ("-format=yaml",), ("-format=raw",)):
                with cli.terminal("read", *arguments, "cubbyhole/evil", NO_COLOR="1") as terminal:
                    assert terminal.end() == 0
                    assert "\\u001b[2J" in terminal.text, terminal.text
                    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", terminal.text), terminal.text
            assert cli.run("read", "-field=k", "cubbyhole/evil").out.startswith("\x1b[2J"), "a script gets the bytes"

        with report.case("wide tables fit the terminal, and values stay whole"):
            cli.expect("secrets", "tune", "-description=" + "long " * 30, "secret")
            with cli.terminal("secrets", "list", columns=72, NO_COLOR="1") as terminal:
                terminal.end()
                assert max(map(len, terminal.text.splitlines())) <= 72 and "…" in terminal.text, terminal.text
            assert "…" not in cli.run("secrets", "list").out
            cli.expect("write", "cubbyhole/wide", "k=" + "x" * 300)
            with cli.terminal("read", "cubbyhole/wide", columns=40) as terminal:
                terminal.end()
                assert "x" * 300 in terminal.text

        with report.case("a closed pipe ends it quietly"):
            for reader in ("true", "head -c 1 >/dev/null"):
                done = subprocess.run(["bash", "-c", f'"$0" help | {reader}; echo "${{PIPESTATUS[0]}}"', BINARY], env=cli.environment, timeout=30,
                                      capture_output=True, text=True)
                assert done.stderr == "", done.stderr
            read, write = os.pipe()
            os.close(read)
            done = subprocess.run([BINARY, "read", "sys/mounts"], env=cli.environment, stdout=write, stderr=subprocess.PIPE, timeout=30)
            os.close(write)
            assert done.returncode == 1 and done.stderr == b"", done

        with report.case("a full disk is told"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([BINARY, "read", "sys/mounts"], env=cli.environment, stdout=full, stderr=subprocess.PIPE, timeout=30)
            assert done.returncode == 1 and b"cannot write the output" in done.stderr, done
