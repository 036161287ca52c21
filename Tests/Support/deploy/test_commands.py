"""Runs the commands of the documents as they are typed, beside one host with the plugins that ship. AGENT names the built
executable; scripts/test-deploy.sh sets it. Ports, /tmp and the release build are this test's own in what is typed.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from commands import ELSEWHERE, NOT_RUN, ROOT, RUN, found

AGENT = pathlib.Path(os.environ["AGENT"])
PATIENCE = 60
"""Seconds until what a command started (a library taken up, an answer on its way) must be seen."""


def snippet(language, word):
    """The first block of that language in the page for authors that has the word in it."""
    text = (ROOT / "docs/plugin-authors.md").read_text()
    return next(b for b in re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text) if word in b)


class Site:
    """A clone as a reader has it after the first command: extensions laid, a host running, `agent` at hand."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexo-commands-"))
        self.clone = self.folder / "clone"
        for name in ("bin", "tmp", "config", "clone/.build", "clone/made-c", "clone/made-swift"):
            (self.folder / name).mkdir(parents=True)
        for name in ("agent", "nexo"):
            (self.folder / "bin" / name).symlink_to(AGENT)
        (self.clone / ".build/release").symlink_to(AGENT.parent)
        for name in ("Makefile", "scripts", "sdk", "deploy", "docs"):
            (self.clone / name).symlink_to(ROOT / name)
        for manifest in ROOT.glob("extensions/*/plugin.toml"):
            (self.clone / "extensions" / manifest.parent.name).mkdir(parents=True)
            shutil.copy(manifest, self.clone / "extensions" / manifest.parent.name)
        subprocess.run([ROOT / "scripts/lay-plugins.sh", AGENT.parent, self.clone / "extensions"], check=True)
        (self.clone / "hello.c").write_text(snippet("c", "NEXO_PLUGIN_NOTE"))
        (self.clone / "plugin.toml").write_text(snippet("toml", 'id = "hello"'))
        self.environment = {
            "PATH": f"{self.folder}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
            "NEXO_SDK": str(ROOT / "sdk"), "NEXO_CONFIG": str(self.folder / "config"), "NEXO_STATE_DIR": str(self.folder / "state"),
            "NEXO_METRICS_LISTEN": "127.0.0.1:0", "NEXO_HTTP_LISTEN": "127.0.0.1:0", "NEXO_ADMIN_LISTEN": "127.0.0.1:0"}
        (self.folder / "config/nexo.yaml").write_text("log: {level: warning}\n")
        with (self.folder / "out").open("w") as out, (self.folder / "err").open("w") as err:
            self.host = subprocess.Popen([AGENT, "run"], cwd=self.clone, env=self.environment, stdout=out, stderr=err)
        self.wait_ready()
        self.environment["NEXO_ENDPOINT"] = "http://" + self.address("admin")

    def wait_ready(self):
        deadline = time.monotonic() + PATIENCE
        while "\nready " not in (self.folder / "out").read_text():
            if time.monotonic() > deadline or self.host.poll() is not None:
                raise AssertionError("the host did not start: " + (self.folder / "err").read_text())
            time.sleep(0.1)

    def address(self, role):
        return re.search(rf"role={role} address=(\S+)", (self.folder / "out").read_text())[1]

    def typed(self, command):
        for port, role in (("8080", "http"), ("9090", "metrics")):
            command = re.sub(rf"\b(localhost|127\.0\.0\.1|HOST):{port}\b", self.address(role), command)
        return re.sub(r"(?<=[ =])/tmp\b", str(self.folder / "tmp"), command)

    def run(self, command):
        return subprocess.run(["bash", "-c", "set -o pipefail; " + self.typed(command)], cwd=self.clone, env=self.environment,
                              text=True, capture_output=True, timeout=300)

    def close(self):
        self.host.send_signal(signal.SIGTERM)
        status = self.host.wait(60)
        shutil.rmtree(self.folder)
        return status


class Commands(unittest.TestCase):
    def test_every_command_of_the_documents_is_run_by_something_or_has_a_reason(self):
        known = {text for text, *_ in RUN} | set(ELSEWHERE) | set(NOT_RUN)
        unknown = [f"{where}: {text}" for where, text in found() if text not in known]
        self.assertEqual(unknown, [], "run them in commands.py, name what does, or say why not")
        self.assertEqual(known - {text for _, text in found()}, set(), "no document has these any more")
        self.assertEqual(len(known), len(RUN) + len(ELSEWHERE) + len(NOT_RUN), "one entry each")

    def test_what_is_said_to_run_a_command_does(self):
        for text, (file, words) in ELSEWHERE.items():
            self.assertIn(words, (ROOT / file).read_text(), text)
        made = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
        for _, text in found():
            if re.match(r"make [a-z-]+\b", text) and "EXTENSIONS" not in text:
                self.assertIn(text.split()[1], made, text)

    def test_each_command_does_what_the_document_says(self):
        site = Site()
        failed = []
        for text, instead, status, wanted in RUN:
            command = instead or text
            done = site.run(command)
            # What was started may not be there yet: the last step is taken again.
            last, deadline = command.split(" && ")[-1], time.monotonic() + PATIENCE
            while last.startswith("curl") and not re.search(wanted, done.stdout, re.M) and time.monotonic() < deadline:
                time.sleep(0.2)
                done = site.run(last)
            if done.returncode != status or not re.search(wanted, done.stdout, re.M):
                failed.append(f"{command}: {done.returncode}, not {status}\n{done.stdout[-600:]}{done.stderr[-600:]}")
        self.assertEqual(site.close(), 0)
        self.assertEqual(failed, [], "\n".join(failed))


if __name__ == "__main__":
    unittest.main()
