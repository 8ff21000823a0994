"""Counts cases, prints each as it ends, and closes with the line that script/test adds up."""

import contextlib
import time
import traceback


class Skip(Exception):
    """Raised inside a case that cannot run here; its text says why."""


class Report:
    """The cases of one suite. `finish()` prints the closing line and gives the exit code."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @contextlib.contextmanager
    def case(self, name):
        started = time.monotonic()
        try:
            yield
        except Skip as reason:
            self.skip(name, reason)
        except Exception as error:  # A broken case must not hide the others.
            detail = str(error) if isinstance(error, AssertionError) and str(error) else traceback.format_exc()
            self.fail(name, detail)
        else:
            self.passed += 1
            self._print(f"ok    {name} ({time.monotonic() - started:.1f} s)")

    def check(self, name, holds, detail=""):
        if holds:
            self.passed += 1
            self._print(f"ok    {name}")
        else:
            self.fail(name, detail)

    def fail(self, name, detail=""):
        self.failed += 1
        self._print(f"FAIL  {name}: {str(detail).rstrip()}")

    def skip(self, name, reason):
        self.skipped += 1
        self._print(f"skip  {name}: {reason}")

    def finish(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        self._print(f"{self.passed} passed, {self.failed} failed{skipped}")
        return 0 if self.failed == 0 and self.passed + self.skipped > 0 else 1

    @staticmethod
    def _print(line):
        print(line, flush=True)
