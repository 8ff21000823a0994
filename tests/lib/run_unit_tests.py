#!/usr/bin/env python3
"""Runs the unit-test programs of a build folder, some at a time, and counts their cases.

usage: run_unit_tests.py FOLDER [--limit-s N] [--filter GTEST_FILTER] [PROGRAM...]     all *_test programs unless some are named"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from report import Report  # noqa: E402

OUTPUT_LINES_SHOWN = 200


def run(program, arguments):
    """Runs one program; returns (exit code or what went wrong, its output, its cases as GoogleTest tells them)."""
    with tempfile.TemporaryDirectory(prefix="keyhold-unit-") as folder:
        told = pathlib.Path(folder) / "cases.json"
        command = [program, f"--gtest_output=json:{told}", "--gtest_brief=1"]
        if arguments.filter:
            command.append(f"--gtest_filter={arguments.filter}")
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   timeout=arguments.limit_s, cwd=folder, env=dict(os.environ, TMPDIR=folder))
            code, output = ended.returncode, ended.stdout
        except subprocess.TimeoutExpired as late:
            code, output = f"nothing: over {arguments.limit_s} s", late.stdout or b""
        try:
            suites = json.loads(told.read_text(errors="replace"))["testsuites"]
        except (OSError, ValueError):
            suites = []
        return code, output.decode(errors="replace"), [case for suite in suites for case in suite["testsuite"]]


def tell(report, program, code, output, cases):
    failed_before = report.failed
    for case in cases:
        name = f"{program.name}: {case['classname']}.{case['name']}"
        if case.get("result") == "SKIPPED":
            reason = re.search(r"Skipped\n(.*)", output)
            report.skip(name, reason.group(1) if reason else "says the program")
        elif case.get("failures"):
            report.fail(name, case["failures"][0]["failure"])
        elif case.get("status") == "RUN":
            report.passed += 1
    if code != 0 and report.failed == failed_before:
        report.fail(f"{program.name} returned {code}", "\n".join(output.splitlines()[-OUTPUT_LINES_SHOWN:]))
    elif code == 0 and not cases:
        report.fail(program.name, "it ran no case")
    print(f"{program.name}: {len(cases)} cases", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("programs", nargs="*")
    parser.add_argument("--limit-s", type=float, default=120)
    parser.add_argument("--filter")
    arguments = parser.parse_args()

    found = {path.name: path for path in arguments.folder.resolve().rglob("*_test")
             if path.is_file() and os.access(path, os.X_OK)}
    report = Report()
    for name in arguments.programs:
        if name not in found:
            report.fail(name, "it is not built")
    programs = [found[name] for name in (arguments.programs or sorted(found)) if name in found]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for program, ended in zip(programs, pool.map(lambda program: run(program, arguments), programs)):
            tell(report, program, *ended)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
