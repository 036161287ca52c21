"""Every command that the documents show: where it stands, and what runs it.

`found()` takes them from the documents: blocks marked `console` or `sh`, and code spans that begin with a program's name.
test_commands.py runs those of RUN, in their order, beside one host; ELSEWHERE names the test or script that runs another;
NOT_RUN says why nobody can. A command that is in none of them fails, and so does an entry that no document has.

SPDX-License-Identifier: Apache-2.0
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = re.compile(
    r"(?:\w+=\S+ )*(?:agent|nexo|make|scripts/\S+\.(?:sh|py)|curl|swift|docker|kubectl|systemctl|journalctl|htpasswd|openssl"
    r"|apt|apt-get|dpkg|rustc|promtool|prometheus|cc|g\+\+|nm|readelf|chmod|cp|mkdir|gdb|zig|man|strip|python3|\.ci/run"
    r"|\.build/\S+/agent|benchmarks/\S+)(?: |$)")
"""What a code span begins with that is a command. A program's name alone is a word, not a command."""
WORDS = {"agent not attached"}
"""Code spans that begin like a command and are none: names of log records."""


def pages():
    return [ROOT / "README.md", ROOT / "benchmarks/README.md",
            *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "adr")]


def found():
    """(file:line, command) of every command, as the reader sees it: without prompt, comment and escapes."""
    for path in pages():
        block, whole = None, ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            where = f"{path.relative_to(ROOT)}:{number}"
            if line.startswith("```"):
                block = None if block is not None else line[3:]
            elif block in ("console", "sh"):
                whole += re.sub(r"^\$ |\s{2,}# .*$", "", line)
                if whole.endswith("\\"):
                    whole = re.sub(r"\s*\\$", " ", whole)
                    continue
                yield where, re.sub(r"\s+", " ", whole)
                whole = ""
            elif block is None:
                for span in re.findall(r"`([^`]+)`", line):
                    text = span.replace("\\|", "|")
                    if PROGRAMS.match(text) and " " in text.strip() + ("" if "/" not in text else " ") and text not in WORDS:
                        yield where, text


