"""Replaces the library of a plugin again and again under 200 requests a second to its route, each time with bytes that the
host has not seen. Prints how many requests failed (goal: none) and how long new code took to answer (goal: 2 s).

replace.py [REPLACEMENTS]   1,000 by default; the release build, or BENCH_BUILD.

SPDX-License-Identifier: Apache-2.0
"""

import collections
import http.client
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import measure

RATE = 200
CLIENTS = 4
MARK = b"build-000000"
GOAL = 2.0


class Clients:
    """Connections that together ask RATE times a second, on a schedule of their own, until stopped."""

    def __init__(self, address, path):
        self.address, self.path = address, path
        self.answered, self.failures, self.marks = 0, collections.Counter(), set()
        self.latencies = []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, index):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        due = time.monotonic() + index / RATE
        while not self.stopped.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            due += CLIENTS / RATE
            began = time.monotonic()
            try:
                connection.request("GET", self.path)
                answer = connection.getresponse()
                body = answer.read()
                problem = None if answer.status == 200 and body.startswith(b"hello build-") else f"{answer.status} {body[:60]}"
            except OSError as error:
                problem = repr(error)
                connection.close()
            except http.client.HTTPException as error:
                problem = repr(error)
                connection.close()
            with self.lock:
                self.answered += 1
                self.latencies.append(time.monotonic() - began)
                self.marks.add(body if problem is None else b"")
                if problem:
                    self.failures[problem] += 1

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def until_answers(connection, mark):
    """Asks until the answer carries the mark; nil when it does not within a minute."""
    began = time.monotonic()
    while time.monotonic() - began < 60:
        connection.request("GET", "/pages/hello")
        if mark in connection.getresponse().read():
            return time.monotonic() - began
        time.sleep(0.01)
    return None


def count(pid, what):
    return len(os.listdir(f"/proc/{pid}/{what}"))


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(prefix="nexo-replace-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        measure.compile_pages(folder, "pages", mark=MARK.decode())
        library = folder / "pages/lib.so"
        original = library.read_bytes()
        assert original.count(MARK) >= 1
        host = measure.Host(folder)
        clients = Clients(host.address["http"], "/pages/hello")
        watch = http.client.HTTPConnection(host.address["http"], timeout=60)
        times, before = [], None
        for number in range(1, rounds + 1):
            mark = b"build-%06d" % number
            fresh = folder / "pages/.new"
            fresh.write_bytes(original.replace(MARK, mark))
            fresh.chmod(0o755)
            fresh.rename(library)
            taken = until_answers(watch, mark)
            assert taken is not None, f"replacement {number} never answered"
            times.append(taken)
            if number == rounds // 10:
                before = count(host.process.pid, "fd"), count(host.process.pid, "task")
        clients.stop()
        after = count(host.process.pid, "fd"), count(host.process.pid, "task")
        times.sort()
        print(f"{rounds} replacements under {RATE} requests/s: {clients.answered} requests, "
              f"{sum(clients.failures.values())} failed (goal 0), slowest answer {max(clients.latencies) * 1e3:.0f} ms")
        print(f"new code answers after: median {statistics.median(times) * 1e3:.0f} ms, 99 % "
              f"{times[int(len(times) * 0.99)] * 1e3:.0f} ms, slowest {times[-1] * 1e3:.0f} ms (goal {GOAL * 1e3:.0f} ms)")
        print(f"descriptors, threads after a tenth {before} and at the end {after}")
        for problem, times_seen in clients.failures.most_common(5):
            print(f"  failed {times_seen} times: {problem}")
        code = host.stop()
        assert code == 0, code
        sys.exit(1 if clients.failures or times[-1] > GOAL else 0)


if __name__ == "__main__":
    main()
