#!/usr/bin/env python3
"""Checks by readelf that the built program has what cmake/KeyholdFlags.cmake asks of compiler and linker.

usage: binary_hardening.py   (KEYHOLD_BINARY names the program)"""

import pathlib
import platform
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import BINARY  # noqa: E402
from report import Report  # noqa: E402

PAGE = 4096
FORTIFIED = re.compile(r"\b__\w+_chk\b")  # What code calls that checks lengths.


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, BINARY], check=True, capture_output=True, text=True, timeout=30).stdout


def segments():
    """(type, flags, offset) of each program header."""
    rows = re.findall(r"^ +([A-Z_]+) +(0x[0-9a-f]+) .*? ([R ][W ][E ]) +0x[0-9a-f]+$", readelf("--program-headers"), re.M)
    return [(kind, flags.replace(" ", ""), int(offset, 16)) for kind, offset, flags in rows]


def main():
    report = Report()
    headers, dynamic, symbols, parts = readelf("--file-header"), readelf("--dynamic"), readelf("--dyn-syms"), segments()
    report.check("its address is random: a position-independent executable", "DYN (Position-Independent" in headers and "PIE" in dynamic)
    report.check("its jump tables are read-only: relro and now", any(kind == "GNU_RELRO" for kind, *_ in parts)
                 and "BIND_NOW" in dynamic and "NOW" in dynamic)
    report.check("its stack is not run", ("GNU_STACK", "RW") in {(kind, flags) for kind, flags, _ in parts})
    report.check("nothing is both written and run", not any("W" in flags and "E" in flags for _, flags, _ in parts), parts)
    loads = [(flags, offset) for kind, flags, offset in parts if kind == "LOAD"]
    report.check("code has pages of its own: separate-code", [flags for flags, _ in loads][:3] == ["R", "RE", "R"]
                 and all(offset % PAGE == 0 for flags, offset in loads if flags == "RE"), loads)
    report.check("the stack is guarded", "__stack_chk_fail" in symbols)
    found = set(FORTIFIED.findall(symbols))
    report.check("copies are checked: FORTIFY", {"__memcpy_chk", "__snprintf_chk"} <= found, found)
    report.check("the standard library asserts", "__glibcxx_assert_fail" in symbols)
    report.check("no library is searched for in other places", not re.search(r"\((?:RPATH|RUNPATH)\)", dynamic))
    build = BINARY.parent / "build.ninja"
    if build.exists():  # What leaves no mark in the program; libraries of Debian that are linked in have not all of it.
        asked = build.read_text()
        flags = ["-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection", "-ftrivial-auto-var-init=zero"]
        flags += ["-fcf-protection=full"] if platform.machine() == "x86_64" else []
        missing = [flag for flag in flags if flag not in asked]
        report.check("it is compiled with all flags", not missing, missing)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
