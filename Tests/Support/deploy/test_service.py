"""What a service manager may hand over wrongly, each against the built executable: sockets meant for another process, counts and
names that do not fit, descriptors that are no listening sockets, notification addresses and watchdogs that are none. The host
starts without them or ends with 78 and says what to write; it never hangs and never crashes. AGENT names the executable.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

AGENT = os.environ["AGENT"]
PATIENCE = 60
STARTER = ("import os, sys; os.environ['LISTEN_PID'] = os.environ['LISTEN_PID'].replace('OWN', str(os.getpid()));"
           "os.execv(sys.argv[1], sys.argv[1:])")
"""Runs the host under the number that LISTEN_PID then has: OWN stands for it."""


class Handed:
    """A host that was started with descriptors from 3 on and variables of the test's."""

    def __init__(self, descriptors=(), **variables):
        self.folder = tempfile.TemporaryDirectory(prefix="nexo-service-")
        place = pathlib.Path(self.folder.name)
        (place / "config").mkdir()
        (place / "extensions").mkdir()
        low = [os.open("/dev/null", os.O_RDONLY) for _ in range(3 + len(descriptors))]
        kept = [os.dup(d) for d in descriptors]
        for descriptor in low:
            os.close(descriptor)

        def place_descriptors():
            # Above all targets first, then down: none is overwritten before it is copied.
            high = [os.dup2(d, 200 + index) for index, d in enumerate(kept)]
            for index, descriptor in enumerate(high):
                os.dup2(descriptor, 3 + index)

        self.out = (place / "out").open("w+")
        self.err = (place / "err").open("w+")
        self.child = subprocess.Popen(
            [sys.executable, "-c", STARTER, AGENT, "run", "--config", place / "config", "--extensions", place / "extensions",
             "--state-dir", place / "state", "--metrics-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen",
             "127.0.0.1:0"],
            env={"PATH": "/usr/bin:/bin", "LISTEN_PID": "OWN", **variables}, stdout=self.out, stderr=self.err,
            close_fds=False, preexec_fn=place_descriptors)
        for descriptor in kept:
            os.close(descriptor)

    def text(self, file):
        return pathlib.Path(self.folder.name, file).read_text()

    def ends(self):
        """Status and words of one that stops by itself."""
        return self.child.wait(PATIENCE), self.text("err")

    def serves(self):
        """Waits for `ready`; then SIGTERM, and the status."""
        deadline = time.monotonic() + PATIENCE
        while "\nready " not in self.text("out"):
            if self.child.poll() is not None or time.monotonic() > deadline:
                return self.child.poll(), self.text("err")
            time.sleep(0.05)
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(PATIENCE), ""


def listening(kind=socket.SOCK_STREAM):
    made = socket.socket(socket.AF_INET, kind)
    made.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        made.listen()
    return made


class Sockets(unittest.TestCase):
    def test_one_that_is_ours_is_used(self):
        with listening() as given:
            host = Handed([given.fileno()], LISTEN_FDS="1", LISTEN_FDNAMES="metrics")
            self.assertEqual(host.serves(), (0, ""))
            self.assertIn(f"listening role=metrics address=127.0.0.1:{given.getsockname()[1]}\n", host.text("out"))

    def test_those_of_another_process_are_left_alone(self):
        for pid in ("1", "", "OWN0", "-1", "99999999999999999999", " OWN"):
            with listening() as given:
                host = Handed([given.fileno()], LISTEN_PID=pid, LISTEN_FDS="1", LISTEN_FDNAMES="metrics")
                self.assertEqual(host.serves(), (0, ""), pid)
                self.assertNotIn(f":{given.getsockname()[1]}\n", host.text("out"), pid)

    def test_a_count_or_a_name_that_does_not_fit_ends_the_start_with_78(self):
        for count, names in (("-1", "metrics"), ("65", "metrics"), ("99999999999999999999", ""), ("one", "metrics"), ("", "metrics"),
                             ("1", ""), ("1", "web"), ("1", "Metrics"), ("2", "metrics"), ("2", "metrics:metrics"),
                             ("1", ":metrics")):
            with listening() as first, listening() as second:
                host = Handed([first.fileno(), second.fileno()], LISTEN_FDS=count, LISTEN_FDNAMES=names)
                status, words = host.ends()
                self.assertEqual(status, 78, f"{count} {names}: {words}")
                self.assertIn("listener.inherited", words, f"{count} {names}")

    def test_what_is_no_listening_socket_ends_the_start_with_its_name_and_no_crash(self):
        reading, writing = os.pipe()
        with tempfile.TemporaryFile() as file, listening(socket.SOCK_DGRAM) as datagrams, socket.socket() as idle:
            for what, descriptor in (("file", file.fileno()), ("pipe", reading), ("datagrams", datagrams.fileno()),
                                     ("not listening", idle.fileno())):
                status, words = Handed([descriptor], LISTEN_FDS="1", LISTEN_FDNAMES="http").ends()
                self.assertIn(status, (69, 78), f"{what}: {words}")
                self.assertIn("listener.", words, what)
        os.close(reading)
        os.close(writing)

    def test_a_descriptor_that_is_closed_ends_the_start(self):
        status, words = Handed([], LISTEN_FDS="3", LISTEN_FDNAMES="http:metrics:admin").ends()
        self.assertIn(status, (69, 78), words)
        self.assertIn("listener.", words)


class Signs(unittest.TestCase):
    def test_an_address_or_a_watchdog_that_is_none_does_not_keep_it_from_serving(self):
        for variables in ({"NOTIFY_SOCKET": "/nowhere/socket"}, {"NOTIFY_SOCKET": "relative"}, {"NOTIFY_SOCKET": "@" + "n" * 200},
                          {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "@"}, {"NOTIFY_SOCKET": "/dev/null", "WATCHDOG_USEC": "0"},
                          {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "-5"}, {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "1"},
                          {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "18446744073709551615"},
                          {"NOTIFY_SOCKET": "@nobody", "WATCHDOG_USEC": "9223372036854775807"}):
            self.assertEqual(Handed([], **variables).serves(), (0, ""), variables)

    def test_a_state_folder_is_the_first_of_several(self):
        # systemd joins them with `:` where StateDirectory= names several.
        with tempfile.TemporaryDirectory() as folder:
            first, second = pathlib.Path(folder, "first"), pathlib.Path(folder, "second")
            first.mkdir(mode=0o700)
            second.mkdir(mode=0o700)
            done = subprocess.run([AGENT, "config", "show", "--config", folder], capture_output=True, text=True,
                                  env={"PATH": "/usr/bin:/bin", "HOME": folder, "STATE_DIRECTORY": f"{first}:{second}"})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, rf"(?m)^state_dir\b.*{first}\b")
            self.assertNotIn("second", done.stdout)


if __name__ == "__main__":
    unittest.main()
