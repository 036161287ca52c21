"""Checks that a compiler does not make: sizes, headers, forbidden words, plugins' names in the host.

Run by scripts/check.sh from anywhere; prints `file:line: what` for each finding and exits 1 if there is one.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LIMIT = 600
"""Lines of one source file; tables and generated files are named here."""
TABLES = {
    "Plugins/WhatsApp/Protocol/Binary/TokenTable.swift",
}
UNSTRUCTURED = re.compile(r"(?<![\w.])Task(\.detached)?\s*(\(|\{)")
"""Files that may start a task outside the tree of tasks, each with its reason."""
UNSTRUCTURED_ALLOWED = {
    "Sources/Host/Plugins/Services/CredentialService.swift",  # a plugin's call must return at once
    "Sources/PluginKit",  # a plugin's callbacks come from C: there is no parent task
}
FORBIDDEN = [
    (re.compile(r"nonisolated\(unsafe\)"), "nonisolated(unsafe) is not used here"),
    (re.compile(r"\btry!"), "try! can trap"),
    (re.compile(r"\bas! "), "as! can trap"),
    (re.compile(r"\bfatalError\("), "fatalError: name a typed error instead"),
    (re.compile(r"localizedDescription"), "localizedDescription says nothing on Linux"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "unfinished work belongs in an issue"),
]
GUARD = re.compile(r"//.*(guard|owned|unchecked|immutable|immortal|only .*(thread|lock)|never chang)", re.IGNORECASE)
"""How a comment says why it is safe to share."""
FUNCTION_NAME = re.compile(r"typealias (\w+)\s*=\s*(?:@\w+ )*\([^=]*->", re.DOTALL)
"""A name for a function type that is not a C function."""
FUNCTION_BEHIND_LOCK = re.compile(r"(?:Mutex|Monitor)<\(*(?:@\w+ )*\(")
PLUGIN_NAMES = re.compile(r"whatsapp|google-?_?creds", re.IGNORECASE)


def tracked():
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
        check=True)
    return [name for name in out.stdout.split("\n") if name and (ROOT / name).is_file()]


def code(line):
    """The line without its comment; good enough for words that no string of ours holds."""
    return re.sub(r"(^|\s)//.*", "", line)


def function_names(names):
    """The names that stand for function types, over all files."""
    found = set()
    for name in names:
        if name.endswith(".swift"):
            text = (ROOT / name).read_text(encoding="utf-8")
            found |= {match[1] for match in FUNCTION_NAME.finditer(text) if "@convention(c)" not in match[0]}
    return found


def holds_function(line, functions):
    """Whether a lock holds a function itself: each look at it wraps it once more (a struct around it does not)."""
    named = re.search(r"(?:Mutex|Monitor)<(\w+)\??>", line)
    return bool(FUNCTION_BEHIND_LOCK.search(line)) and "->" in line or bool(named and named[1] in functions)


def check(name, functions):
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    if name not in TABLES and len(lines) > FILE_LIMIT:
        yield 1, f"{len(lines)} lines; split it (at most {FILE_LIMIT})"
    if not name.startswith("Tests/Fixtures/abi/") and "SPDX-License-Identifier: Apache-2.0" not in "\n".join(lines[:60 if not name.endswith('.h') else 120]):
        yield 1, "no SPDX line in its header"
    product = name.startswith(("Sources/", "Plugins/"))
    for number, line in enumerate(lines, 1):
        if product and name.endswith(".swift"):
            for pattern, why in FORBIDDEN:
                if pattern.search(code(line)):
                    yield number, why
            if UNSTRUCTURED.search(code(line)) and not any(name.startswith(a) for a in UNSTRUCTURED_ALLOWED):
                yield number, "unstructured Task: only in files that check_sources.py names"
            if holds_function(code(line), functions):
                yield number, "a function directly behind a lock grows at each look: put it into a struct"
            if "@unchecked Sendable" in code(line) and not any(
                    GUARD.search(other) for other in lines[max(0, number - 14):number]):
                yield number, "@unchecked Sendable without a comment naming its guard"
        if name.startswith("Sources/Host/") and PLUGIN_NAMES.search(line):
            yield number, "the host knows no plugin by name, in comments neither"


def main():
    bad = 0
    names = tracked()
    functions = function_names(names)
    for name in names:
        if not name.endswith((".swift", ".c", ".h", ".cpp")) or not name.startswith(
                ("Sources/", "Plugins/", "Tests/", "examples/", "benchmarks/")):
            continue
        if name.startswith("Sources/System/"):
            continue
        for number, what in check(name, functions):
            print(f"{name}:{number}: {what}")
            bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
