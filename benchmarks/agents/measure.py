"""Conversations through the whole host, its limit, and what one would otherwise use. See run.sh.

The channel is Tests/Fixtures/Plugins/courier.c: it keeps WINDOW messages of as many chats on their way and measures
each from the call that offers it to the reply. The host's commits are counted by strace in a run of their own, since
counting slows them.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("NEXO_BIN", ROOT / ".build/release"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "20000"))
WINDOWS = (1, 32, 256)
STEPS = 5
"""Writes of the ledger for one message: accept; lease; answer with the reply (two rows); lease the reply; answer it."""


def cpu(pid):
    """Seconds of CPU that a process has used."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Site:
    """A folder with one extension, its state on the disk or in memory."""

    def __init__(self, count, window, in_memory):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-agents-"))
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="bench-state-", dir="/dev/shm" if in_memory else None))
        place = self.folder / "extensions/courier"
        place.mkdir(parents=True)
        (self.folder / "config").mkdir()
        (place / "plugin.toml").write_text(
            '[plugin]\nid = "courier"\nversion = "1.0.0"\n[capabilities]\nchannels = ["courier"]\n'
            '[transport]\nkind = "library"\nlibrary = "lib.so"\n')
        subprocess.run(
            ["gcc", "-O2", "-std=c17", "-w", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread",
             f"-I{ROOT}/Sources/PluginAPI/include", f"-DCOUNT={count}", f"-DWINDOW={window}", f"-DCHATS={window}",
             "-DJOURNAL=0", "-o", place / "lib.so", ROOT / "Tests/Fixtures/Plugins/courier.c"], check=True)

    def run(self, *before):
        """Runs a host until all is answered; (seconds, p50 us, p99 us)."""
        host = subprocess.Popen(
            [*before, BIN / "agent", "run", "--config", self.folder / "config", "--state-dir", self.state,
             "--extensions", self.folder / "extensions", "--metrics-listen", "127.0.0.1:0", "--http-listen",
             "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = self.folder / "journal"
        deadline = time.monotonic() + 600
        try:
            while time.monotonic() < deadline:
                found = re.search(r"^t \d+ (\S+) (\d+) (\d+)$", journal.read_text() if journal.exists() else "", re.M)
                if found:
                    self.cpu = cpu(host.pid)
                    return float(found[1]), int(found[2]), int(found[3])
                if host.poll() is not None:
                    sys.exit(f"the host ended: {host.returncode}")
                time.sleep(0.1)
            sys.exit("the host did not answer everything in ten minutes")
        finally:
            pid = host.pid if not before else int(subprocess.run(
                ["pgrep", "-P", str(host.pid)], capture_output=True, text=True).stdout.split()[0])
            os.kill(pid, signal.SIGTERM)
            try:
                host.wait(timeout=30)
            except subprocess.TimeoutExpired:
                host.kill()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)


def host(window, in_memory, count):
    site = Site(count, window, in_memory)
    try:
        result = site.run()
        print(f"   the host's CPU, start included: {site.cpu / count * 1e6:.0f} us a message")
        return result
    finally:
        site.remove()


def commits(window, count):
    """How many times the host syncs its ledger for so many messages."""
    site = Site(count, window, in_memory=False)
    trace = site.folder / "trace"
    try:
        site.run("strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fdatasync,fsync", "-y", "-o", str(trace))
        return sum("ledger.sqlite" in line for line in trace.read_text().splitlines())
    finally:
        site.remove()


def sqlite(transactions, rows):
    """Seconds for so many synced transactions with so many rows in all: the ledger's limit on this disk."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-sqlite-"))
    database = sqlite3.connect(folder / "limit.sqlite", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE m (n INTEGER PRIMARY KEY, key TEXT UNIQUE, payload BLOB)")
    payload, written = b"x" * 400, 0
    began = time.perf_counter()
    for transaction in range(transactions):
        database.execute("BEGIN IMMEDIATE")
        until = rows * (transaction + 1) // transactions
        database.executemany(
            "INSERT INTO m VALUES (?, ?, ?)", ((n, f"key-{n:016d}-of-a-message", payload) for n in range(written, until)))
        written = until
        database.execute("COMMIT")
    seconds = time.perf_counter() - began
    database.close()
    shutil.rmtree(folder)
    return seconds


class Redis:
    """A server of its own, and one connection that pipelines."""

    def __init__(self, appendfsync):
        self.folder = tempfile.mkdtemp(prefix="bench-redis-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.server = subprocess.Popen(
            ["redis-server", "--port", str(port), "--dir", self.folder, "--appendonly", "yes", "--appendfsync",
             appendfsync, "--save", "", "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
        for _ in range(100):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.05)
        self.file = self.socket.makefile("rb")

    def ask(self, commands):
        self.socket.sendall(b"".join(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
            for words in commands))
        return [self.reply() for _ in commands]

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        if kind == b"-":
            sys.exit(f"redis: {rest!r}")
        return rest

    def run(self, window, messages):
        """The same steps: take in, hand to the worker, answer and acknowledge, hand to the sender, acknowledge."""
        text, left, times = b"x" * 400, messages, []
        self.ask([[b"XGROUP", b"CREATE", s, b"g", b"$", b"MKSTREAM"] for s in (b"in", b"out")])
        began = time.perf_counter()
        while left > 0:
            count = min(window, left)
            start = time.perf_counter()
            self.ask([[b"XADD", b"in", b"*", b"m", text]] * count)
            taken = self.read(b"in", count)
            self.ask([command for n in taken for command in
                      ([b"XADD", b"out", b"*", b"m", text], [b"XACK", b"in", b"g", n])])
            sent = self.read(b"out", count)
            self.ask([[b"XACK", b"out", b"g", n] for n in sent])
            times += [time.perf_counter() - start] * count
            left -= count
        seconds = time.perf_counter() - began
        times.sort()
        return seconds, times[len(times) // 2] * 1e6, times[len(times) - 1 - len(times) // 100] * 1e6

    def read(self, stream, count):
        got = self.ask([[b"XREADGROUP", b"GROUP", b"g", b"c", b"COUNT", b"%d" % count, b"STREAMS", stream, b">"]])
        return [entry[0] for entry in got[0][0][1]]

    def close(self):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder)


def row(name, messages, result, base=None):
    seconds, median, late = result
    rate = messages / seconds
    ratio = "" if base is None else f"{rate / base:8.2f}"
    print(f"{name:36} {rate:9.0f}/s  p50 {median / 1000:9.2f} ms  p99 {late / 1000:9.2f} ms {ratio}", flush=True)
    return rate


def main():
    print("the last column: times the host's durable rate at the same window")
    for window in WINDOWS:
        # One at a time takes a sync for each step: fewer are enough.
        messages = max(min(MESSAGES, MESSAGES * window // 32), 200)
        print(f"-- {window} on their way, {messages} messages")
        base = row("host, durable", messages, host(window, False, messages))
        row("host, state on tmpfs", messages, host(window, True, messages), base)
        some = max(messages // 10, 200)
        per = commits(window, some) / some
        transactions = max(1, round(per * messages))
        rate = messages / sqlite(transactions, messages * STEPS)
        name = f"SQLite, {transactions} synced transactions"
        print(f"{name:36} {rate:9.0f}/s{'':39}{rate / base:8.2f}", flush=True)
        for policy in ("everysec", "always"):
            redis = Redis(policy)
            row(f"redis streams, {policy}", messages, redis.run(window, messages), base)
            redis.close()


main()
