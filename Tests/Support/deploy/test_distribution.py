"""The relocatable folder of scripts/dist.sh, made of the debug build and moved elsewhere: it runs without the toolchain's path, brings
the plugins, and an author has the whole SDK in it. AGENT names the built executable.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from commands import ROOT

BUILD = pathlib.Path(os.environ["AGENT"]).parent


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **more)


class Distribution(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexo-dist-"))
        made = run(ROOT / "scripts/dist.sh", env={**os.environ, "NEXO_BUILD": str(BUILD), "NEXO_DIST": str(cls.folder / "made")})
        assert made.returncode == 0, made.stdout + made.stderr
        cls.dist = cls.folder / "moved/nexo"
        cls.dist.parent.mkdir()
        (cls.folder / "made").rename(cls.dist)
        cls.environment = {"PATH": "/usr/bin:/bin", "HOME": str(cls.folder)}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def test_it_needs_nothing_of_the_toolchain(self):
        for name in ("agent", "nexo"):
            done = run(self.dist / "bin" / name, "version", env=self.environment)
            self.assertEqual(done.returncode, 0, done.stderr)
        for file in [self.dist / "bin/agent", self.dist / "bin/nexo-probe", *self.dist.glob("extensions/*/*.so")]:
            path = re.search(r"R(?:UN)?PATH.*\[(.*)\]", run("readelf", "-d", file).stdout)
            self.assertTrue(path and path[1].startswith("$ORIGIN/") and ":" not in path[1], file)
            for name, place in re.findall(r"^\s*(libswift\S+|libdispatch\S+|libBlocks\S+) => (\S+)", run("ldd", file).stdout, re.M):
                self.assertTrue(os.path.realpath(place).startswith(str(self.dist / "lib")), f"{file}: {name} => {place}")

    def test_its_plugins_are_fit_to_load(self):
        done = run(self.dist / "bin/agent", "ext", "doctor", "--extensions", self.dist / "extensions", "--state-dir",
                   self.folder / "state", env={**self.environment, "NEXO_ENDPOINT": "http://127.0.0.1:1"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_plugin_that_it_writes_builds_and_passes_its_test(self):
        for language in ("c", "swift"):
            done = run(self.dist / "bin/agent", "ext", "new", f"made-{language}", "--lang", language, "--into", self.folder,
                       env=self.environment)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            made = (self.folder / f"made-{language}/Makefile").read_text()
            self.assertIn(str(self.dist / "share/nexo/sdk"), made)
        done = run("make", "-s", "-C", self.folder / "made-c", "test")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_its_sdk_is_the_source_trees(self):
        done = run("diff", "-r", ROOT / "sdk", self.dist / "share/nexo/sdk")
        self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
