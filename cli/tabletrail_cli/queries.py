"""From what a person asks to OpenSearch's query language.

Pure. Rules
- Only the schema's fields are asked, by exact terms, ranges and patterns; a person's text is full text only in
  `simple_query_string`, which never fails on it.
- Several values of one option: any of them. Several options: all of them.
- Every list is sorted by (@timestamp, event.sequence_key, event.id): a total order, so that a page can begin right
  behind the last one. Entries never change, so this alone is stable: no point-in-time is held open meanwhile.

Called by the commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tabletrail.core.document import SEVERITY_CRITICAL, SEVERITY_HIGH, SEVERITY_LOW, SEVERITY_MEDIUM
from tabletrail.core.paths import cut_text
from tabletrail.errors import QueryError
from tabletrail_cli.filters import FACETS, FILTERS, TRUE
from tabletrail_cli.number_terms import number_clauses
from tabletrail_cli.patterns import Clause, any_of, escape, escape_regexp, every_index, has_any_index, matching, pieces
from tabletrail_cli.times import as_stored

Order = Literal["asc", "desc"]

FACET_SIZE = 20
RECORDS = ["change", "unreadable"]
"""Kinds of the entries that records become."""

SEVERITIES = {"low": SEVERITY_LOW, "medium": SEVERITY_MEDIUM, "high": SEVERITY_HIGH, "critical": SEVERITY_CRITICAL}
TEXT_FIELDS = (
    "message",
    "reason",
    "item.id",
    "item.id.parts",
    "actor.id.parts",
    "actor.last_known.parts",
    "actor.candidates.id.parts",
    "principal.arn.parts",
    "principal.name",
    "principal.source_identity",
    "principal.candidates.name",
    "principal.candidates.session",
    "principal.address",
    "principal.request_id",
    "request.id.parts",
    "service.name",
    "tags",
    "rule.name",
    "changed",
    "changed_path",
    "before",
    "after",
    "context",
)
"""Those of the template's `index.query.default_field`, so that a word means the same here and in Dashboards; and the
whole key, for indices that an earlier release made, which have no parts."""
_TEXT_FLAGS = "AND|OR|NOT|PHRASE|PREFIX|PRECEDENCE|ESCAPE|WHITESPACE"


Hidden = Callable[[str], list[str]]
"""From a value to the tokens that may stand for it, where the index has any."""


def _nothing_hidden(_: str) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Question:
    """What to find; everything empty means every entry. `since` is included, `until` is not."""

    text: str = ""
    fields: Sequence[tuple[str, Sequence[str]]] = ()
    """(a name of FILTERS, values: any of them)"""
    excluded: Sequence[str] = ()
    """NAME=VALUE with NAME of FILTERS"""
    changed: Sequence[str] = ()
    before: Sequence[str] = ()
    after: Sequence[str] = ()
    """PATH=VALUE"""
    numbers: Sequence[str] = ()
    severity: str = ""
    since: datetime | None = None
    until: datetime | None = None
    hidden: Hidden = _nothing_hidden


def query_of(question: Question) -> Clause:
    """The query without sort and size. QueryError shows the legal form of what cannot be."""
    hidden = question.hidden
    filters = [any_of([_field(name, value, hidden) for value in values]) for name, values in question.fields if values]
    filters += [_text(question.text)] if question.text.strip() else []
    filters += [any_of([changed_clause(path) for path in question.changed])] if question.changed else []
    filters += [_value("before", text, hidden) for text in question.before]
    filters += [_value("after", text, hidden) for text in question.after]
    filters += number_clauses(question.numbers)
    filters += [_severity(question.severity)] if question.severity else []
    filters += _between(question.since, question.until)
    excluded = [_exclusion(text, hidden) for text in question.excluded]
    parts = {name: clauses for name, clauses in (("filter", filters), ("must_not", excluded)) if clauses}
    return {"bool": parts} if parts else {"match_all": {}}


def sort_of(order: Order) -> list[Clause]:
    """Entries without a sequence (gaps, coverage) come last within their second, in both orders the same way round."""
    missing = "_last" if order == "asc" else "_first"
    return [
        {"@timestamp": {"order": order}},
        {"event.sequence_key": {"order": order, "missing": missing}},
        {"event.id": {"order": order}},
    ]


def facets_of(names: str) -> dict[str, Clause]:
    """Comma-separated names of FACETS to aggregations; each counts entries without a value as well."""
    aggregations: dict[str, Clause] = {}
    for name in (part.strip() for part in names.split(",")):
        if name not in FACETS:
            raise QueryError(f"no facet {name!r}: legal are {', '.join(sorted(FACETS))}, separated by commas")
        field = FACETS[name]
        aggregations[name] = {"terms": {"field": field, "size": FACET_SIZE}}
        aggregations[f"{name} missing"] = {"missing": {"field": field}}
    return aggregations


def _text(text: str) -> Clause:
    return {
        "simple_query_string": {
            "query": text,
            "fields": list(TEXT_FIELDS),
            "default_operator": "and",
            "lenient": True,
            "flags": _TEXT_FLAGS,
        }
    }


def changed_clause(path: str) -> Clause:
    """A path means itself and whatever lies inside it; `[]` asks for any place of a list."""
    if not path.strip():
        raise QueryError("--changed needs a path, e.g. --changed status or --changed 'lines[].qty'")
    field = "changed_path" if has_any_index(path) else "changed"
    if len(pieces(path)) > 1:
        return matching(field, path)
    exact = pieces(path)[0]
    inside = [{"prefix": {field: exact + opening}} for opening in (".", "[")]
    return any_of([{"term": {field: exact}}, *inside])


def _field(name: str, value: str, hidden: Hidden) -> Clause:
    chosen, parts = FILTERS[name], pieces(value)
    if chosen.is_flag and value != TRUE:
        raise QueryError(f"{name}={value} cannot be: {name} is {TRUE} where it is anything")
    clauses = [matching(field, value) for field in chosen.fields]
    clauses += [matching(field, f"*/{value}") for field in chosen.last_parts if not value.startswith("arn:")]
    if len(parts) == 1:
        clauses += [{"match_phrase": {field: parts[0]}} for field in chosen.phrases]
        tokens = hidden(parts[0]) if chosen.tokens else []
        clauses += [{"terms": {field: tokens}} for field in chosen.fields if tokens]
    return any_of(clauses)


def _value(side: str, text: str, hidden: Hidden) -> Clause:
    """A star in the value stands for any text, so `status=*` asks for any value at all."""
    path, equals, value = text.partition("=")
    if not path.strip() or not equals:
        raise QueryError(f"--{side} {text!r} is not of the form PATH=VALUE, e.g. --{side} status=shipped")
    parts = pieces(value)
    tokens = hidden(parts[0]) if len(parts) == 1 else []
    return any_of([_at_path(side, path, parts), *(_at_path(side, path, [token]) for token in tokens)])


def _at_path(side: str, path: str, parts: Sequence[str]) -> Clause:
    if has_any_index(path):
        pattern = ".*".join(escape_regexp(part) for part in parts)
        return {"regexp": {f"{side}.{every_index(path)}": {"value": pattern}}}
    if len(parts) == 1:
        return {"term": {f"{side}.{path}": cut_text(parts[0])}}
    # For a flat_object the path is part of the pattern.
    return {"wildcard": {f"{side}.{escape(path)}": {"value": "*".join(escape(part) for part in parts)}}}


def _severity(text: str) -> Clause:
    least = SEVERITIES.get(text.lower())
    if least is None:
        if not re.fullmatch(r"\d{1,9}", text):
            raise QueryError(
                f"--severity {text!r}: legal are {', '.join(SEVERITIES)} or a number; it and all above match"
            )
        least = int(text)
    return {"range": {"event.severity": {"gte": least}}}


def _between(since: datetime | None, until: datetime | None) -> list[Clause]:
    if since and until and since >= until:
        raise QueryError(
            f"--since {as_stored(since)} is not before --until {as_stored(until)}: nothing can lie between"
        )
    bounds = {name: as_stored(moment) for name, moment in (("gte", since), ("lt", until)) if moment}
    return [{"range": {"@timestamp": bounds}}] if bounds else []


def _exclusion(text: str, hidden: Hidden) -> Clause:
    name, equals, value = text.partition("=")
    if name not in FILTERS or not equals:
        raise QueryError(f"--not {text!r} is not of the form NAME=VALUE with NAME one of {', '.join(FILTERS)}")
    return _field(name, value, hidden)


def item_query(table: str, key: Clause, *more: Clause, until: datetime | None = None) -> Clause:
    """Entries of one item of one table (name or ARN) for which all of `more` hold, at or before `until`."""
    filters: list[Clause] = [table_clause(table), key, *more]
    if until:
        filters.append({"range": {"@timestamp": {"lte": as_stored(until)}}})
    return {"bool": {"filter": filters}}


def of_records() -> Clause:
    """Entries that stand for a record of the stream: a change, or what took its place. A parked finding is none."""
    parked: list[Clause] = [{"term": {"tabletrail.kind": "parked"}}, {"terms": {"tabletrail.parked.kind": RECORDS}}]
    return any_of([{"terms": {"tabletrail.kind": RECORDS}}, {"bool": {"filter": parked}}])


def of_kind(kind: str) -> Clause:
    return {"term": {"tabletrail.kind": kind}}


def table_clause(table: str) -> Clause:
    return {"term": {"table.arn" if table.startswith("arn:") else "table.name": table}}
