"""Every query of the operator's pack against the declared families: alerts, dashboard panels, documents.

A problem names the file, the alert, panel or line, and what does not fit. Command line:
queries.py CATALOGUE.json [SCRAPE.txt], where CATALOGUE.json is what `agent help metrics --json` prints.

SPDX-License-Identifier: Apache-2.0
"""

import json
import pathlib
import re
import sys

import yaml

from promql import Catalogue, Expression, stored_name

ROOT = pathlib.Path(__file__).resolve().parents[3]
RULES = "deploy/prometheus/nexo.rules.yml"
DASHBOARD = "deploy/grafana/nexo.json"
PLACEHOLDERS = {"$__rate_interval": "5m", "$__range": "1h", "$job": ".*", "$instance": ".*"}
"""What Grafana puts into a query before it sends it."""


def alerts():
    """(name, expression, texts that may use labels) of every alert."""
    for group in yaml.safe_load((ROOT / RULES).read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"], " ".join(rule["annotations"].values()), set(rule.get("labels", {}))


def panel_queries():
    """(panel title, query, legend) of every target, variable and annotation of the dashboard."""
    board = json.loads((ROOT / DASHBOARD).read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}' query {target['refId']}", target["expr"], target.get("legendFormat", "")
    for variable in board["templating"]["list"]:
        match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable.get("definition", ""))
        if match:
            yield f"variable '{variable['name']}'", match[1], "{{" + match[2] + "}}"
    for note in board["annotations"]["list"]:
        yield f"annotation '{note['name']}'", note["expr"], note.get("titleFormat", "")


def filled(query):
    for name, value in PLACEHOLDERS.items():
        query = query.replace(name, value)
    return query


def check_alerts(catalogue):
    for name, text, annotations, own in alerts():
        expression = Expression(text, catalogue)
        problems = list(expression.problems)
        for label in sorted(set(re.findall(r"\$labels\.(\w+)", annotations))):
            if expression.labels is not None and label not in expression.labels | own:
                problems.append(f"its texts use the label '{label}', which its result does not have")
        yield from (f"{RULES}: alert {name}: {problem}" for problem in problems)


def check_dashboard(catalogue):
    for place, query, legend in panel_queries():
        expression = Expression(filled(query), catalogue)
        problems = list(expression.problems)
        for label in sorted(set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend))):
            if expression.labels is not None and label not in expression.labels:
                problems.append(f"its legend uses the label '{label}', which its result does not have")
        yield from (f"{DASHBOARD}: {place}: {problem}" for problem in problems)


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


MENTION = re.compile(r"`([a-z][a-z0-9]*(?:_[a-z0-9]+)+)(\{[^`]*\})?`")
"""A name in backquotes, with or without labels."""
TYPED = re.compile(r"\b([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\{([^}]*)\}")


def check_documents(catalogue, declared):
    """Names in documents that are families of `declared`, the catalogue as it was written for, and are none any more.

    Which names of a document are families is not decided by their looks: a name is one when the documents' own table of
    families, or the catalogue, has it.
    """
    for path in documents():
        where = path.relative_to(ROOT)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in MENTION.finditer(line):
                name, labels = match[1], match[2] or ""
                if name not in declared and catalogue.find(name)[0] is None:
                    continue
                family, extra = catalogue.find(name)
                if family is None and name in catalogue.families:
                    family = catalogue.families[name]
                if family is None:
                    yield f"{where}:{number}: no family '{name}' is declared"
                    continue
                known = {stored_name(l["name"]) for l in family["labels"]} | {l["name"] for l in family["labels"]} | extra
                for label in re.findall(r"(\w+)(?:[=!~,}]|$)", re.sub(r'"[^"]*"|\[[^]]*\]', "", labels.strip("{}"))):
                    if label not in known:
                        yield f"{where}:{number}: '{name}' has no label '{label}'"
            row = re.match(r"\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|", line)
            if row and row[1] in catalogue.families:
                written = re.findall(r"`(\w+)`(?: \([^)]*\))?", re.sub(r"\([^)]*\)", "", row[3]))
                wanted = [label["name"] for label in catalogue.families[row[1]]["labels"]]
                if written != wanted:
                    yield f"{where}:{number}: the labels of '{row[1]}' are {wanted}, not {written}"


def documented():
    """The families that the documents' own tables list."""
    names = set()
    for path in documents():
        for line in path.read_text().splitlines():
            row = re.match(r"\| `([a-z0-9_]+)` \| (counter|gauge|histogram) \|", line)
            if row:
                names.add(row[1])
    return names


def check_scrape(catalogue, text):
    """A live scrape: every declared family is there with its type, and every sample has the declared labels."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    for name, family in catalogue.families.items():
        if name not in types:
            yield f"scrape: the family '{name}' is declared and not there"
        elif types[name] != family["type"]:
            yield f"scrape: '{name}' is a {types[name]}, declared as {family['type']}"
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ", line)
        if line.startswith("#") or not match:
            continue
        family, extra = catalogue.find(match[1])
        if family is None:
            continue  # a plugin's own
        written = set(re.findall(r'(\w+)="', re.sub(r'="(?:[^"\\]|\\.)*"', '="', match[2] or "")))
        wanted = {label["name"] for label in family["labels"]} | extra
        if written != wanted:
            yield f"scrape line {number}: '{match[1]}' has the labels {sorted(written)}, declared {sorted(wanted)}"


def check(families, scrape=None, declared=None):
    catalogue = Catalogue(families)
    problems = [*check_alerts(catalogue), *check_dashboard(catalogue)]
    problems += check_documents(catalogue, declared if declared is not None else documented())
    if scrape is not None:
        problems += check_scrape(catalogue, scrape)
    return problems


if __name__ == "__main__":
    found = check(
        json.loads(pathlib.Path(sys.argv[1]).read_text()),
        pathlib.Path(sys.argv[2]).read_text() if len(sys.argv) > 2 else None)
    print("\n".join(found))
    sys.exit(1 if found else 0)
