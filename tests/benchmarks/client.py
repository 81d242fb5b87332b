"""Asks a running server for pages over a few connections and measures each answer; nothing of Django is loaded.

python -m tests.benchmarks.client < {"port", "addresses", "requests", "connections", "seconds"}    answers with JSON
"""

import http.client
import json
import sys
import threading
import time
from itertools import cycle, islice


class Round:
    """So many requests, or as many as the seconds allow; each connection takes the next address when it is free."""

    def __init__(self, port: int, addresses: list[str], requests: int, seconds: float):
        self.port = port
        self.addresses = islice(cycle(addresses), requests)
        self.deadline = time.monotonic() + seconds
        self.lock = threading.Lock()
        self.milliseconds: list[float] = []
        self.failures: dict[str, int] = {}
        self.kept = 0  # answers after which the server left the connection open

    def next_address(self) -> str | None:
        with self.lock:
            return next(self.addresses, None) if time.monotonic() < self.deadline else None

    def ask(self) -> None:
        # One connection object; it connects again by itself if the server closed.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while address := self.next_address():
            started = time.perf_counter()
            try:
                connection.request("GET", address)
                answer = connection.getresponse()
                kept, status = not answer.will_close, str(answer.status)
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                kept, status = False, type(error).__name__
                connection.close()
            taken = 1000 * (time.perf_counter() - started)
            with self.lock:
                self.kept += kept
                self.milliseconds.append(taken)
                if status != "200":
                    self.failures[status] = self.failures.get(status, 0) + 1
        connection.close()


def drive(port: int, addresses: list[str], requests: int, connections: int, seconds: float) -> dict:
    this = Round(port, addresses, requests, seconds)
    threads = [threading.Thread(target=this.ask) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "milliseconds": this.milliseconds,
        "seconds": time.perf_counter() - started,
        "failures": this.failures,
        "kept_alive": this.kept,
    }


if __name__ == "__main__":
    json.dump(drive(**json.load(sys.stdin)), sys.stdout)
