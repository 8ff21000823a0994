#!/usr/bin/env python3
"""Runs the command line client against a real server, and compares what it prints, its exit codes and what it does on a terminal."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import access  # noqa: E402
import bad_input  # noqa: E402
import data  # noqa: E402
import kv  # noqa: E402
import leaving  # noqa: E402
import operation  # noqa: E402
import running  # noqa: E402
import terminal  # noqa: E402
from report import Report  # noqa: E402


def main():
    os.umask(0o077)
    report = Report()
    for suite in (data, kv, access, operation, leaving, running, terminal, bad_input):
        suite.check(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
