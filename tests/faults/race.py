#!/usr/bin/env python3
"""Fifty clients, each on a connection of its own, ask for the same thing at once: exactly as many get it as may, and nobody a 5xx.

usage: race.py [--rounds N]"""

import argparse
import collections
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

from keyhold_server import Server  # noqa: E402
from report import Report  # noqa: E402

CLIENTS = 50


class Race:
    def __init__(self, server):
        self._apis = [server.api() for _ in range(CLIENTS)]
        for api in self._apis:
            api.expect(200, "GET", "sys/health")  # Connected before the start.

    def run(self, ask):
        """Calls `ask(number, api)` in all clients at once; the replies, in their order."""
        start, replies = threading.Barrier(CLIENTS), [None] * CLIENTS

        def client(number):
            start.wait(30)
            replies[number] = ask(number, self._apis[number])

        threads = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert all(replies), "a client got no answer"
        return replies


def statuses(replies):
    return dict(collections.Counter(reply.status for reply in replies))


def same(found, wanted):
    assert found == wanted, f"{found}, not {wanted}"


def unwrapping(race, api, number):
    wrapped = api.expect(200, "POST", "sys/wrapping/wrap", {"number": number}, headers={"X-Vault-Wrap-TTL": "5m"})
    token = wrapped.json["wrap_info"]["token"]

    def ask(client, own):
        if client % 3 == 0:
            return own.call("POST", "sys/wrapping/unwrap", token=token)  # As its bearer.
        return own.call("POST", "sys/wrapping/unwrap" if client % 3 == 1 else "sys/wrapping/rewrap", {"token": token})

    replies = race.run(ask)
    same(statuses(replies), {200: 1, 400: CLIENTS - 1})
    winner = next(reply for reply in replies if reply.status == 200)
    if winner.json["wrap_info"]:
        winner = api.expect(200, "POST", "sys/wrapping/unwrap", {"token": winner.json["wrap_info"]["token"]})
    same(winner.data, {"number": number})


def check_and_set(race, api, number):
    path = f"secret/data/race/cas-{number}"
    for version in range(3):
        replies = race.run(lambda client, own: own.call(
            "POST", path, {"data": {"client": client}, "options": {"cas": version}}))
        same(statuses(replies), {200: 1, 400: CLIENTS - 1})
        winner = next(client for client, reply in enumerate(replies) if reply.status == 200)
        held = api.expect(200, "GET", path).data
        same((held["data"], held["metadata"]["version"]), ({"client": winner}, version + 1))


def limited_uses(race, api, number):
    uses = 1 + number * 6 % 49
    made = api.expect(200, "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h", "num_uses": uses}).json["auth"]
    replies = race.run(lambda client, own: own.call("GET", "auth/token/lookup-self", token=made["client_token"]))
    same(statuses(replies), {200: uses, 403: CLIENTS - uses})
    api.expect(403, "POST", "auth/token/lookup", {"token": made["client_token"]})


def revocation(race, api, number):
    """One client revokes while the others use the token and make others below it."""
    parent = api.expect(200, "POST", "auth/token/create", {"policies": ["root"], "ttl": "1h"}).json["auth"]["client_token"]

    def ask(client, own):
        if client == number % CLIENTS:
            return own.call("POST", "auth/token/revoke", {"token": parent})
        if client % 2 == 0:
            return own.call("POST", "auth/token/create", {"ttl": "1h"}, token=parent)
        return own.call("GET", "auth/token/lookup-self", token=parent)

    replies = race.run(ask)
    assert set(statuses(replies)) <= {200, 204, 403}, statuses(replies)
    same(statuses(replies)[204], 1)
    api.expect(403, "GET", "auth/token/lookup-self", token=parent)
    for reply in replies:
        if reply.status == 200 and reply.json["auth"]:
            api.expect(403, "GET", "auth/token/lookup-self", token=reply.json["auth"]["client_token"])


def mounting(race, api, number):
    """At one path, and at paths that would hide each other."""
    replies = race.run(lambda client, own: own.call(
        "POST", f"sys/mounts/race-{number}" + ("/below" if client % 2 else ""), {"type": "kv"}))
    same(statuses(replies), {204: 1, 400: CLIENTS - 1})
    same(sum(f"race-{number}/" in path for path in api.expect(200, "GET", "sys/mounts").data), 1)


RACES = [unwrapping, check_and_set, limited_uses, revocation, mounting]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    report = Report()
    with Server.configured() as server:
        server.ready()
        race, api = Race(server), server.api()
        for case in RACES:
            with report.case(f"{case.__name__.replace('_', ' ')}: {arguments.rounds} rounds of {CLIENTS} clients"):
                for number in range(arguments.rounds):
                    case(race, api, number)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
