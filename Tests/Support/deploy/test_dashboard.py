"""The dashboard in deploy/grafana as Grafana reads it: its own schema (the Grafana Foundation SDK is generated from it), and what a
reader needs to see in each panel. Queries are judged by test_queries.py. Grafana itself is not in Debian: nothing is rendered.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import unittest

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

import queries

BOARD = json.loads((queries.ROOT / queries.DASHBOARD).read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
BESIDE_THE_SCHEMA = {r"/templating/list\[\d+\]/definition", r"/annotations/list\[\d+\]/(titleFormat|step)"}
"""Written by Grafana's own editor (a variable's query in words, the Prometheus annotation's fields), and not in the schema."""


def lost(before, after, path=""):
    """Where `after` has not what `before` has."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after[key], f"{path}/{key}") if key in after else [f"{path}/{key}"]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after)):
            yield from lost(*pair, f"{path}[{index}]")
    elif before != after:
        yield path


def beside_schema(board):
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    return [path for path in lost(board, read) if not any(re.fullmatch(known, path) for known in BESIDE_THE_SCHEMA)]


class DashboardTests(unittest.TestCase):
    def test_grafanas_schema_knows_every_key(self):
        self.assertEqual(beside_schema(BOARD), [])

    def test_a_key_that_the_schema_does_not_know_is_found(self):
        board = json.loads(json.dumps(BOARD))
        board["panels"][1]["fieldConfig"]["defaults"]["units"] = "s"
        board["templating"]["list"][1]["multiple"] = True
        self.assertEqual(beside_schema(board), ["/templating/list[1]/multiple", "/panels[1]/fieldConfig/defaults/units"])

    def test_every_panel_says_what_it_shows_in_which_unit(self):
        for panel in PANELS:
            self.assertGreater(len(panel["title"]), 2)
            self.assertRegex(panel["description"], r"\.$", panel["title"])
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"], panel["title"])
            self.assertEqual(panel["datasource"], {"type": "prometheus", "uid": "${datasource}"}, panel["title"])

    def test_every_curve_has_a_legend(self):
        for panel in PANELS:
            self.assertTrue(panel["targets"], panel["title"])
            for target in panel["targets"]:
                self.assertEqual(target["datasource"]["uid"], "${datasource}", panel["title"])
                if panel["type"] == "timeseries":
                    self.assertRegex(target["legendFormat"], r"\w", panel["title"])
            if panel["type"] == "timeseries":
                self.assertEqual(panel["options"]["legend"]["displayMode"], "list", panel["title"])

    def test_panels_have_a_place_of_their_own(self):
        taken = {}
        for panel in BOARD["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} lies on {taken.get((x, y))}")
                    taken[x, y] = panel["title"]
        numbers = [panel["id"] for panel in BOARD["panels"]]
        self.assertEqual(len(numbers), len(set(numbers)))


if __name__ == "__main__":
    unittest.main()