# One entry: the command as documented, what is typed in its place (None: the same), exit status, what it prints.
RUN = [
    # README.md, the five commands (the first and the last are ELSEWHERE)
    ("curl -sc /tmp/jar --json '{\"text\":\"hello\"}' localhost:8080/chat/messages && sleep 1 && curl -sb /tmp/jar localhost:8080/chat/messages",
     None, 0, r'(?s)hello.*hello'),
    ("curl -s localhost:9090/metrics | grep ^messages_processed_total", None, 0, r'^messages_processed_total\{agent="echo"\} [1-9]'),
    (".build/release/agent ext new weather --lang c --into /tmp && make -C /tmp/weather install EXTENSIONS=$PWD/extensions && sleep 2"
     " && curl -s localhost:8080/weather/hello/world", None, 0, r"(?i)world"),
    (".build/release/agent ext list", None, 0, r"weather +\S+ +ok"),
    (".build/release/agent explain elf.missing_needed", None, 0, r"remedy"),
    (".build/release/agent doctor", None, 0, r"running host"),
    # docs/plugin-authors.md, its block: hello.c and plugin.toml are the page's own
    ('cc -std=gnu11 -O2 -fPIC -fvisibility=hidden -pthread -shared -I"$NEXO_SDK/include" -Wl,-z,defs,-z,now,-z,nodelete,-z,relro,'
     '--version-script="$NEXO_SDK/exports.map" hello.c -o libhello.so', None, 0, ""),
    ("mkdir -p extensions/hello", None, 0, ""),
    ("cp libhello.so extensions/hello/.new && mv extensions/hello/.new extensions/hello/libhello.so", None, 0, ""),
    ("cp plugin.toml extensions/hello/", None, 0, ""),
    ("curl http://127.0.0.1:8080/hello/world", None, 0, r"^hello, world$"),
    ("curl -s http://127.0.0.1:9090/metrics | grep hello_hellos_total", None, 0, r"^hello_hellos_total [1-9]"),
    ("nm -D --defined-only", "nm -D --defined-only libhello.so", 0, r"nexo_plugin_entry_1"),
    ("readelf -n", "readelf -n libhello.so", 0, r"NEXO"),
    ("agent ext new hello --lang c", "agent ext new hello --lang c --into made-c", 0, r"hello"),
    ("agent ext new hello --lang swift", "agent ext new hello --lang swift --into made-swift", 0, r"hello"),
    ("agent ext new NAME", "agent ext new other --into made-c", 0, r"other"),
    ("agent ext new", "agent ext new another --into made-c", 0, r"another"),
    ("make test", "make -C made-c/hello test", 0, ""),
    ("make install EXTENSIONS=/path/to/extensions", "make -C made-c/other install EXTENSIONS=$PWD/extensions", 0, ""),
    # Extensions
    ("agent ext list", None, 0, r"hello +\S+ +ok"),
    ("agent ext list --json", None, 0, r'"hello"'),
    ("agent ext", "agent ext --help", 0, r"ext list"),
    ("agent ext info ID", "agent ext info hello", 0, r"hello"),
    ("agent ext explain ID", "agent ext explain hello", 0, r"hello"),
    ("agent ext validate PATH", "agent ext validate extensions/hello/plugin.toml", 0, ""),
    ("agent ext check FILE", "agent ext check extensions/hello/libhello.so", 0, r"ok: it would be probed and loaded"),
    ("agent ext check LIBRARY", "agent ext check libhello.so", 0, r"ok: it would be probed and loaded"),
    ("agent ext doctor", None, 0, ""),
    ("agent ext sweep", None, 0, ""),
    ("agent ext disable ID", "agent ext disable hello", 0, ""),
    ("agent ext enable ID", "agent ext enable hello", 0, ""),
    ("agent ext install PATH", "make -s -C made-c/another && agent ext install made-c/another", 0, r"another"),
    ("agent ext uninstall ID", "agent ext uninstall other --yes", 0, ""),
    # The host
    ("agent status", None, 0, r"echo"),
    ("agent status --json", None, 0, r'"echo"'),
    ("agent check-config", None, 0, ""),
    ("agent reload", None, 0, ""),
    ("agent config show", None, 0, r"listen\.metrics"),
    ("agent config show --origin", None, 0, r"environment"),
    ("agent doctor", None, 0, r"running host"),
    ("agent version", None, 0, r"\d+\.\d+\.\d+"),
    ("agent explain CODE", "agent explain elf.not_elf", 0, r"remedy"),
    ("agent explain [CODE]", "agent explain", 0, r"elf\.not_elf"),
    ("agent explain", None, 0, r"elf\.not_elf"),
    ("agent help [COMMAND...]", "agent help ext list", 0, r"ext list"),
    ("agent help --man | man -l -", "agent help --man | MANPAGER=cat man -l -", 0, r"SYNOPSIS"),
    ("agent completion SHELL", "agent completion bash", 0, r"complete "),
    ("make help", None, 0, r"make run"),
    ("curl -s HOST:9090/metrics", None, 0, r"^nexo_ready 1$"),
    # Messages
    ("agent verify", None, 0, ""),
    ("agent dlq", "agent dlq --help", 0, r"dlq replay"),
    ("agent dlq list", None, 0, ""),
    ("agent dlq list --json", None, 0, r"[\[{]"),
    ("agent dlq show ID", "agent dlq show 1", 4, ""),
    ("agent dlq replay ID", "agent dlq replay 1", 4, ""),
    ("agent dlq purge", None, 2, ""),
    # Who is let in, and accounts
    ("agent pair list", None, 0, ""),
    ("agent pair seed CHANNEL ACCOUNT SENDER...", "agent pair seed web_chat main ana bob", 0, r"let in: 2"),
    ("agent pair seed CHANNEL ACCOUNT SENDER", "agent pair seed web_chat main eve", 0, r"let in: 1"),
    ("agent pair seed", "agent pair seed --help", 0, r"SENDER"),
    ("agent pair revoke CHANNEL:SENDER", "agent pair revoke web_chat:ana", 0, ""),
    ("agent pair approve CODE", "agent pair approve AAAAAAAA", 4, ""),
    ("agent pair start", None, 0, r"http://"),
    ("agent pair sessions", None, 0, ""),
    ("agent link KIND", "agent link whatsapp", 0, r"http://"),
    ("agent link google", None, 0, r"http://"),
    # No account is configured here: it is refused, with what to do.
    ("agent link google --device", None, 1, ""),
    ("agent link", "agent link --help", 0, r"KIND"),
    # Others' programs
    ("chmod go-rwx", "chmod go-rwx plugin.toml", 0, ""),
    ("chmod go-w", "chmod go-w extensions/hello", 0, ""),
    ("cp --reflink=auto", "cp --reflink=auto libhello.so copied.so", 0, ""),
    ("strip --strip-debug", "strip --strip-debug copied.so", 0, ""),
]

