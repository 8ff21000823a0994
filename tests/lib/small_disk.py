"""File systems that are small enough to be filled."""

import contextlib
import os
import pathlib
import subprocess
import tempfile

from report import Skip


@contextlib.contextmanager
def small_disk(size_mib):
    """The folder of a file system of that size. Needs the right to mount."""
    with tempfile.TemporaryDirectory(prefix="keyhold-disk-") as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", folder],
                                 capture_output=True, text=True, timeout=10)
        if mounted.returncode != 0:
            raise Skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True, timeout=10)


def fill(folder):
    """Takes all the space that is left; returns the file that holds it."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            try:
                while True:
                    file.write(os.urandom(size) if size == 4096 else bytes(size))
            except OSError:
                pass
    return filler
