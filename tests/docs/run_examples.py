#!/usr/bin/env python3
"""Runs the examples of README.md and docs/: the fenced blocks whose first line says `run` after the language, in order, as a reader
would. `run background` goes on until the end. A line that ends with a comment "prints: TEXT" must print that text.

The server's address and data folder are replaced, so that nothing of the reader's own is touched."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))

from keyhold_server import client_environment, wait_until  # noqa: E402
from report import Report  # noqa: E402

BLOCK = re.compile(r"^```(\w+) run( background)?\n(.*?)^```$", re.M | re.S)
EXAMPLE_S, SERVER_S = 60, 300  # The server may have to be built.
ADDRESS = "127.0.0.1:8200"


class Session:
    """What the examples of one document share: variables, a data folder and the server."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = client_environment(KEYHOLD_DATA=str(folder / "data"))
        self.address = ADDRESS
        self.background = []

    def run(self, language, text, background):
        """Runs one example; returns what it printed."""
        text = text.replace("$PWD/data/", f"{self.folder}/data/").replace(" data/", f" {self.folder}/data/")
        text = text.replace(ADDRESS, self.address)
        if background:
            return self._start(text)
        return getattr(self, f"_{language}")(text)

    def _finish(self, command, text="", cwd=ROOT):
        ended = subprocess.run(command, input=text, cwd=cwd, env=self.environment, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, timeout=EXAMPLE_S)
        assert ended.returncode == 0, f"exit code {ended.returncode}: {ended.stdout}"
        return ended.stdout

    def _start(self, text):
        """Starts a server that prints its address."""
        log = self.folder / "background.log"
        with open(log, "wb") as output:
            process = subprocess.Popen(["bash", "-c", f"exec {text.strip()} --address 127.0.0.1:0"], cwd=ROOT,
                                       env=self.environment, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT)
        self.background.append(process)

        def address():
            assert process.poll() is None, f"it ended with {process.returncode}: {log.read_text()}"
            return re.search(r"^ *address +https?://(\S+)", log.read_text(), re.M)

        wait_until(lambda: address() and "Ctrl-C" in log.read_text(), SERVER_S, "the server prints its address")
        self.address = address().group(1)
        return log.read_text()

    def _sh(self, text):
        """Runs a script; what it exports stays for the examples after it."""
        exported = self.folder / "exported"
        printed = self._finish(["bash", "-euo", "pipefail", "-c", f"{text}\nenv -0 >{exported}"])
        pairs = exported.read_bytes().decode(errors="surrogateescape").split("\0")
        self.environment = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if "VAULT_CACERT" in self.environment:
            self.environment["NODE_EXTRA_CA_CERTS"] = self.environment["VAULT_CACERT"]
        return printed

    def _go(self, text):
        program = ROOT / "build/examples/go"
        program.mkdir(parents=True, exist_ok=True)
        for name in ("go.mod", "go.sum"):
            (program / name).write_text((ROOT / "tests/conformance/go" / name).read_text())
        (program / "main.go").write_text(text)
        return self._finish(["go", "run", "."], cwd=program)

    def _python(self, text):
        return self._finish([ROOT / "build/venv/bin/python", "-"], text)

    def _js(self, text):
        return self._finish(["node", "-"], text, cwd=ROOT / "tests/conformance/node")

    def close(self):
        for process in self.background:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(EXAMPLE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def check_document(report, document):
    blocks = BLOCK.findall(document.read_text())
    if not blocks:
        return
    name = document.relative_to(ROOT)
    with tempfile.TemporaryDirectory(prefix="keyhold-examples-") as folder:
        session = Session(pathlib.Path(folder))
        try:
            for number, (language, background, text) in enumerate(blocks, 1):
                with report.case(f"{name}, example {number} ({language})"):
                    printed = session.run(language, text, bool(background))
                    for wanted in re.findall(r"(?:#|//) prints: (.*)$", text, re.M):
                        assert wanted.strip() in printed.splitlines(), f"it did not print {wanted!r}: {printed}"
        finally:
            session.close()


def check_links(report, document):
    """Links to files of the repository lead somewhere."""
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        report.check(f"{document.relative_to(ROOT)} links to {link}", (document.parent / link).exists(), "no such file")


def main():
    os.umask(0o077)
    report = Report()
    for document in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        check_document(report, document)
        check_links(report, document)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