# The command as documented: the file that runs it, and what stands there.
ELSEWHERE = {
    "make run": ("scripts/check-install.sh", "${commands[0]}"),
    "make demo-pairing ARGS=--check": ("scripts/check-install.sh", "${commands[4]}"),
    "make check": (".ci/run", "scripts/check.sh"),
    "make build": ("Makefile", "run: build"),
    "make deb": ("scripts/check-install.sh", 'inside "make deb"'),
    "make dist": ("deploy/docker/Dockerfile", "RUN make dist"),
    "agent run": ("scripts/test-deploy.sh", '"$AGENT" run'),
    "agent ext clear ID": ("Tests/EndToEndTests/DropInTests.swift", '"ext", "clear", "pages"'),
    "scripts/test.sh --filter 'Suite or name'": ("Makefile", "@scripts/test.sh"),
    "scripts/check-imports.sh": ("scripts/check.sh", "scripts/check-imports.sh"),
    "scripts/check-deb.sh FILE": ("scripts/check-install.sh", "scripts/check-deb.sh"),
    "systemctl reload nexo": ("scripts/check-systemd.sh", "systemctl reload nexo"),
}

NOT_RUN = {
    "make sanitize": "builds everything twice more, with the address and the thread sanitizer: hours",
    "scripts/sanitize-address.sh": "half of make sanitize",
    "scripts/sanitize-thread.sh": "the other half",
    "NEXO_TEST_CYCLES=10000 swift test --filter 'load and stop, again and again'": "the long form of a test that is run",
    "rustc --edition 2021 -O -C panic=abort -C strip=symbols -C link-arg=-Wl,-z,nodelete,-z,now --crate-type cdylib "
    "--crate-name hello -o libhello.so hello.rs": "no Rust among what tests install; check-doc-snippets.sh compiles the page where it is",
    'make run ARGS="--log-level debug"': "the same as make run, with an option that other tests give",
    "make bench": "measures speed: an hour on a quiet machine",
    "benchmarks/<area>/run.sh": "what make bench runs",
    "make fuzz": "runs as long as one lets it; sanitizer builds",
    "make docs": "needs a documentation build of the whole tree",
    "docker build -f deploy/docker/Dockerfile -t nexo:0.1.0 .": "Docker is not in reach; buildah builds the same file in check-docker.sh",
    "scripts/check-docker.sh": "builds an image from bare Debian roots: needs root and buildah",
    "scripts/check-systemd.sh FILE": "boots a container: needs root and systemd-nspawn",
    "NEXO_UPDATE_DOCS=1 swift test --filter OperationsDocTests": "writes the documents; without the variable it is a test",
    "systemctl status nexo": "needs systemd as the first process: check-systemd.sh's container shows the same line",
    "systemctl status": "as above",
    "kubectl exec deploy/nexo -- agent status": "needs a cluster; `agent status` is run",
    "gdb --args": "for a plugin's author, with their own program",
    "g++ -std=c++17 ... -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL": "flags beside the compiler line above, which is run",
    "zig translate-c nexo_plugin.h": "zig is not in Debian 12",
}
