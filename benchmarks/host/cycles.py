"""Loads and stops plugins again and again in a running host, each time with bytes that it has seen, and prints what it holds:
descriptors, threads, mapped places, memory. Nothing but memory may grow, and that by the handles that outlive an instance.

cycles.py [LOADS]   10,000 by default (about 15 minutes); the release build, or BENCH_BUILD.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import os
import pathlib
import shutil
import sys
import tempfile
import time

import measure

PLUGINS = 20
MARKS = ("one", "two")


def holds(pid):
    """(descriptors, threads, mapped places)."""
    return (*(len(os.listdir(f"/proc/{pid}/{what}")) for what in ("fd", "task")),
            pathlib.Path(f"/proc/{pid}/maps").read_text().count("\n"))


def main():
    loads = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="nexo-cycles-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for mark in MARKS:
            for index in range(PLUGINS):
                measure.compile_pages(folder / mark, f"p{index}", mark)
        extensions = folder / "extensions"
        shutil.copytree(folder / MARKS[0], extensions)
        host = measure.Host(extensions)
        client = http.client.HTTPConnection(host.address["http"], timeout=60)
        rounds = loads // PLUGINS
        for number in range(1, rounds + 1):
            mark = MARKS[number % 2]
            for index in range(PLUGINS):
                fresh = extensions / f"p{index}/.new"
                shutil.copy(folder / mark / f"p{index}/lib.so", fresh)
                fresh.rename(extensions / f"p{index}/lib.so")
            began = time.monotonic()
            for index in range(PLUGINS):
                while True:
                    client.request("GET", f"/p{index}/hello")
                    if mark.encode() in client.getresponse().read():
                        break
                    assert time.monotonic() - began < 60, f"p{index} never answered as {mark}"
                    time.sleep(0.01)
            if number % max(1, rounds // 10) == 0:
                print("loads {:>6}  descriptors {}  threads {}  mapped places {}  RSS {:.1f} MiB, PSS {:.1f}, private {:.1f}".format(
                    number * PLUGINS, *holds(host.process.pid), *host.memory()), flush=True)
        assert host.stop() == 0


if __name__ == "__main__":
    main()
