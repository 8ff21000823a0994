#!/usr/bin/env python3
"""Builds Debian's package of the program that is built, looks into it, and runs what is in it; the unit's exposure is measured, and the
manual pages are rendered and compared with what the program knows.

usage: package.py"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import BINARY, ROOT, client_environment  # noqa: E402
from report import Report, Skip  # noqa: E402

EXPOSURE_MAX = 1.5
WANTED = {  # Path -> mode and owner.
    "./usr/bin/keyhold": "-rwxr-xr-x root/root",
    "./etc/keyhold/keyhold.hcl": "-rw-r----- root/root",
    "./lib/systemd/system/keyhold.service": "-rw-r--r-- root/root",
    "./usr/lib/sysusers.d/keyhold.conf": "-rw-r--r-- root/root",
    "./usr/share/man/man1/keyhold.1.gz": "-rw-r--r-- root/root",
    "./usr/share/man/man5/keyhold.hcl.5.gz": "-rw-r--r-- root/root",
    "./usr/share/doc/keyhold/copyright": "-rw-r--r-- root/root",
    "./usr/share/doc/keyhold/changelog.gz": "-rw-r--r-- root/root",
}


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def pack(folder):
    run("cpack", "-G", "DEB", "--config", BINARY.parent / "CPackConfig.cmake", "-B", folder, cwd=BINARY.parent)
    packages = list(folder.glob("*.deb"))
    assert len(packages) == 1, packages
    return packages[0]


def check_contents(package):
    found = {}
    for line in run("dpkg-deb", "--contents", package).splitlines():
        mode, owner, *_, path = line.split()
        found[path] = f"{mode} {owner}"
    files = {path: what for path, what in found.items() if not what.startswith("d")}
    assert files == WANTED, files
    assert all(what.startswith("drwxr-xr-x root/root") for what in found.values() if what.startswith("d")), found


def check_control(package, folder):
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "--field", package).splitlines() if re.match(r"[A-Z][\w-]+: ", line))
    version = run(BINARY, "version").split()[1].lstrip("v")
    assert fields["Package"] == "keyhold" and fields["Version"] in version, (fields, version)
    for library in ("libc6", "libssl3", "librocksdb", "libcurl4", "libseccomp2"):
        assert library in fields["Depends"], f"{library} is not in: {fields['Depends']}"
    run("dpkg-deb", "--control", package, folder / "control")
    assert (folder / "control/conffiles").read_text() == "/etc/keyhold/keyhold.hcl\n"
    for script in ("postinst", "prerm", "postrm"):
        path = folder / "control" / script
        assert os.access(path, os.X_OK), f"{script} cannot be run"
        run("sh", "-n", path)


def check_user(root):
    """What the maintainer script has systemd-sysusers do."""
    run("systemd-sysusers", f"--root={root}", "keyhold.conf")
    line = next(line for line in (root / "etc/passwd").read_text().splitlines() if line.startswith("keyhold:"))
    assert line.endswith(":/var/lib/keyhold:/usr/sbin/nologin"), line


def check_program(root, folder):
    program = root / "usr/bin/keyhold"
    assert "keyhold" in run(program, "version").lower()
    assert ".symtab" not in run("readelf", "-W", "--sections", program), "it is not stripped"
    # Its own configuration, with the folders below this one.
    for name in ("etc/keyhold", "var/lib/keyhold"):
        (folder / name).mkdir(parents=True)
    run(program, "certificates", folder / "etc/keyhold/tls", "localhost")
    text = (root / "etc/keyhold/keyhold.hcl").read_text()
    configuration = folder / "keyhold.hcl"
    configuration.write_text(re.sub(r'"(/(?:etc|var)/)', rf'"{folder}\1', text).replace("127.0.0.1:8200", "127.0.0.1:0"))
    server = subprocess.Popen([program, "server", f"-config={configuration}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, env=client_environment())
    try:
        assert server.stdout.readline().startswith("api address: https://127.0.0.1:"), server.stderr.read()
    finally:
        server.terminate()
        server.wait(30)


def check_unit(root):
    if not shutil.which("systemd-analyze"):
        raise Skip("no systemd-analyze")
    told = run("systemd-analyze", "security", "--offline=true", root / "lib/systemd/system/keyhold.service")
    exposure = float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", told).group(1))
    assert exposure <= EXPOSURE_MAX, f"exposure {exposure}"
    # As far as it goes where the program is not installed.
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", root / "lib/systemd/system/keyhold.service"], capture_output=True, text=True, timeout=60)
    lines = [line for line in done.stderr.splitlines() if "keyhold" in line and "is not executable" not in line and "No such file" not in line]
    assert not lines, "\n".join(lines)


def manual(path):
    done = subprocess.run(["man", "--warnings", "--local-file", path], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    assert done.returncode == 0 and not done.stderr, done.stderr
    return re.sub(r".\x08", "", done.stdout)


def check_manual(root):
    if not shutil.which("man"):
        raise Skip("no man")
    program = manual(root / "usr/share/man/man1/keyhold.1.gz")
    help_text = subprocess.run([BINARY], capture_output=True, text=True, timeout=30)
    commands = re.findall(r"^  ([a-z-]+) {2,}", help_text.stdout + help_text.stderr, re.M)
    missing = [command for command in commands if not re.search(rf"\b{command}\b", program)]
    assert len(commands) > 15 and not missing, f"keyhold(1) does not name {missing}"
    configuration = manual(root / "usr/share/man/man5/keyhold.hcl.5.gz")
    source = (ROOT / "src/server/config/config.cc").read_text()
    settings = set(re.findall(r'(?:TopLevel|Listener|Setting<\w+>)\{"(\w+)", &', source)) | set(re.findall(r'item\.key == "(\w+)"', source))
    missing = sorted(setting for setting in settings - {"backend", "plugin_directory"} if not re.search(rf"\b{setting}\b", configuration))
    assert len(settings) > 30 and not missing, f"keyhold.hcl(5) does not name {missing}"


def main():
    report = Report()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="keyhold-package-"))
    try:
        with report.case("the package is built"):
            package = pack(folder / "out")
        if report.failed:
            return report.finish()
        root = folder / "root"
        run("dpkg-deb", "--extract", package, root)
        for name, check, arguments in (
                ("it holds these files, with these modes", check_contents, (package,)),
                ("it needs the libraries that it needs, and its scripts can be run", check_control, (package, folder)),
                ("it makes a user of its own, who cannot log in", check_user, (root,)),
                ("its program runs by its configuration", check_program, (root, folder)),
                (f"its unit is exposed by {EXPOSURE_MAX} at most, of 10", check_unit, (root,)),
                ("its manual pages are without faults and name all commands and settings", check_manual, (root,))):
            with report.case(name):
                check(*arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
