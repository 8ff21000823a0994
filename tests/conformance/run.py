#!/usr/bin/env python3
"""Runs each real client's suite over plain HTTP and TLS, against a development server and one that the client initialises.

usage: run.py [CLIENT...]     of go, python, node, curl, aws-python, aws-cli, aws-node, aws-java. Those of AWS's API know a development server only."""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import keyhold_server  # noqa: E402
from report import Report  # noqa: E402

BUILD = keyhold_server.ROOT / "build"
SUITE_S = 120


def prepare_go():
    program = BUILD / "conformance/go.test"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "test", "-c", "-o", program, "."], cwd=HERE / "go", check=True, timeout=300,
                   env=dict(os.environ, GOFLAGS="-mod=readonly"))
    return [str(program), "-test.v"]


def prepare_java():
    classes = BUILD / "conformance/aws_java"
    path = f"{classes}/jars/*:{classes}"
    subprocess.run(["javac", "-proc:none", "-cp", path, "-d", classes, "ClientTest.java"], cwd=HERE / "aws_java", check=True, timeout=120)
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, "ClientTest"]


CLIENTS = {
    "go": (prepare_go, "go"),
    "python": (lambda: [str(BUILD / "venv/bin/python"), "client_test.py", "-v"], "python"),
    "node": (lambda: ["node", "--test", "--test-reporter=tap", "client.test.mjs"], "node"),
    "curl": (lambda: ["bash", "client_test.sh"], "curl"),
    "aws-cli": (lambda: ["bash", "client_test.sh"], "aws_cli"),
    "aws-java": (prepare_java, "aws_java"),
    "aws-node": (lambda: ["node", "--test", "--test-reporter=tap", "client.test.mjs"], "aws_node"),
    "aws-python": (lambda: [str(BUILD / "venv/bin/python"), "-m", "unittest", "discover", "-v", "-p", "*_test.py"], "aws_python"),
}


def go_cases(output):
    ended = re.findall(r"--- (PASS|FAIL|SKIP): (\S+)", output)
    for result, name in ended:
        if not any(other.startswith(name + "/") for _, other in ended):
            yield name, result == "PASS"


def python_cases(output):
    for name, result in re.findall(r"^(test_\w+) \(.*?\)(?:\n.*?)? \.\.\. .*?(ok|FAIL|ERROR)$", output, re.M):
        yield name, result == "ok"


def node_cases(output):
    for result, name in re.findall(r"^(ok|not ok) \d+ - (.*)$", output, re.M):
        yield name.removesuffix(" # SKIP"), result == "ok"


def curl_cases(output):
    for result, name in re.findall(r"^(ok   |FAIL ) (.*)$", output, re.M):
        yield name, result == "ok   "


CASES = {"go": go_cases, "python": python_cases, "node": node_cases, "curl": curl_cases, "aws-cli": curl_cases, "aws-java": curl_cases,
         "aws-node": node_cases, "aws-python": python_cases}


def run_suite(report, client, command, folder, server, mode, transport):
    label = f"{client}, {transport}, {mode} server"
    extra = {"VAULT_ADDR": server.url, "KEYHOLD_MODE": mode}
    if server.token:
        extra["VAULT_TOKEN"] = server.token
    if client.startswith("aws-"):
        extra |= {"AWS_ACCESS_KEY_ID": server.access_key[0], "AWS_SECRET_ACCESS_KEY": server.access_key[1],
                  "AWS_ENDPOINT_URL": server.url, "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
                  "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1", "PATH": f"{BUILD / 'venv/bin'}:{os.environ['PATH']}",
                  "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    try:
        ended = subprocess.run(command, cwd=HERE / folder, env=keyhold_server.client_environment(server.ca, **extra),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", timeout=SUITE_S)
        output, code = ended.stdout, ended.returncode
    except subprocess.TimeoutExpired as late:
        output, code = (late.stdout or b"").decode(errors="replace"), f"none within {SUITE_S} s"
    cases = list(CASES[client](output))
    wrong = [name for name, passed in cases if not passed]
    report.passed += len(cases) - len(wrong)
    for name in wrong:
        report.fail(f"{label}: {name}")
    if not cases or (code != 0 and not wrong):
        report.fail(label, f"exit code {code} after {len(cases)} cases")
    if code != 0:
        print(output)
        print(f"--- the server's log\n{server.log.read_text(errors='replace')[-4000:]}")
    print(f"{label}: {len(cases) - len(wrong)} of {len(cases)}", flush=True)


def main():
    report = Report()
    for client in sys.argv[1:] or CLIENTS:
        prepare, folder = CLIENTS[client]
        try:
            command = prepare()
        except (OSError, subprocess.SubprocessError) as error:
            report.fail(f"{client} suite", error)
            continue
        for transport in ("plain", "TLS"):
            tls = transport == "TLS"
            for mode in ("dev",) if client.startswith("aws-") else ("dev", "fresh"):
                try:
                    make = keyhold_server.Server.dev if mode == "dev" else keyhold_server.Server.configured
                    with make(tls=tls) as server:
                        run_suite(report, client, command, folder, server, mode, transport)
                except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                    report.fail(f"{client}, {transport}, {mode} server", error)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
