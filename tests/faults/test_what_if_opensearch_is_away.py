"""OpenSearch is away, in each way it can be: does capture go on at full speed, and does nothing get lost?

For each way: capture commits as many segments a run as without trouble; the index costs it one failed request a minute
at most; nothing is parked; `status` says why and since when; when it is back the backlog drains oldest first, so many
segments a call, and each entry is searchable, once.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.waits import words
from tabletrail.index import BREAKER_LONGEST_SECONDS, BREAKER_SECONDS
from tests.faults.outages import HANG_SECONDS, OUTAGES, WarmWorld, a_table

MINUTES = {"429 whole": 60, "429 for each document": 60}
"""Of an outage; 15 where no other number stands."""
RECORDS = 12
"""A minute: three segments."""
SEGMENTS = 3
RATE = 25
"""Segments that one call of the backlog takes here."""


@pytest.mark.parametrize("name", ["", *OUTAGES])
def test_an_outage(name: str) -> None:
    """The first case has none: what the others are measured by."""
    world, arn = a_table(backlog_segments=RATE)
    world.away.outage = OUTAGES.get(name)
    began, minutes, objects = world.clock.now(), MINUTES.get(name, 15), world.faults.count("store.get")

    committed = [world.minute(arn, RECORDS) for _ in range(minutes)]

    assert committed == [SEGMENTS] * minutes, "capture goes on at full speed"
    assert not any(row.parked for row in world.rows.segments.values()), "nothing is parked"
    waiting = [row for row in ordered(world) if not row.indexed_at]
    if name:
        asked, spent = zip(*world.cost_of_runs[-minutes:], strict=True)
        assert max(asked) <= 1, "a run makes one failed request at most"
        assert max(spent) <= HANG_SECONDS
        assert len(world.away.asked_at) <= 2 * minutes + 6, "the backlog's call makes one too"
        assert world.faults.count("store.get") - objects <= SEGMENTS + minutes, "and reads one segment for it"
        assert len(waiting) == len([row for row in ordered(world) if row.committed_at >= began])
        assert_said(world, OUTAGES[name].says, began)
    world.away.outage = None
    assert_drains(world, [row.segment_id for row in waiting])


def ordered(world: WarmWorld) -> list[SegmentRow]:
    return sorted(world.rows.segments.values(), key=lambda row: (row.committed_at, row.segment_id))


def assert_said(world: WarmWorld, says: str, began: float) -> None:
    assert says in world.reasons()
    note = world.notes.read("backlog")
    since = [fact["since"] for fact in [*note["blocked"].values(), note] if "since" in fact]
    assert all(began <= at < began + 4 * 60 for at in since), "since it began, as far as the backlog can tell"


def assert_drains(world: WarmWorld, waiting: list[str]) -> None:
    """Oldest first, so many a call, until each entry is searchable once."""
    world.away.offered.clear()
    for _ in range(len(waiting) // RATE + 2):
        before = sum(bool(row.indexed_at) for row in world.rows.segments.values())
        world.drain()
        assert sum(bool(row.indexed_at) for row in world.rows.segments.values()) - before <= RATE
    offered = list(dict.fromkeys(segment for _, segment in world.away.offered if segment in set(waiting)))
    assert offered == waiting
    world.assert_complete()
    assert world.reasons() == ""


def test_a_breaker_that_finds_the_same_again_waits_longer_and_no_longer_than_some_minutes() -> None:
    world, arn = a_table()
    world.away.outage = OUTAGES["429 whole"]
    indexer = world.indexer(world._ports())
    pauses = []
    for _ in range(5):
        at = world.clock.now()
        indexer.breaker.trip()
        while indexer.breaker.is_open():
            world.clock.advance(1)
        pauses.append(world.clock.now() - at)
    assert pauses == [BREAKER_SECONDS, 2 * BREAKER_SECONDS, *[BREAKER_LONGEST_SECONDS] * 3]
    world.away.outage = None
    world.minute(arn, 1)
    assert indexer.breaker.seconds == BREAKER_SECONDS, "a request that was taken ends it"


def test_an_outage_over_the_end_of_a_month() -> None:
    """The next period's index was never made; when OpenSearch is back ReportRun makes it, and then it drains."""
    world, arn = a_table()
    world.away.outage = OUTAGES["stopped"]
    world.keeper_is_away = True
    february = int(datetime(2027, 2, 27, 23, 50, tzinfo=UTC).timestamp())
    world.clock.advance(february - world.clock.now())
    world.index.indices = {"tabletrail-v1-2027.01": world.index.indices["tabletrail-v1-2027.01"]}
    for _ in range(3):
        world.minute(arn, 2)
    world.clock.advance(2 * 24 * 3600)
    for _ in range(3):
        world.minute(arn, 2)
    assert "TransientError" in world.notes.read("last_run")["indices"]
    world.away.outage = None
    world.backlog().run("before the report")
    assert set(world.notes.read("backlog")["blocked"]) == {"tabletrail-v1-2027.02", "tabletrail-v1-2027.03"}
    assert "is missing; the next run makes it" in world.reasons()
    world.keeper_is_away = False
    world.run()
    assert world.notes.read("last_run")["indices"] == (
        "made tabletrail-v1-2027.02, tabletrail-v1-2027.03, tabletrail-v1-2027.04"
    )
    world.drain()
    world.assert_complete()


@pytest.mark.parametrize(
    ("why", "index", "text"),
    [
        ("no reply: OpenSearch cannot be reached", "", "OpenSearch cannot be reached"),
        ("401", "", "correct the secret (401)"),
        ("500", "", "OpenSearch is in trouble (500)"),
        ("parking failed: mapper_parsing_exception", "", "neither an entry nor the one in its place"),
        ("no time left", "", "the last call had no time left"),
        ("TransientError", "", "the backlog met TransientError"),
        ("every document refused: x", "i", "i refuses what it is offered (x)"),
        ("404 index_not_found_exception", "i", "i is missing"),
        ("403 security_exception", "i", "i does not take entries (403 security_exception)"),
    ],
)
def test_each_reason_has_words(why: str, index: str, text: str) -> None:
    assert text in words(why, index)
