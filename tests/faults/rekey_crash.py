#!/usr/bin/env python3
"""Kills the server with SIGKILL while its keyring is rotated, its key shares are replaced (with verification) and secrets are written,
round after round on one store. After each start one set of shares unseals: the new one if its proof was acknowledged, the old one if
the new one was not told yet, and one of the two in between. Every acknowledged secret is readable, and no acknowledged rotation is lost.

usage: rekey_crash.py [--rounds N] [--seed S]"""

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from crash_worker import Worker, kill_and_start  # noqa: E402
from keyhold_server import Server  # noqa: E402
from report import Report  # noqa: E402

KILL_AFTER_S = (0.02, 0.4)
NUMBERS = ((3, 2), (5, 3), (1, 1), (2, 2))


class Writer(Worker):
    def __init__(self, server, folder):
        super().__init__(server)
        self._folder = folder
        self.written = {}

    def step(self, number):
        path = f"rekey/{self._folder}/{number}"
        self._api.expect(200, "POST", f"secret/data/{path}", {"data": {"path": path}})
        self.written[path] = {"path": path}


class Rotator(Worker):
    def __init__(self, server, term):
        super().__init__(server)
        self.term = term  # Acknowledged.

    def step(self, number):
        self._api.expect(204, "PUT", "sys/rotate")
        self.term += 1
        time.sleep(0.03)  # A keyring has room for 1,024 terms.


class Rekeyer(Worker):
    """Replaces the shares again and again. `valid` are those that the last acknowledgement says; `told` may be valid as well."""

    def __init__(self, server, valid, rng):
        super().__init__(server)
        self.valid, self.told, self._random = valid, None, rng
        self.replaced = 0

    def step(self, number):
        shares, threshold = self._random.choice(NUMBERS)
        nonce = self._api.expect(200, "PUT", "sys/rekey/init", {
            "secret_shares": shares, "secret_threshold": threshold, "require_verification": True}).json["nonce"]
        for key in self.valid:
            reply = self._api.expect(200, "PUT", "sys/rekey/update", {"key": key, "nonce": nonce}).json
        assert reply.get("complete"), "the old shares were not enough"
        told, proof = reply["keys"][-threshold:], reply["verification_nonce"]
        for index, key in enumerate(told):
            if index == threshold - 1:
                self.told = told  # From here on until the answer, either may be valid.
            reply = self._api.expect(200, "PUT", "sys/rekey/verify", {"key": key, "nonce": proof}).json
        assert reply.get("complete"), "the new shares were not enough"
        self.valid, self.told = told, None
        self.replaced += 1


def unseals(server, keys):
    api = server.api(token="")
    api.expect(200, "PUT", "sys/unseal", {"reset": True})
    reply = None
    for key in keys:
        reply = api.call("PUT", "sys/unseal", {"key": key})
    return reply.status == 200 and reply.json["sealed"] is False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    rng = random.Random(arguments.seed)
    report = Report()
    everything, in_doubt, replaced = {}, 0, 0

    with Server.configured() as server:
        server.ready()
        valid, term = server.unseal_keys, 1
        for number in range(arguments.rounds):
            with report.case(f"round {number + 1}"):
                writer, rotator, rekeyer = Writer(server, number), Rotator(server, term), Rekeyer(server, valid, rng)
                for worker in (writer, rotator, rekeyer):
                    worker.start()
                time.sleep(rng.uniform(*KILL_AFTER_S))
                surprises, _ = kill_and_start(server, (writer, rotator, rekeyer))
                old, new = unseals(server, rekeyer.valid), False
                if rekeyer.told:
                    in_doubt += 1
                    new = not old and unseals(server, rekeyer.told)
                assert old or new, "neither the old nor the new shares unseal"
                valid = rekeyer.told if new else rekeyer.valid
                server.unseal_keys = valid
                assert not surprises, surprises
                replaced += rekeyer.replaced + new
                everything.update(writer.written)
                api = server.api()
                term = api.expect(200, "GET", "sys/key-status").data["term"]
                assert term >= rotator.term, f"term {term}, though {rotator.term} was acknowledged"
                for path, data in writer.written.items():
                    assert api.expect(200, "GET", f"secret/data/{path}").data["data"] == data, path
                print(f"      {len(writer.written)} written, term {term}, {rekeyer.replaced} times replaced"
                      f"{', the last one in doubt' if rekeyer.told else ''}")
        with report.case(f"all {len(everything)} secrets at the end, after {replaced} sets of shares ({in_doubt} in doubt) and {term} terms"):
            api = server.api()
            for path, data in everything.items():
                assert api.expect(200, "GET", f"secret/data/{path}").data["data"] == data, path
        with report.case("the journal verifies after all the crashes"):
            assert server.stop() == 0, "the server did not end well"
            verified = server.verify_journal()
            assert verified.returncode == 0, verified.stdout + verified.stderr
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
