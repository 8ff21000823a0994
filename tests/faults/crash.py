#!/usr/bin/env python3
"""Kills the server with SIGKILL while clients write over HTTP, round after round on one store. After each start, with no repair
but unsealing: every acknowledged version is there and whole, and what was not acknowledged is whole or absent. Tokens made are
valid, tokens revoked are not, nor what was below them, and no use of a limited token is given twice. What was mounted, moved or
unmounted is there, there or gone, and what a removed mount held never shows under one made anew at its path. What was wrapped
can be unwrapped once.

usage: crash.py [--rounds N] [--seed S]"""

import argparse
import hashlib
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from crash_worker import Worker, kill_and_start  # noqa: E402
from keyhold_server import Server  # noqa: E402
from report import Report  # noqa: E402

WRITERS = 8
TOKEN_MAKERS = 2
USES = 5  # Of a limited token.
VERSIONS_A_SECRET = 8  # Below the ten that are kept.
KILL_AFTER_S = (0.02, 0.5)  # Of the first acknowledged write.
FILLER_BYTES = (10, 3000)


def content(path, version, filler):
    """A secret that tells on its own whether it is whole, and which version of which path it is."""
    body = {"path": path, "sequence": version, "filler": filler}
    return body | {"sum": checksum(body)}


def checksum(body):
    return hashlib.sha256(f"{body['path']}\n{body['sequence']}\n{body['filler']}".encode()).hexdigest()


class Writer(Worker):
    """Writes version after version; half of all writers by patching the version before."""

    def __init__(self, server, name, seed, started, patches):
        super().__init__(server)
        self._folder, self._random, self._written = name, random.Random(seed), started
        self._patches = patches
        self.acknowledged = []  # (path, version)
        self.in_flight = None   # The write whose answer never came.

    def step(self, number):
        path = f"crash/{self._folder}/{number // VERSIONS_A_SECRET}"
        version = number % VERSIONS_A_SECRET + 1
        filler = "x" * self._random.randint(*FILLER_BYTES)
        self.in_flight = (path, version)
        method = "PATCH" if self._patches and version > 1 else "POST"
        reply = self._api.expect(200, method, f"secret/data/{path}", {
            "data": content(path, version, filler), "options": {"cas": version - 1}},
            headers={"Content-Type": "application/merge-patch+json"})
        assert reply.data["version"] == version, f"{path} version {version}: {reply.data}"
        self.in_flight = None
        self.acknowledged.append((path, version))
        self._written.set()


class TokenMaker(Worker):
    """Makes families of tokens, revokes every other one, and uses limited tokens up."""

    def __init__(self, server):
        super().__init__(server)
        self.alive, self.ended = [], []  # Acknowledged.
        self.uses = {}                   # Token → uses acknowledged.
        self.in_doubt = set()            # Tokens of the request whose answer never came.

    def step(self, number):
        self._family(revoke=number % 2 == 1)
        self._limited()

    def _create(self, body, **options):
        return self._api.expect(200, "POST", "auth/token/create", body, **options).json["auth"]["client_token"]

    def _family(self, revoke):
        parent = self._create({"policies": ["root"], "ttl": "1h"})
        self.alive.append(parent)
        child = self._create({"ttl": "1h"}, token=parent)
        self.alive.append(child)
        if revoke:
            self.in_doubt = {parent, child}
            self._api.expect(204, "POST", "auth/token/revoke", {"token": parent})
            self.ended += [parent, child]
            self.in_doubt = set()

    def _limited(self):
        token = self._create({"policies": ["root"], "ttl": "1h", "num_uses": USES})
        self.uses[token] = 0
        for _ in range(USES - 1):
            self.in_doubt = {token}
            self._api.expect(200, "GET", "auth/token/lookup-self", token=token)
            self.uses[token] += 1
            self.in_doubt = set()

    def problems(self, api):
        """What is wrong with the tokens after a start."""
        def look(token):
            return api.call("POST", "auth/token/lookup", {"token": token})

        for token in set(self.alive) - set(self.ended) - self.in_doubt:
            if look(token).status != 200:
                yield "a token that was made is not valid"
        for token in self.ended:
            if look(token).status != 403:
                yield "a token that was revoked, or one below it, is valid"
        for token, used in self.uses.items():
            reply = look(token)
            left = reply.data["num_uses"] if reply.status == 200 else None
            if left not in {USES - used, USES - used - (token in self.in_doubt)}:
                yield f"a token with {USES} uses, of which {used} were taken, has {left} left"


