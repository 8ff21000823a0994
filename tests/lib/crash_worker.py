"""Clients of a server that is going to be killed, for the tests that do it."""

import http.client
import itertools
import threading
import time

JOIN_S = 30


class Worker(threading.Thread):
    """Does step after step until the connection breaks. An answer that is not the one to expect ends it too, and is told as `surprise`."""

    FIRST_STEP = 0

    def __init__(self, server):
        super().__init__(daemon=True)
        self._api = server.api()
        self.surprise = None

    def step(self, number):
        raise NotImplementedError

    def run(self):
        try:
            for number in itertools.count(self.FIRST_STEP):
                self.step(number)
        except (OSError, http.client.HTTPException):
            return
        except AssertionError as wrong:
            self.surprise = str(wrong)


def kill_and_start(server, workers):
    """Kills the server, waits until all have noticed, and starts it again. Returns their surprises, and the seconds that the start took."""
    server.kill()
    for worker in workers:
        worker.join(JOIN_S)
    begun = time.monotonic()
    server.start()
    return [worker.surprise for worker in workers if worker.surprise], time.monotonic() - begun
