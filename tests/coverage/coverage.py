#!/usr/bin/env python3
"""Compares the server's tables of routes with the lists of the Vault API's and of AWS's operations, and checks that
docs/coverage.md says how they stand.

usage: tests/coverage/coverage.py [--write]
  --write   Writes docs/coverage.md instead of checking it."""

import collections
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/lib"))

from report import Report  # noqa: E402

BINARY = pathlib.Path(os.environ.get("KEYHOLD_BINARY", ROOT / "build/release/keyhold"))
DOCUMENT = ROOT / "docs/coverage.md"

# The group of a route in the list, and the engine that serves it.
ENGINES = {"sys": "system", "auth/token": "token", "secret/kv-v1": "kv-v1", "secret/kv-v2": "kv-v2", "cubbyhole": "cubbyhole",
           "aws/secretsmanager": "secretsmanager", "aws/sts": "sts"}


def rows_of(name):
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


def parameter(segment):
    return segment.startswith("{")


def takes_rest(segment):
    return segment.endswith("...}")


def serves(own, listed):
    """Whether a path template of ours takes what the listed one stands for: parameters stand for each other, and a
    parameter of the list may be spelt out by ours."""
    own, listed = own.split("/"), listed.split("/")
    for index, wanted in enumerate(listed):
        if index == len(own):
            return False
        if takes_rest(own[index]):
            tail = own[index + 1:]
            rest, last = listed[index:len(listed) - len(tail)], listed[len(listed) - len(tail):]
            return bool(rest) and last == tail and all(map(parameter, rest))  # A word in the rest means something of its own.
        if own[index] != wanted and not parameter(wanted):
            return False
    return len(own) == len(listed)


def reason_for(reasons, group, path):
    """The text of the longest prefix, or None."""
    fitting = [(len(prefix), why) for listed, prefix, why in reasons if listed == group and path.startswith(prefix)]
    return max(fitting)[1] if fitting else None


class Coverage:
    def __init__(self):
        routes = json.loads(subprocess.run([BINARY, "routes", "--json"], check=True, capture_output=True, text=True).stdout)
        self._own = collections.defaultdict(set)
        for route in routes:
            self._own[route["engine"]].add((route["operation"], route["path"]))
        self._reasons = list(rows_of("reasons.tsv"))
        self.groups = collections.defaultdict(list)  # name → [(path, served operations, missing ones, why)]
        for group, path, operations in [*rows_of("vault_routes.tsv"), *rows_of("aws_operations.tsv")]:
            served = [name for name in operations.split(",") if self._serves(group, name, path)]
            missing = [name for name in operations.split(",") if name not in served]
            self.groups[group].append((path, served, missing, reason_for(self._reasons, group, path) if missing else ""))

    def _serves(self, group, operation, path):
        return any(own == operation and serves(template, path) for own, template in self._own[ENGINES.get(group, "")])

    def unexplained(self):
        return [f"{group} {path}: {', '.join(missing)}"
                for group, rows in self.groups.items() for path, _, missing, why in rows if missing and not why]

    def idle_reasons(self):
        """Reasons that no missing route needs."""
        used = {(group, why) for group, rows in self.groups.items() for _, _, missing, why in rows if missing}
        return [f"{group} {prefix}" for group, prefix, why in self._reasons if (group, why) not in used]

    def document(self):
        counts = {group: (sum(1 for _, served, missing, _ in rows if served and not missing), len(rows))
                  for group, rows in self.groups.items()}
        lines = ["# Coverage", "",
                 "Routes of the Vault API, as OpenBao serves it, and operations of AWS's, against the server's own tables. Written by",
                 "`tests/coverage/coverage.py --write`; a test fails when it is not true.", "",
                 "| group | served whole | listed | rest |", "|---|---|---|---|"]
        for group, rows in sorted(self.groups.items()):
            done, listed = counts[group]
            rest = "see below" if group in ENGINES and done < listed else "" if done == listed else rows[0][3]
            lines.append(f"| {group} | {done} | {listed} | {rest} |")
        for group in ENGINES:
            lines += ["", f"## {group}", "", "| path | served | not served | why not |", "|---|---|---|---|"]
            for path, served, missing, why in self.groups[group]:
                lines.append(f"| `{path}` | {', '.join(served)} | {', '.join(missing)} | {why or ''} |")
        return "\n".join(lines) + "\n"


def main():
    coverage = Coverage()
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(coverage.document())
        return 0
    report = Report()
    report.check("each route that is not served has a reason", not coverage.unexplained(), "; ".join(coverage.unexplained()))
    report.check("each reason is needed", not coverage.idle_reasons(), "; ".join(coverage.idle_reasons()))
    report.check("docs/coverage.md is true", DOCUMENT.exists() and DOCUMENT.read_text() == coverage.document(),
                 "run tests/coverage/coverage.py --write")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
