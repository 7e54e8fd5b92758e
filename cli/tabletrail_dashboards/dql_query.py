"""A tree of Dashboards Query Language as OpenSearch's query language.

Pure. As in OpenSearch-Dashboards, src/plugins/data/common/opensearch_query/kuery/functions: what Dashboards makes of a
text, clause by clause, is what is made here (tests/core/test_is_dql_translated_as_dashboards_does.py).
Rules
- A field that the data view does not list is asked as it is written: so are the values inside a flat_object.
- A field inside a nested one is asked in its group, `numbers: { after > 100 }`; outside it is an error, as there.

Called by `search_source`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tabletrail_dashboards.dql import And, Is, Literal, Nested, Node, Not, Or, Range, parse
from tabletrail_dashboards.errors import DqlError
from tabletrail_dashboards.fields import DataView, Field

Clause = dict[str, Any]

_RESERVED = re.compile(r'[+\-=&|><!(){}\[\]^"~*?:\\/]')


def query_of(text: str, view: DataView, zone: str) -> Clause:
    """The clause of a DQL text; `zone` is the time zone of dates in it. DqlError if it cannot be."""
    return _Translation(view, zone).clause(parse(text))


@dataclass(frozen=True, slots=True)
class _Translation:
    view: DataView
    zone: str
    path: str = ""
    """The nested field inside which the query stands."""

    def clause(self, node: Node) -> Clause:
        match node:
            case Is():
                return self.equality(node)
            case Range():
                return self.bounds(node)
            case Nested():
                path = self.full(node.path)
                inner = _Translation(self.view, self.zone, path).clause(node.query)
                return {"nested": {"path": path, "query": inner, "score_mode": "none"}}
            case Not():
                return {"bool": {"must_not": self.clause(node.query)}}
            case And():
                return {"bool": {"filter": [self.clause(one) for one in node.queries]}}
            case Or():
                return _any_of([self.clause(one) for one in node.queries])

    def full(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def equality(self, node: Is) -> Clause:
        value = node.value
        if node.field is None:
            return _anywhere(value)
        is_any = value.is_wildcard and value.value == "*"
        if is_any and node.field == "*":
            return {"match_all": {}}
        name, field = self.field(node.field)
        if is_any:
            return _any_of([{"exists": {"field": name}}])
        if value.is_wildcard:
            return _any_of([{"query_string": {"fields": [name], "query": _pattern(value)}}])
        if field and field.type == "date":
            bounds = {"gte": value.value, "lte": value.value, "time_zone": self.zone}
            return _any_of([{"range": {name: bounds}}])
        return _any_of([{"match_phrase" if value.is_quoted else "match": {name: value.value}}])

    def bounds(self, node: Range) -> Clause:
        if node.value.is_wildcard:
            raise DqlError(f"{node.field}: a range cannot have a wildcard as its bound")
        name, field = self.field(node.field)
        zone = {"time_zone": self.zone} if field and field.type == "date" else {}
        return _any_of([{"range": {name: {node.operator: node.value.value, **zone}}}])

    def field(self, written: str) -> tuple[str, Field | None]:
        """Its full name, and what the data view knows of it."""
        name = self.full(written)
        field = self.view.fields.get(name)
        if field and field.nested_path != self.path:
            where = f"write {field.nested_path}: {{ ... }}" if field.nested_path else f"it is no part of {self.path}"
            raise DqlError(f"{name} cannot be asked here: {where}")
        return name, field


def _anywhere(value: Literal) -> Clause:
    if value.is_wildcard:
        return {"query_string": {"query": _pattern(value)}}
    kind = "phrase" if value.is_quoted else "best_fields"
    return {"multi_match": {"type": kind, "query": value.value, "lenient": True}}


def _any_of(clauses: list[Clause]) -> Clause:
    return {"bool": {"should": clauses, "minimum_should_match": 1}}


def _pattern(value: Literal) -> str:
    """For query_string: stars are wildcards, everything else is itself."""
    return "*".join(_RESERVED.sub(r"\\\g<0>", piece) for piece in value.pieces)
