#!/usr/bin/env python3
"""Checks what no compiler does: which folder may include which, where secrets may be looked at, and that no file knows a machine."""

import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = ROOT / "src"
sys.path.insert(0, str(HERE.parent / "lib"))

from report import Report  # noqa: E402

# Folder -> the folders below it, of the ladder server → api → engine, auth → core → storage → crypto → base, with http
# beside core; and of the ladder cli → client → crypto → base, which knows nothing of a server's inside. A server is a client of others. The longest matching prefix of a file's folder counts; a folder may always include itself.
BASE = {"base"}
CRYPTO = BASE | {"crypto"}
STORAGE = CRYPTO | {"storage"}
CORE_PARTS = {"core/audit", "core/backup", "core/policy", "core/seal", "core/cache"}
CORE = STORAGE | CORE_PARTS | {"core"}
HTTP = CRYPTO | {"http"}
API = CORE | HTTP | {"engine", "auth"}
MAY_INCLUDE = {
    "base": set(),
    "crypto": BASE,
    "storage": CRYPTO,
    "core/audit": STORAGE,
    "core/backup": STORAGE,
    "core/policy": STORAGE,
    "core/seal": STORAGE,
    "core/cache": STORAGE | {"core/seal"},
    "core": STORAGE | CORE_PARTS,
    "engine": CORE,
    "auth": CORE,
    "http": CRYPTO,
    "api": API,
    "server": API | {"api", "client"},
    "client": CRYPTO,
    "cli/formats": CRYPTO,
    "cli": CRYPTO | {"client", "cli/formats"},
    ".": API | {"api", "server", "client", "cli"},  # main.cc
}

# Headers of a library -> the folders that wrap it.
WRAPPED = [
    (re.compile(r"boost/(asio|beast)"), {"http"}),
    # TLS is http's; its session-ticket callback fills a name and an IV and keys the EVP contexts that it is handed.
    (re.compile(r"openssl/(ssl|bio|err|x509|evp|params|core_names|rand)\.h"), {"crypto", "http"}),
    (re.compile(r"openssl/"), {"crypto"}),
    (re.compile(r"p11-kit/"), {"crypto"}),
    (re.compile(r"rocksdb/"), {"storage"}),
    (re.compile(r"zlib\.h"), {"core/backup"}),
    (re.compile(r"seccomp\.h"), {"server"}),
    (re.compile(r"curl/"), {"client"}),
    (re.compile(r"yaml\.h"), {"cli"}),
    (re.compile(r"boost/json"), {"base"}),
]

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
MACHINE_PATH = re.compile(r"(?<![\w.~}/-])/(?:work|root|home)/\w")


def sources():
    return sorted(path for path in SOURCE.rglob("*") if path.suffix in (".h", ".cc", ".proto"))


def is_test(path):
    return path.stem.endswith("_test") or "test" in path.stem.split("_")


def rung(folder):
    """The entry of MAY_INCLUDE that a folder of src belongs to; None for one that nobody has placed."""
    parts = folder.split("/")
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        if name in MAY_INCLUDE:
            return name
    return None


def includes(path):
    return INCLUDE.findall(path.read_text())


def check_ladder(report):
    wrong = []
    for path in sources():
        name = path.relative_to(SOURCE).as_posix()
        own = rung(path.relative_to(SOURCE).parent.as_posix())
        if own is None:
            wrong.append(f"{name}: its folder has no place on the ladder")
            continue
        for kind, header in includes(path):
            if kind == "<" or not (SOURCE / header).exists():
                continue
            other = rung(pathlib.PurePosixPath(header).parent.as_posix())
            if other != own and other not in MAY_INCLUDE[own]:
                wrong.append(f"{name} includes {header}: {own} may not include {other}")
    report.check("includes go down only", not wrong, "\n".join(wrong))


def check_relative(report):
    wrong = [f"{path.relative_to(SOURCE)} includes {header}" for path in sources() for kind, header in includes(path)
             if header.startswith(".") or (kind == '"' and not (SOURCE / header).exists() and not header.endswith(".pb.h"))]
    report.check("own headers are named from src", not wrong, "\n".join(wrong))


def check_wrapped(report):
    wrong = []
    for path in sources():
        own = [folder.as_posix() for folder in path.relative_to(SOURCE).parents]
        for _, header in includes(path):
            for pattern, folders in WRAPPED:
                if pattern.match(header):
                    # A test may look at a library beside its wrapper.
                    if folders.isdisjoint(own) and not is_test(path):
                        wrong.append(f"{path.relative_to(SOURCE)} includes {header}: only {', '.join(sorted(folders))} may")
                    break
    report.check("each library stays behind its wrapper", not wrong, "\n".join(wrong))


def check_reveal(report):
    """A file that looks at secrets must be in the list; a file of the list that no longer does must leave it."""
    allowed = {line for line in (HERE / "reveal_allowed.txt").read_text().splitlines() if line and not line.startswith("#")}
    found = {path.relative_to(ROOT).as_posix() for path in sources()
             if not is_test(path) and re.search(r"\breveal(_mutable)?\(", path.read_text())}
    report.check("no new file looks at secrets", not found - allowed,
                 "review, then add to tests/layout/reveal_allowed.txt: " + ", ".join(sorted(found - allowed)))
    report.check("the list of files that look at secrets is true", not allowed - found,
                 "remove from it: " + ", ".join(sorted(allowed - found)))


def check_machine_paths(report):
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True).stdout
    wrong = []
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file() or path == pathlib.Path(__file__).resolve():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        wrong += [f"{name}:{number}" for number, line in enumerate(text.splitlines(), 1) if MACHINE_PATH.search(line)]
    report.check("no file knows a machine's folders", not wrong, "\n".join(wrong))


def main():
    report = Report()
    for check in (check_ladder, check_relative, check_wrapped, check_reveal, check_machine_paths):
        check(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
