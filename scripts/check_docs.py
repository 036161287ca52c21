"""Checks the documents: every relative link leads to a file, every anchor to a heading, and the tour's module map is
Package.swift's. Run by scripts/check-doc-links.sh; with --update it writes the module map.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOUR = ROOT / "docs/tour.md"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HIDDEN = re.compile(r"Tests$|^bench-|^ledger-driver$|^TestSupport$")
"""Targets that the map leaves out: tests, what only they use, and benchmarks."""


def pages():
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True,
        text=True, check=True)
    return [ROOT / name for name in out.stdout.split("\n") if name and (ROOT / name).is_file()]


def anchors(path):
    """The anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def broken_links(page):
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        if inside:
            continue
        for link in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                yield number, f"{link}: no such file"
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                yield number, f"{link}: no such heading"


def module_map():
    out = subprocess.run(["swift", "package", "dump-package"], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = ["| module | folder | may import |", "| --- | --- | --- |"]
    libraries = []
    for target in json.loads(out.stdout)["targets"]:
        if target["type"] == "system":
            libraries.append(f"`{target['name']}`")
        elif not HIDDEN.search(target["name"]):
            names = [(d.get("byName") or d.get("target"))[0] for d in target["dependencies"]]
            imports = ", ".join(f"`{name}`" for name in names) or "-"
            lines.append(f"| `{target['name']}` | `{target['path']}` | {imports} |")
    return "\n".join(lines) + "\n\nSystem libraries, in `Sources/System`: " + ", ".join(libraries) + "."


def main():
    bad = 0
    for page in pages():
        for number, what in broken_links(page):
            print(f"{page.relative_to(ROOT)}:{number}: {what}")
            bad += 1
    text = TOUR.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- generated: modules -->\n).*?(\n<!-- end: modules -->)", re.DOTALL)
    wanted = marked.sub(lambda mark: mark[1] + module_map() + mark[2], text)
    if "--update" in sys.argv:
        TOUR.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        print("docs/tour.md: the module map is not Package.swift's. Run scripts/check-doc-links.sh --update")
        bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
