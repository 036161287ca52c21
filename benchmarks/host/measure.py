"""Measures a running host from outside; see run.sh. Prints a table of figures with ratios."""

import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("BENCH_BUILD", ROOT / ".build/release"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "4"))


def compile_pages(folder, name, mark="one"):
    """The fixture plugin `pages` under another id, each with a library of its own; `mark` is part of its greeting."""
    target = folder / name
    target.mkdir(parents=True)
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-pthread", f'-DID="{name}"', f'-DMETRIC="{name}_requests_total"',
         f'-DMARK="{mark}"',
         "-I", str(ROOT / "Sources/PluginAPI/include"), "-o", str(target / "lib.so"), "-x", "c", "-"],
        input=(ROOT / "Tests/Fixtures/Plugins/pages.c").read_text().replace('"/pages/', f'"/{name}/'), text=True,
        check=True)
    (target / "plugin.toml").write_text(
        f'[plugin]\nid = "{name}"\nversion = "1.0.0"\n[capabilities]\nroutes = ["/{name}/*"]\nmetrics = ["{name}_*"]\n'
        '[transport]\nkind = "library"\nlibrary = "lib.so"\n')


class Host:
    """A host on free ports over a folder of extensions."""

    def __init__(self, extensions):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexo-bench-"))
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [str(BUILD / "agent"), "run", "--state-dir", str(self.folder / "state"), "--extensions", str(extensions),
             "--metrics-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
             "--log-level", "error"], stdout=subprocess.PIPE, text=True)
        self.address = {}
        while len(self.address) < 3:
            match = re.match(r"listening role=(\w+) address=(\S+)", self.process.stdout.readline())
            if match:
                self.address[match[1]] = match[2]
        self.health = self.wait("/health")
        self.ready = self.wait("/ready")
        while not self.process.stdout.readline().startswith("ready "):
            pass
        self.booted = time.monotonic() - self.began

    def wait(self, path):
        """Seconds from the start until the path is 200."""
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address['http']}{path}").read()
                return time.monotonic() - self.began
            except OSError:
                time.sleep(0.002)

    def memory(self):
        """(RSS, PSS, private dirty) in MiB."""
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        value = {m[1]: int(m[2]) / 1024 for m in re.finditer(r"^(\w+):\s+(\d+) kB", text, re.M)}
        return value["Rss"], value["Pss"], value["Private_Dirty"]

    def cpu(self):
        """User and system seconds so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


def wrk(url, connections=32):
    """Requests per second, and errors."""
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", url], capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), int(errors[1]) if errors else 0


def alternate(measures, rounds=5):
    """Medians of several measurements made in turn, so that a slow moment of the machine hits all of them."""
    found = [[] for _ in measures]
    for _ in range(rounds):
        for index, measure in enumerate(measures):
            found[index].append(measure())
    return [statistics.median(values) for values in found]


def routes(folder):
    compile_pages(folder, "pages")
    host = Host(folder)
    base = f"http://{host.address['http']}"
    def per_request(url):
        before = host.cpu()
        rate, errors = wrk(url)
        assert errors == 0, errors
        return rate, (host.cpu() - before) / (rate * SECONDS) * 1e6
    own, plugin = [], []
    for _ in range(5):
        own.append(per_request(base + "/health"))
        plugin.append(per_request(base + "/pages/hello"))
    rates = [statistics.median(r for r, _ in rows) for rows in (own, plugin)]
    cpus = [statistics.median(c for _, c in rows) for rows in (own, plugin)]
    print(f"built-in route   {rates[0]:>10.0f} req/s  {cpus[0]:6.1f} us CPU a request")
    print(f"plugin's route   {rates[1]:>10.0f} req/s  {cpus[1]:6.1f} us CPU a request"
          f"   ratio {rates[1] / rates[0]:.2f} of the rate, {cpus[0] / cpus[1]:.2f} by CPU (goal 0.95)")
    scrape(host)
    assert host.stop() == 0


def scrape(host):
    url = f"http://{host.address['metrics']}/metrics"
    text = urllib.request.urlopen(url).read()
    series = sum(1 for line in text.splitlines() if line and not line.startswith(b"#"))
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nexo-nginx-"))
    folder.chmod(0o755)
    (folder / "metrics").write_bytes(text)
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; error_log /dev/null; worker_processes 2; events {{}}\n"
        f"http {{ access_log off; sendfile on; open_file_cache max=10; keepalive_requests 1000000;\n"
        f"server {{ listen 127.0.0.1:18097; root {folder}; }} }}\n")
    nginx = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    time.sleep(0.5)
    ours, theirs = alternate([lambda: wrk(url)[0], lambda: wrk("http://127.0.0.1:18097/metrics")[0]], rounds=3)
    nginx.terminate()
    nginx.wait()
    shutil.rmtree(folder)
    print(f"scrape, {series} series, {len(text)} bytes: {ours:.0f} req/s, nginx with the same bytes {theirs:.0f}"
          f"   ratio {ours / theirs:.2f} (goal 0.5 at 1,000 series)")


def idle(folder, count):
    folder.mkdir()
    for index in range(count):
        compile_pages(folder, f"idle{index}")
    host = Host(folder)
    time.sleep(2)
    before = host.cpu()
    time.sleep(5)
    used = (host.cpu() - before) / 5 * 100
    rss, pss, dirty = host.memory()
    print(f"{count:>3} plugins: /health after {host.health * 1e3:5.0f} ms, /ready {host.ready * 1e3:5.0f} ms, all live "
          f"{host.booted * 1e3:5.0f} ms; idle RSS {rss:.1f} MiB, PSS {pss:.1f}, private {dirty:.1f}, CPU {used:.2f} %")
    assert host.stop() == 0


def main():
    with tempfile.TemporaryDirectory(prefix="nexo-bench-") as name:
        root = pathlib.Path(name)
        root.chmod(0o755)
        (root / "routes").mkdir()
        routes(root / "routes")
        for count in (0, 5, 50):
            idle(root / f"idle{count}", count)


if __name__ == "__main__":
    main()