class MountChanger(Worker):
    """Mounts engines at the same few paths again and again, writes to them, moves and unmounts them."""

    FIRST_STEP = 1
    PATHS = 3

    def __init__(self, server, name):
        super().__init__(server)
        self._name = name
        self.held = {}         # Path → number in its secret; None = there is no mount.
        self.in_doubt = set()  # Paths of the request whose answer never came.
        self._number = 0       # What is written in the life that the kill ends.

    def step(self, number):
        self._life(f"crash-mount-{self._name}-{number % self.PATHS}", number)

    def _change(self, after, status, *request):
        """A request, and what is held where once it is acknowledged."""
        self.in_doubt = set(after)
        self._api.expect(status, *request)
        self.held.update(after)
        self.in_doubt = set()

    def _life(self, path, number):
        self._number = number
        moved = path + "-moved"
        for old in (path, moved):
            if self.held.get(old) is not None:
                self._change({old: None}, 204, "DELETE", f"sys/mounts/{old}")
        self.in_doubt = {path}
        self._api.expect(204, "POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": "1"}})
        self._api.expect(404, "GET", f"{path}/secret")  # What an earlier mount held is not there.
        self._api.expect(204, "PUT", f"{path}/secret", {"number": number})
        self.held[path], self.in_doubt = number, set()
        if number % 2 == 0:
            self._change({path: None, moved: number}, 200, "POST", "sys/remount", {"from": path, "to": moved})

    def problems(self, api):
        """What is wrong with the mounts after a start."""
        listed = {path.rstrip("/") for path in api.expect(200, "GET", "sys/mounts").data}
        found = {path: api.call("GET", f"{path}/secret") for path in set(self.held) | self.in_doubt}
        for path, reply in found.items():
            number = self.held.get(path)
            if reply.status not in (200, 404) or (path in listed) == bool(reply.errors):
                yield f"{path} is {'' if path in listed else 'not '}listed, and half there: {reply.status} {reply.errors}"
            elif path in self.in_doubt:
                # Being made: nothing of an earlier one. Being removed or moved: all that it held, or no mount.
                wanted = {self._number} if number is None else {number}
                if reply.status == 200 and reply.data["number"] not in wanted or reply.status == 404 and path in listed and number is not None:
                    yield f"{path}, in doubt, holds {reply.data}, not {wanted}"
            elif number is None:
                if reply.status != 404 or not reply.errors:
                    yield f"{path} was unmounted or moved away: {reply.status} {reply.data}"
            elif reply.status != 200 or reply.data != {"number": number}:
                yield f"{path} holds {number}: {reply.status} {reply.data} {reply.errors}"
        if len(self.in_doubt) == 2 and len(self.in_doubt & listed) != 1:
            yield f"of a mount and where it moves, {self.in_doubt & listed} are there"
        for path in found:
            api.expect(204, "DELETE", f"sys/mounts/{path}")
            api.expect(204, "POST", f"sys/mounts/{path}", {"type": "kv", "options": {"version": "1"}})
            if api.call("GET", f"{path}/secret").status != 404:
                yield f"{path}, made anew, shows what an earlier one held"
            api.expect(204, "DELETE", f"sys/mounts/{path}")


class Wrapper(Worker):
    """Wraps, and unwraps every other time."""

    def __init__(self, server):
        super().__init__(server)
        self.waiting, self.used = {}, []  # Token → number in it; tokens whose unwrapping was acknowledged.
        self.in_doubt = None

    def step(self, number):
        token = self._api.expect(200, "POST", "sys/wrapping/wrap", {"number": number},
                                 headers={"X-Vault-Wrap-TTL": "1h"}).json["wrap_info"]["token"]
        self.waiting[token] = number
        if number % 2 == 0:
            self.in_doubt = token
            self._api.expect(200, "POST", "sys/wrapping/unwrap", {"token": token})
            del self.waiting[token]
            self.used.append(token)
            self.in_doubt = None

    def problems(self, api):
        """What is wrong with the wrapping tokens after a start."""
        def unwrap(token):
            return api.call("POST", "sys/wrapping/unwrap", {"token": token})

        for token, number in self.waiting.items():
            reply = unwrap(token)
            if token == self.in_doubt and reply.status == 400:
                continue
            if reply.status != 200 or reply.data != {"number": number}:
                yield f"a wrapping token that nobody used answers {reply.status} {reply.errors}"
            elif unwrap(token).status != 400:
                yield "a wrapping token can be used twice"
        for token in self.used:
            if unwrap(token).status != 400:
                yield "a wrapping token that was used can be used again"


