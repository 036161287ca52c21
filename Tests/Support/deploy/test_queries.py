"""Renames, drops and relabels each family that the operator's pack uses and expects each alert, panel and document line
concerned to be named. CATALOGUE and SCRAPE name the files that the running host gave; scripts/test-deploy.sh sets them.

SPDX-License-Identifier: Apache-2.0
"""

import copy
import json
import os
import pathlib
import re
import unittest

import queries
from promql import Catalogue, Expression, stored_name

FAMILIES = json.loads(pathlib.Path(os.environ["CATALOGUE"]).read_text())
SCRAPE = pathlib.Path(os.environ["SCRAPE"]).read_text()
DECLARED = {family["name"] for family in FAMILIES}


def users(name):
    """The alerts and panels whose query selects a series of this family, as problems begin with them."""
    catalogue = Catalogue(FAMILIES)
    for alert, text, texts, _ in queries.alerts():
        if name in Expression(text, catalogue).families:
            yield f"{queries.RULES}: alert {alert}: ", text + " ".join(re.findall(r"\$labels\.\w+", texts))
    for place, text, legend in queries.panel_queries():
        if name in Expression(queries.filled(text), catalogue).families:
            yield f"{queries.DASHBOARD}: {place}: ", text + legend


def lines(name):
    """The document lines that mention this family in backquotes."""
    for path in queries.documents():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(rf"`{name}(_bucket|_sum|_count)?[`{{]", line):
                yield f"{path.relative_to(queries.ROOT)}:{number}: "


USED = sorted({family for _, text, *_ in queries.alerts() for family in Expression(text, Catalogue(FAMILIES)).families}
              | {family for _, text, _ in queries.panel_queries()
                 for family in Expression(queries.filled(text), Catalogue(FAMILIES)).families})


def mutated(name, change):
    families = copy.deepcopy(FAMILIES)
    change(families, next(family for family in families if family["name"] == name))
    return queries.check(families, declared=DECLARED)


class Queries(unittest.TestCase):
    def expect_named(self, problems, places, why):
        for place in places:
            self.assertTrue(any(problem.startswith(place) for problem in problems), f"{why}: nothing names '{place}'")

    def test_every_query_and_document_fits_the_declared_families_and_the_live_scrape(self):
        self.assertEqual(queries.check(FAMILIES, SCRAPE), [])

    def test_the_pack_uses_most_families(self):
        self.assertGreater(len(USED), 40)

    def test_a_renamed_or_dropped_family_is_named_with_each_alert_panel_and_line(self):
        for name in sorted(DECLARED):
            places = [place for place, _ in users(name)] + list(lines(name))
            self.assertTrue(places)
            renamed = mutated(name, lambda families, family: family.update(name=name + "_renamed"))
            self.expect_named(renamed, places, f"{name} renamed")
            dropped = mutated(name, lambda families, family: families.remove(family))
            self.expect_named(dropped, places, f"{name} dropped")

    def test_a_renamed_label_is_named_with_each_alert_panel_and_line_that_uses_it(self):
        for name in USED:
            for index, label in enumerate(next(f for f in FAMILIES if f["name"] == name)["labels"]):
                stored = stored_name(label["name"])
                places = [place for place, text in users(name) if re.search(rf"\b{stored}\b", text)
                          and not only_of_others(name, stored, text)]
                problems = mutated(name, lambda families, family: family["labels"][index].update(name="other_label"))
                self.expect_named(problems, places, f"label {label['name']} of {name}")
                self.assertTrue(any(problem.startswith("docs/operations.md:") for problem in problems), name)

    def test_a_value_taken_out_of_a_closed_set_is_named_with_each_alert_and_panel_that_asks_for_it(self):
        asked = 0
        for name in USED:
            for index, label in enumerate(next(f for f in FAMILIES if f["name"] == name)["labels"]):
                for value in label["values"] or []:
                    places = [place for place, text in users(name)
                              if re.search(rf'{name}\{{[^}}]*\b{label["name"]}!?="{value}"', text)]
                    asked += len(places)
                    problems = mutated(
                        name, lambda families, family: family["labels"][index]["values"].remove(value))
                    self.expect_named(problems, places, f"value {value} of {name}")
        self.assertGreater(asked, 4)

    def test_a_family_with_another_type_or_label_on_the_wire_is_named(self):
        family = copy.deepcopy(FAMILIES)
        family[0]["type"] = "gauge"
        self.assertTrue(any("declared as gauge" in problem for problem in queries.check(family, SCRAPE)))
        text = SCRAPE.replace('nexo_build_info{version="', 'nexo_build_info{versions="')
        self.assertTrue(any("nexo_build_info" in problem for problem in queries.check(FAMILIES, text)))


def only_of_others(name, label, text):
    """Whether a label that an expression names could come from another family in it: then this one's is not missed."""
    found = Expression(queries.filled(text.split("{{")[0]), Catalogue(FAMILIES)).families - {name}
    return any(label in [stored_name(l["name"]) for l in f["labels"]] for f in FAMILIES if f["name"] in found)


class Rules(unittest.TestCase):
    def test_each_alert_has_texts_a_runbook_paragraph_and_a_test_that_fires_and_one_that_does_not(self):
        import yaml
        cases = yaml.safe_load((queries.ROOT / "deploy/prometheus/nexo.rules.test.yml").read_text())["tests"]
        fires, quiet = set(), set()
        for case in cases:
            for rule in case["alert_rule_test"]:
                (fires if rule["exp_alerts"] else quiet).add(rule["alertname"])
        headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
                    for line in (queries.ROOT / "docs/operations.md").read_text().splitlines() if line.startswith("#")}
        for group in yaml.safe_load((queries.ROOT / queries.RULES).read_text())["groups"]:
            for rule in group["rules"]:
                self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook_url"}, rule["alert"])
                page, anchor = rule["annotations"]["runbook_url"].split("#")
                self.assertEqual(page, "docs/operations.md")
                self.assertIn(anchor, headings, rule["alert"])
                self.assertEqual(anchor, rule["alert"].lower())
                self.assertIn(rule["labels"]["severity"], {"critical", "warning"})
                self.assertIn(rule["alert"], fires)
                self.assertIn(rule["alert"], quiet)

    def test_the_reference_alerts_are_as_its_page_has_them(self):
        wanted = {
            "LlmError5xxHigh": ('sum(rate(llm_requests_total{outcome="error"}[5m])) by (provider) > 0.1', "5m"),
            "NatsBreakerOpen": ('circuit_breaker_state{breaker="nats"} == 1', "1m"),
            "ToolErrorSpike": ('sum(rate(nexo_tool_calls_total{outcome="error"}[5m])) by (tool) > 0.5', "10m"),
        }
        import yaml
        rules = {rule["alert"]: rule for group in yaml.safe_load((queries.ROOT / queries.RULES).read_text())["groups"]
                 for rule in group["rules"]}
        for name, (expression, wait) in wanted.items():
            self.assertEqual((rules[name]["expr"].strip(), rules[name]["for"]), (expression, wait))


if __name__ == "__main__":
    unittest.main()
