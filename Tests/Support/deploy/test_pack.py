"""The operator's pack judged by the real tools: promtool, systemd-analyze, kubernetes-validate, the Prometheus operator's models,
hadolint, docker-compose, mandoc, groff, the shells. AGENT names the built executable; scripts/test-deploy.sh sets it.

SPDX-License-Identifier: Apache-2.0
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml
from cloudcoil.models.prometheus_operator.v1 import ServiceMonitor

from test_dashboard import lost

ROOT = pathlib.Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
AGENT = os.environ["AGENT"]


def run(*words, **more):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120, **more)


class Prometheus(unittest.TestCase):
    def test_rules_and_configuration_are_valid_and_the_rules_pass_their_tests(self):
        for words in (["check", "rules", "nexo.rules.yml"], ["check", "config", "prometheus.yml"],
                      ["test", "rules", "nexo.rules.test.yml"]):
            done = run("promtool", *words, cwd=DEPLOY / "prometheus")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_rule_test_that_expects_something_else_fails(self):
        text = (DEPLOY / "prometheus/nexo.rules.test.yml").read_text()
        with tempfile.TemporaryDirectory() as folder:
            changed = pathlib.Path(folder, "changed.yml")
            changed.write_text(text.replace("- nexo.rules.yml", f"- {DEPLOY}/prometheus/nexo.rules.yml").replace(
                "alertname: NexoNotReady\n    exp_alerts:\n", "alertname: NexoNotReady\n    exp_alerts: []\n    was:\n", 1))
            self.assertNotEqual(run("promtool", "test", "rules", changed).returncode, 0)

    def test_the_scrape_sample_is_the_reference_systems(self):
        job = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0]
        self.assertEqual(job, {"job_name": "nexo-rs", "scrape_interval": "15s",
                               "static_configs": [{"targets": ["agent:9090"]}]})


class Systemd(unittest.TestCase):
    EXPECTED = {"Failed to parse service type, ignoring: notify-reload"}
    """What Debian 12's systemd 252 says of the unit for 253 and later; the package has a line for 252 instead."""

    def findings(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            for socket in DEPLOY.glob("systemd/*.socket"):
                pathlib.Path(folder, socket.name).write_text(socket.read_text())
            service = (DEPLOY / "systemd/nexo.service").read_text() if name != "nexo.service" else text
            service = service.replace("/usr/bin/agent", AGENT)
            pathlib.Path(folder, "nexo.service").write_text(service)
            if name != "nexo.service":
                pathlib.Path(folder, name).write_text(text)
            done = run("systemd-analyze", "verify", "--man=no", pathlib.Path(folder, name))
            return {re.sub(r"^\S+: ", "", line) for line in (done.stdout + done.stderr).splitlines() if folder in line}

    def packaged(self):
        rules = (DEPLOY / "debian/rules").read_text()
        match = re.search(r"sed -e 's\|(.*?)\|(.*?)\|' deploy/systemd/nexo.service", rules)
        pattern, put = match[1].replace("$$", "$"), match[2].replace("$$", "$").replace("\\n", "\n")
        return re.sub(pattern, lambda _: put, (DEPLOY / "systemd/nexo.service").read_text(), flags=re.M)

    def test_each_unit_has_no_finding_but_the_one_of_an_older_systemd(self):
        version = int(re.search(r"systemd (\d+)", run("systemd-analyze", "--version").stdout)[1])
        expected = self.EXPECTED if version < 253 else set()
        self.assertEqual(self.findings("nexo.service", (DEPLOY / "systemd/nexo.service").read_text()), expected)
        for socket in DEPLOY.glob("systemd/*.socket"):
            self.assertEqual(self.findings(socket.name, socket.read_text()) - expected, set())

    def test_the_unit_as_packaged_for_debian_12_has_none(self):
        text = self.packaged()
        self.assertIn("Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n", text)
        self.assertEqual(self.findings("nexo.service", text), set())

    def test_its_exposure_is_low(self):
        done = run("systemd-analyze", "security", "--offline=true", "--threshold=16", DEPLOY / "systemd/nexo.service")
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)

    def test_a_wrong_configuration_is_not_tried_again_and_the_watchdog_is_on(self):
        text = (DEPLOY / "systemd/nexo.service").read_text()
        for line in ("Type=notify-reload", "WatchdogSec=30", "RestartPreventExitStatus=78", "StateDirectory=nexo"):
            self.assertIn(line + "\n", text)