def check_version(api, path, version, required):
    """None, or what is wrong with that version."""
    reply = api.call("GET", f"secret/data/{path}?version={version}")
    if reply.status == 404 and not required:
        return None
    if reply.status != 200:
        return f"{path} version {version}: {reply.status}, though acknowledged" if required else f"{path}: {reply.status}"
    body = reply.data["data"]
    whole = (body.get("path"), body.get("sequence")) == (path, version) and body.get("sum") == checksum(body)
    return None if whole else f"{path} version {version} is torn"


def crash_round(server, round_name, rng):
    """Writes, kills, starts again; returns (acknowledged, in flight, surprises, the makers, seconds that the start took)."""
    started = threading.Event()
    writers = [Writer(server, f"{round_name}-{index}", rng.random(), started, index % 2 == 1) for index in range(WRITERS)]
    makers = [TokenMaker(server) for _ in range(TOKEN_MAKERS)] + [MountChanger(server, round_name), Wrapper(server)]
    for thread in writers + makers:
        thread.start()
    if not started.wait(30):
        raise AssertionError(f"no write was acknowledged: {[writer.surprise for writer in writers]}")
    time.sleep(rng.uniform(*KILL_AFTER_S))
    surprises, took_s = kill_and_start(server, writers + makers)
    begun = time.monotonic()
    server.unseal()
    took_s += time.monotonic() - begun
    acknowledged = [item for writer in writers for item in writer.acknowledged]
    in_flight = [writer.in_flight for writer in writers if writer.in_flight]
    return acknowledged, in_flight, surprises, makers, took_s


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    rng = random.Random(arguments.seed)
    report = Report()
    everything, ended, unwrapped, starts_s = [], [], [], []

    with Server.configured() as server:
        server.ready()
        for number in range(arguments.rounds):
            with report.case(f"round {number + 1}"):
                acknowledged, in_flight, surprises, makers, took_s = crash_round(server, str(number), rng)
                starts_s.append(took_s)
                everything += acknowledged
                api = server.api()
                wrong = surprises + [problem for items, required in ((acknowledged, True), (in_flight, False))
                                     for problem in (check_version(api, *item, required) for item in items) if problem]
                wrong += [problem for maker in makers for problem in maker.problems(api)]
                ended += [token for maker in makers if isinstance(maker, TokenMaker) for token in maker.ended]
                unwrapped += [token for maker in makers if isinstance(maker, Wrapper) for token in maker.used]
                assert not wrong, "\n".join(wrong)
                tokens = sum(len(maker.alive) + len(maker.uses) for maker in makers if isinstance(maker, TokenMaker))
                wrapped = sum(len(maker.waiting) + len(maker.used) for maker in makers if isinstance(maker, Wrapper))
                mounts = sum(len(maker.held) for maker in makers if isinstance(maker, MountChanger))
                print(f"      {len(acknowledged)} acknowledged, {len(in_flight)} in flight, {tokens} tokens, {wrapped} wrapped, "
                      f"{mounts} mount paths, up again in {took_s:.2f} s")
        with report.case(f"all {len(everything)} acknowledged versions at the end"):
            api = server.api()
            wrong = [problem for problem in (check_version(api, *item, True) for item in everything) if problem]
            assert not wrong, "\n".join(wrong)
        with report.case(f"none of {len(ended)} revoked tokens and {len(unwrapped)} used wrappings came back in a later round"):
            for token in ended:
                api.expect(403, "POST", "auth/token/lookup", {"token": token})
            for token in unwrapped:
                api.expect(400, "POST", "sys/wrapping/unwrap", {"token": token})
        with report.case("the journal verifies after all the crashes"):
            assert server.stop() == 0, "the server did not end well"
            verified = server.verify_journal()
            assert verified.returncode == 0, verified.stdout + verified.stderr
    if starts_s:
        starts_s.sort()
        print(f"{len(everything)} acknowledged writes; a start after a crash took {starts_s[len(starts_s) // 2]:.2f} s "
              f"at the median, {starts_s[-1]:.2f} s at most")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
