"""Copies plugin folders into a running host, one after the other as `cp -r` does, and prints how long each took until its route
answered. The product promises 2 s (docs/plugin-authors.md); speeds are not asserted in tests, so it is looked at here.

dropin.py [PLUGINS]   20 by default; the release build, or BENCH_BUILD.

SPDX-License-Identifier: Apache-2.0
"""

import http.client
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import measure

GOAL = 2.0


def until_live(connection, name):
    """Seconds until the plugin's route answers; nil when it does not within a minute."""
    began = time.monotonic()
    while time.monotonic() - began < 60:
        connection.request("GET", f"/{name}/hello")
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            return time.monotonic() - began
        time.sleep(0.01)
    return None


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="nexo-dropin-") as name:
        made, extensions = pathlib.Path(name, "made"), pathlib.Path(name, "extensions")
        extensions.mkdir(mode=0o755)
        for number in range(count):
            measure.compile_pages(made, f"pages{number}")
        host = measure.Host(extensions)
        connection = http.client.HTTPConnection(host.address["http"], timeout=60)
        times = []
        for number in range(count):
            subprocess.run(["cp", "-r", made / f"pages{number}", extensions], check=True)
            taken = until_live(connection, f"pages{number}")
            assert taken is not None, f"plugin {number} never answered"
            times.append(taken)
        times.sort()
        print(f"{count} plugins copied into a running host, live after: median {statistics.median(times) * 1e3:.0f} ms, "
              f"slowest {times[-1] * 1e3:.0f} ms (goal {GOAL * 1e3:.0f} ms)")
        code = host.stop()
        assert code == 0, code
        sys.exit(1 if times[-1] > GOAL else 0)


if __name__ == "__main__":
    main()
