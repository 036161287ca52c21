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


def compile_same(folder):
    """The plugin `same`, which answers what /health answers."""
    target = folder / "same"
    target.mkdir(parents=True)
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", "-I", str(ROOT / "Sources/PluginAPI/include"), "-o", str(target / "lib.so"),
         str(ROOT / "benchmarks/host/same.c")], check=True)
    (target / "plugin.toml").write_text(
        '[plugin]\nid = "same"\nversion = "1.0.0"\n[capabilities]\nroutes = ["/same/*"]\n'
        '[transport]\nkind = "library"\nlibrary = "lib.so"\n')


def compile_series(folder, count):
    """The plugin `series` with so many series."""
    target = folder / "series"
    target.mkdir(parents=True)
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", f"-DSERIES={count}", "-I", str(ROOT / "Sources/PluginAPI/include"), "-o",
         str(target / "lib.so"), str(ROOT / "benchmarks/host/series.c")], check=True)
    (target / "plugin.toml").write_text(
        '[plugin]\nid = "series"\nversion = "1.0.0"\n[capabilities]\nmetrics = ["series_*"]\n'
        '[transport]\nkind = "library"\nlibrary = "lib.so"\n')


def cpu_seconds(pids):
    """User and system seconds of these processes so far."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


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
        return cpu_seconds([self.process.pid])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


def wrk(url, connections=32, seconds=SECONDS):
    """Requests per second, and errors."""
    out = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), int(errors[1]) if errors else 0


def routes(folder):
    """Three routes in turn: /health; a plugin that answers the same bytes; one that counts its requests and hears their ends."""
    compile_pages(folder, "pages")
    compile_same(folder)
    host = Host(folder)
    base = f"http://{host.address['http']}"
    def answer(path):
        with urllib.request.urlopen(base + path) as response:
            return [(k, v) for k, v in response.getheaders() if k.lower() != "date"], response.read()
    assert answer("/health") == answer("/same/health"), answer("/same/health")
    def per_request(url):
        before = host.cpu()
        rate, errors = wrk(url, seconds=1)
        assert errors == 0, errors
        return rate, host.cpu() - before
    paths = {"built-in route": "/health", "plugin, same bytes": "/same/health", "plugin that counts": "/pages/hello"}
    rows = {name: [] for name in paths}
    # A second each, in turn and back again: a machine is not as busy at one moment as at the next.
    for turn in range(15):
        for name in (list(paths) if turn % 2 == 0 else reversed(paths)):
            rows[name].append(per_request(base + paths[name]))
    def total(name):
        rate, cpu = (sum(row[i] for row in rows[name]) for i in (0, 1))
        return rate / len(rows[name]), cpu / rate * 1e6
    own = total("built-in route")
    for name in paths:
        rate, cpu = total(name)
        of_rate = statistics.median(row[0] / base_row[0] for row, base_row in zip(rows[name], rows["built-in route"]))
        print(f"{name:<18} {rate:>8.0f} req/s  {cpu:6.2f} us CPU a request"
              + ("" if name == "built-in route" else
                 f"   ratio {rate / own[0]:.2f} of the rate (median {of_rate:.2f}), {own[1] / cpu:.2f} by CPU (goal 0.95)"))
    assert host.stop() == 0


def scrape(folder, plugin_series):
    """A host with so many series besides its own, against nginx with the same bytes."""
    compile_series(folder, plugin_series)
    host = Host(folder)
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
    workers = [nginx.pid] + [int(p) for p in subprocess.run(
        ["pgrep", "-P", str(nginx.pid)], capture_output=True, text=True).stdout.split()]
    def per_request(url, pids):
        before = cpu_seconds(pids)
        rate = wrk(url)[0]
        return rate, (cpu_seconds(pids) - before) / (rate * SECONDS) * 1e6
    rows = [(per_request(url, [host.process.pid]), per_request("http://127.0.0.1:18097/metrics", workers))
            for _ in range(3)]
    ours, theirs = (statistics.median(row[i][0] for row in rows) for i in (0, 1))
    our_cpu, their_cpu = (statistics.median(row[i][1] for row in rows) for i in (0, 1))
    nginx.terminate()
    nginx.wait()
    assert host.stop() == 0
    shutil.rmtree(folder)
    print(f"scrape, {series} series, {len(text)} bytes: {ours:.0f} req/s, nginx with the same bytes {theirs:.0f}"
          f"   ratio {ours / theirs:.2f} (goal 0.5), {their_cpu / our_cpu:.2f} by CPU ({our_cpu:.0f} and {their_cpu:.0f} us)")


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
        scrape(root / "scrape", 850)
        for count in (0, 5, 50):
            idle(root / f"idle{count}", count)


if __name__ == "__main__":
    main()
