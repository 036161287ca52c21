"""What a PromQL expression needs: which families with which label matchers, and which labels its result has.

The parsing is promql-parser's (Prometheus' own grammar, in Rust); this module only walks the tree. Used by queries.py.

SPDX-License-Identifier: Apache-2.0
"""

import promql_parser as pq

TARGET_LABELS = {"job", "instance"}
"""Labels that Prometheus puts on every series. A label of ours with such a name arrives as exported_<name>, because the
scrape sample does not set honor_labels."""
OWN_METRICS = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}
"""Series that Prometheus makes itself, with their labels."""
SUFFIXES = {"_bucket": {"le"}, "_sum": set(), "_count": set()}


class Catalogue:
    """The declared families by name: type, and labels with their closed sets."""

    def __init__(self, families):
        self.families = {family["name"]: family for family in families}

    def find(self, metric):
        """The family that a series of this name belongs to, and the labels that the suffix adds; (None, set()) for none."""
        if metric in self.families and self.families[metric]["type"] != "histogram":
            return self.families[metric], set()
        for suffix, extra in SUFFIXES.items():
            family = self.families.get(metric[: -len(suffix)]) if metric.endswith(suffix) else None
            if family and family["type"] == "histogram":
                return family, extra
        return None, set()


def stored_name(label):
    return f"exported_{label}" if label in TARGET_LABELS else label


class Expression:
    """One parsed expression; `problems` says what does not fit the catalogue, `labels` what its result has."""

    def __init__(self, text, catalogue):
        self.catalogue = catalogue
        self.problems = []
        self.families = set()
        try:
            self.labels = self.walk(pq.parse(text))
        except ValueError as error:
            self.problems.append(f"not PromQL: {error}")
            self.labels = None

    def walk(self, node):
        """The labels of a node's result; None: not known (a scalar, or after a problem)."""
        kind = type(node).__name__
        if kind == "VectorSelector":
            return self.selector(node)
        if kind == "MatrixSelector":
            return self.selector(node.vector_selector)
        if kind == "AggregateExpr":
            return self.aggregate(node)
        if kind == "Call":
            return self.call(node)
        if kind == "BinaryExpr":
            return self.binary(node)
        if kind in ("ParenExpr", "UnaryExpr", "SubqueryExpr"):
            return self.walk(node.expr)
        return None

    def selector(self, node):
        name = node.name
        matchers = list(node.matchers.matchers)
        if name in OWN_METRICS:
            return OWN_METRICS[name] | TARGET_LABELS
        family, extra = self.catalogue.find(name or "")
        if family is None:
            self.problems.append(f"no family '{name}' is declared")
            return None
        self.families.add(family["name"])
        sets = {stored_name(label["name"]): label["values"] for label in family["labels"]}
        labels = set(sets) | extra | TARGET_LABELS
        for matcher in matchers:
            if matcher.name not in labels:
                self.problems.append(f"'{family['name']}' has no label '{matcher.name}'")
            elif sets.get(matcher.name) and str(matcher.op) in ("MatchOp.Equal", "MatchOp.NotEqual"):
                if matcher.value not in sets[matcher.name]:
                    self.problems.append(f"'{matcher.name}' of '{family['name']}' is never '{matcher.value}'")
        return labels

    def aggregate(self, node):
        inner = self.walk(node.expr)
        operator = str(node.op)
        if operator in ("topk", "bottomk"):
            return inner
        named = set(node.modifier.labels) if node.modifier else set()
        if inner is not None:
            for label in sorted(named - inner):
                self.problems.append(f"aggregates by '{label}', which no series below has")
        if node.modifier and str(node.modifier.type).endswith("Without"):
            return None if inner is None else inner - named
        return named

    def call(self, node):
        name = node.func.name
        results = [self.walk(argument) for argument in node.args]
        vectors = [result for result in results if result is not None]
        if name == "histogram_quantile" and vectors:
            if "le" not in vectors[0]:
                self.problems.append("histogram_quantile over series without 'le'")
            return vectors[0] - {"le"}
        if name == "absent":
            return vectors[0] if vectors else None
        return vectors[0] if vectors else None

    def binary(self, node):
        left, right = self.walk(node.lhs), self.walk(node.rhs)
        matching = getattr(node.modifier, "matching", None) if node.modifier else None
        if matching is not None:
            for label in matching.labels:
                for side in (left, right):
                    if side is not None and label not in side:
                        self.problems.append(f"matches on '{label}', which one side does not have")
        if left is None or right is None:
            return left if left is not None else right
        return left | right if str(node.op) == "or" else left
