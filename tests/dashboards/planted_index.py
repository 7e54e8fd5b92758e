"""The story as the product tells it: converted, and put into the real index by the real writer.

Entries that are no changes are planted too: gaps, coverage, unreadable records, and entries that the index refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from tabletrail.aws.opensearch import OpenSearchIndex, OpenSearchKeeper
from tabletrail.core.bulk import requests
from tabletrail.core.document import with_log
from tabletrail.core.entry import Conversion, Entry, Source, convert, coverage_entry, gap_entry, reduced_entry
from tabletrail.core.health import HEALTH_PATTERN, HEALTH_TEMPLATE
from tabletrail.core.policy import compile_policy, merged
from tests.dashboards.planted_findings import found_entry, named
from tests.dashboards.planted_health import health_runs
from tests.dashboards.planted_story import FIRST_SEQUENCE, OWN_RULES, SERVICES, START, Deed, deeds, record
from tests.dashboards.planted_ways import findings, with_ways
from tests.ports.opensearch_server import MAPPINGS, Server, bulk

DAY = 86_400
DEFAULT_RULES = json.loads((MAPPINGS / "rules" / "default.json").read_text("utf-8"))
POLICY = compile_policy(merged([("default.json", DEFAULT_RULES), ("story.json", OWN_RULES)]))
CONVERSION = Conversion("month", "updatedBy", POLICY)


@dataclass(frozen=True, slots=True)
class Planted:
    """A deed and the document that stands for it. `order` is what lists are sorted by, of one place in the stream what
    CloudTrail says of the change last."""

    deed: Deed
    id: str
    index: str
    document: bytes

    @property
    def order(self) -> tuple[int, int, bool]:
        return self.deed.seconds, self.deed.sequence, self.deed.kind == "attribution"


@cache
def story() -> list[Planted]:
    """Everything that is planted, changes and the rest."""
    told = deeds()
    with_ways(told)
    made = [_change(deed, line) for line, deed in enumerate(told, 1)]
    spoken_of = {id(one.deed): one for one in made}
    said = [_said(deed, spoken_of.get(id(deed.about)), 4000 + n) for n, deed in enumerate(findings(told))]
    return [*made, *said, *_notices(), *_unreadable()]


def source_of(table: str) -> Source:
    arn = f"arn:aws:dynamodb:eu-north-1:123456789012:table/{table}"
    stream = f"{arn}/stream/2061-03-01T00:00:00.000"
    return Source(
        stream, "shardId-1", table, arn, f"id-of-{table}", "123456789012", "eu-north-1", SERVICES[table], "pk"
    )


def _change(deed: Deed, line: int) -> Planted:
    entry = convert(record(deed), source_of(deed.table), CONVERSION)
    assert entry.kind == "change"
    if deed.kind == "change":
        entry.document = named(entry.document, deed)
    return _planted(deed, entry, line)


def _said(deed: Deed, about: Planted | None, line: int) -> Planted:
    change = json.loads(about.document) if about else None
    return _planted(deed, found_entry(deed, change, source_of(deed.table)), line)


def _planted(deed: Deed, entry: Entry, line: int) -> Planted:
    document = with_log(entry.document, entry.index, "segment-of-the-story", line)
    if deed.kind == "parked":
        document = reduced_entry(document, "illegal_argument_exception")
    return Planted(deed, entry.id, entry.index, document)


def _notices() -> Iterator[Planted]:
    """What the log says of itself: their order within a second follows the position, or the coverage number."""
    words = {"joined": 21, "rules_changed": 21, "left": 73, "stream_replaced": 47}
    for number, (what, severity) in enumerate(words.items(), 1):
        table = list(SERVICES)[number]
        seconds = START + number * 9 * DAY + 3
        entry = coverage_entry(source_of(table), CONVERSION, what, number, seconds)
        yield _planted(Deed(seconds, table, "", what, number, kind="coverage", severity=severity), entry, 3000 + number)
    for number in range(3):
        table = list(SERVICES)[number]
        seconds, position = START + (11 + 13 * number) * DAY + 4, FIRST_SEQUENCE + 7 + number
        entry = gap_entry(source_of(table), CONVERSION, str(position), "possible", seconds, "trimmed")
        yield _planted(Deed(seconds, table, "", "gap", position, kind="gap", severity=73), entry, 3100 + number)


def _unreadable() -> Iterator[Planted]:
    for number in range(6):
        seconds, sequence = START + (5 + 9 * number) * DAY + 17, FIRST_SEQUENCE + 500 + number
        deed = Deed(seconds, "orders", f"order#odd-{number}", "unreadable", sequence, kind="unreadable", severity=73)
        deed.new = {"pk": deed.item}
        broken = record(Deed(seconds, "orders", deed.item, "insert", sequence, new=deed.new))
        broken["dynamodb"]["NewImage"]["odd"] = {"no such type": 1}
        entry = convert(broken, source_of("orders"), CONVERSION)
        assert entry.kind == "unreadable"
        yield _planted(deed, entry, 3200 + number)


@contextmanager
def planted(server: Server) -> Iterator[None]:
    """The story and the figures of its runs are in the real index, as this release defines it; gone afterwards."""
    indices = sorted({one.index for one in story()})
    health = sorted({run.index for run in health_runs()})
    assert len(indices) == len(health) == 2
    _drop(server, [*indices, *health])
    keeper = OpenSearchKeeper(server.client("index-owner"))
    admin = server.client("admin")
    template = json.loads((MAPPINGS / "health_template.v1.json").read_text())
    assert template["index_patterns"] == [HEALTH_PATTERN]
    assert server.ask("admin", "PUT", f"/_index_template/{HEALTH_TEMPLATE}", template).ok
    try:
        for index in indices:
            assert keeper.ensure(index)
        for index in health:
            assert OpenSearchKeeper(admin, HEALTH_TEMPLATE).ensure(index)
        for request in requests(((one.id, one.index, one.document) for one in story()), 5_000_000):
            reply = OpenSearchIndex(server.client("writer")).create(request.body)
            assert reply.results is not None
            assert {result.status for result in reply.results} == {201}
        figures = bulk(*((run.index, run.id, run.document) for run in health_runs()), verb="create")
        assert server.ask("admin", "POST", "/_bulk?refresh=true", figures).data["errors"] is False
        assert server.ask("admin", "POST", f"/{','.join(indices)}/_refresh").ok
        yield
    finally:
        _drop(server, [*indices, *health])


def _drop(server: Server, indices: list[str]) -> None:
    assert server.ask("admin", "DELETE", f"/{','.join(indices)}?ignore_unavailable=true").ok