class Kubernetes(unittest.TestCase):
    def documents(self):
        return {(d["kind"], d["metadata"]["name"]): d
                for d in yaml.safe_load_all((DEPLOY / "kubernetes/nexo.yaml").read_text())}

    def test_every_object_fits_the_apis_schema(self):
        done = run(pathlib.Path(os.environ["VENV"], "bin/kubernetes-validate"), "--strict", DEPLOY / "kubernetes/nexo.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(self.documents()), 5)

    def test_the_monitor_fits_the_prometheus_operators_schema(self):
        monitor = yaml.safe_load((DEPLOY / "kubernetes/servicemonitor.yaml").read_text())

        def unknown(document):
            read = ServiceMonitor.model_validate(document).model_dump(by_alias=True, mode="json", exclude_unset=True)
            return list(lost(document, read))

        self.assertEqual(unknown(monitor), [])
        monitor["spec"]["endpoints"][0]["intervals"] = "15s"
        self.assertEqual(unknown(monitor), ["/spec/endpoints[0]/intervals"])
        monitor["spec"]["endpoints"][0]["interval"] = "soon"
        self.assertRaises(ValueError, unknown, monitor)

    def test_the_probes_are_the_reference_systems(self):
        container = self.documents()["Deployment", "nexo"]["spec"]["template"]["spec"]["containers"][0]
        self.assertEqual(container["livenessProbe"], {
            "httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 10, "periodSeconds": 10})
        self.assertEqual(container["readinessProbe"], {
            "httpGet": {"path": "/ready", "port": 8080}, "initialDelaySeconds": 30, "periodSeconds": 5})

    def test_a_stop_has_the_time_that_the_configuration_gives_it(self):
        config = yaml.safe_load(self.documents()["ConfigMap", "nexo-config"]["data"]["nexo.yaml"])["shutdown"]
        grace = self.documents()["Deployment", "nexo"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        self.assertGreaterEqual(grace * 1000, config["delay_ms"] + 2 * config["drain_ms"] + 5000)

    def test_the_host_takes_the_configuration(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in self.documents()["ConfigMap", "nexo-config"]["data"].items():
                pathlib.Path(folder, name).write_text(text)
            done = run(AGENT, "config", "show", "--config", folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("15000", done.stdout)

    def test_services_and_monitor_select_what_there_is(self):
        documents = self.documents()
        labels = documents["Deployment", "nexo"]["spec"]["template"]["metadata"]["labels"]
        ports = {p["name"]: p["containerPort"]
                 for p in documents["Deployment", "nexo"]["spec"]["template"]["spec"]["containers"][0]["ports"]}
        for name in ("nexo", "nexo-metrics"):
            service = documents["Service", name]["spec"]
            self.assertLessEqual(service["selector"].items(), labels.items())
            for port in service["ports"]:
                self.assertEqual(ports[port["targetPort"]], port["port"])
        monitor = yaml.safe_load((DEPLOY / "kubernetes/servicemonitor.yaml").read_text())
        self.assertEqual((monitor["apiVersion"], monitor["kind"]), ("monitoring.coreos.com/v1", "ServiceMonitor"))
        self.assertLessEqual(set(monitor["spec"]), {"jobLabel", "selector", "endpoints"})
        wanted = monitor["spec"]["selector"]["matchLabels"]
        matching = [d for (kind, _), d in documents.items() if kind == "Service"
                    and wanted.items() <= d["metadata"]["labels"].items()]
        self.assertEqual([d["metadata"]["name"] for d in matching], ["nexo-metrics"])
        self.assertEqual([e["port"] for e in monitor["spec"]["endpoints"]], [p["name"] for p in matching[0]["spec"]["ports"]])


class Docker(unittest.TestCase):
    def test_the_dockerfile_has_no_finding(self):
        done = run(pathlib.Path(os.environ["VENV"], "bin/hadolint"), DEPLOY / "docker/Dockerfile")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stdout)

    def test_docker_compose_takes_the_file_and_refuses_one_with_an_unknown_key(self):
        text = (DEPLOY / "docker/compose.yaml").read_text()
        done = run("docker-compose", "-f", DEPLOY / "docker/compose.yaml", "config", "--quiet")
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "compose.yaml").write_text(text.replace("cap_drop:", "caps_drop:"))
            done = run("docker-compose", "-f", pathlib.Path(folder, "compose.yaml"), "config", "--quiet")
            self.assertIn("caps_drop", done.stderr)

    def test_compose_builds_the_image_and_prometheus_scrapes_it_by_its_name(self):
        compose = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())
        self.assertEqual(set(compose["services"]), {"agent", "prometheus"})
        agent = compose["services"]["agent"]
        self.assertTrue((DEPLOY / "docker" / agent["build"]["context"] / agent["build"]["dockerfile"]).is_file())
        for service in compose["services"].values():
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                self.assertTrue(source in compose["volumes"] or (DEPLOY / "docker" / source).exists(), volume)

    def test_the_image_has_the_libraries_that_the_executables_and_plugins_need(self):
        packages = set(re.search(r"ca-certificates ([^&]*?) \\?\n? ?&&", (DEPLOY / "docker/Dockerfile").read_text(), re.S)[1]
                       .replace("\\", " ").split())
        build = pathlib.Path(AGENT).parent
        files = [build / name for name in ("agent", "nexo-probe")] + sorted(build.glob("lib*.so"))
        self.assertTrue(len(files) > 3)
        needed = set()
        for file in files:
            for name, path in re.findall(r"^\s*(\S+) => (/\S+)", run("ldd", file).stdout, re.M):
                direct = run("readelf", "-d", file).stdout
                if f"[{name}]" in direct and "/swift/" not in path:
                    needed.add(os.path.realpath(path))
        owners = set()
        for path in needed:
            for spelling in (path, path.replace("/usr/lib/", "/lib/"), path.replace("/lib/", "/usr/lib/", 1)):
                found = run("dpkg-query", "-S", spelling)
                if found.returncode == 0:
                    owners.add(found.stdout.split(":")[0])
                    break
        essential = {"libc6", "libgcc-s1", "libcrypt1"}
        self.assertEqual(owners - essential - packages, set(), "not in the Dockerfile")
        self.assertEqual(packages - owners - {"libstdc++6"}, set(), "in the Dockerfile and not needed")


class Shell(unittest.TestCase):
    def test_the_manual_page_has_no_finding(self):
        page = run(AGENT, "help", "--man").stdout
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(page)
            file.flush()
            lint = run("mandoc", "-T", "lint", "-W", "warning", file.name)
            self.assertEqual((lint.returncode, lint.stdout), (0, ""))
            groff = run("groff", "-man", "-ww", "-z", "-Tutf8", file.name)
            self.assertEqual((groff.returncode, groff.stderr), (0, ""))
            shown = run("man", "-l", file.name, env={**os.environ, "MANWIDTH": "100", "MANPAGER": "cat", "LC_ALL": "C"})
        for heading in ("NAME", "SYNOPSIS", "COMMANDS", "OPTIONS", "EXIT STATUS", "SIGNALS", "FILES"):
            self.assertRegex(shown.stdout, rf"(?m)^{heading}$")
        text = re.sub(r"\s+", " ", re.sub(r".\x08", "", shown.stdout))
        for line in run(AGENT, "help").stdout.splitlines():
            command = re.match(r"  ([a-z-]+(?: [a-z-]+)?)(?: +[A-Z\[]| {2,}|$)", line)
            if command:
                self.assertIn("agent " + command[1], text)

    def script(self, shell):
        return run(AGENT, "completion", shell).stdout

    def test_bash_offers_what_may_follow(self):
        driver = self.script("bash") + r"""
        offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _nexo_agent; echo "${COMPREPLY[*]}"; }
        complete -p agent nexo >/dev/null || exit 1
        offer agent st; offer agent ext cl; offer agent --log-level ''; offer agent --log-level debug ext l
        offer agent run --web-c; offer nexo completion b; offer agent status --log-format = j
        cd / && offer agent run --config us; offer agent ext new x --lang ''
        """
        done = run("bash", "--norc", "-c", driver)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.splitlines(), [
            "status", "clear", "trace debug info warning error", "list", "--web-config", "bash", "json", "usr", "c swift"])

    def test_fish_offers_what_may_follow(self):
        driver = self.script("fish") + """
        complete -C 'agent st'; complete -C 'agent ext cl'; complete -C 'agent --log-level debug ext l'
        complete -C 'agent run --web-c'; complete -C 'nexo completion b'
        """
        done = run("fish", "--no-config", "-c", driver)
        words = [line.split("\t")[0] for line in done.stdout.splitlines()]
        self.assertEqual(words, ["status", "clear", "list", "--web-config", "bash"], done.stderr)

    def test_zsh_takes_the_script_and_offers_what_may_follow(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "_agent").write_text(self.script("zsh"))
            driver = f"""
            fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; (( $+_comps[agent] && $+_comps[nexo] )) || exit 1
            autoload +X _agent 2>/dev/null
            compadd() {{ shift; print -- "$@" }}; _files() {{ print files "$@" }}; compset() {{ :; }}
            source {folder}/_agent
            offer() {{ words=("$@"); CURRENT=$#; _nexo_agent }}
            offer agent completion ''; offer agent ext list --log-level ''; offer agent run --config ''
            """
            done = run("zsh", "-f", "-c", driver)
            self.assertEqual(done.stdout.splitlines(), ["bash zsh fish", "trace debug info warning error", "files -/"], done.stderr)


if __name__ == "__main__":
    unittest.main()
