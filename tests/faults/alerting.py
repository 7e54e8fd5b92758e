"""What must be true of alerts once a world has come to rest.

Called by the tests of crashes, of runs at once, and of alerts themselves.
"""

from __future__ import annotations

from collections.abc import Collection

from tabletrail.core.segment import Line, read
from tests.fakes.segments import FakeSegments
from tests.faults.world import World

HIGH = 73


def due(world: World) -> list[str]:
    """The ids of the entries that are due an alert, by the committed log; each row counts its own."""
    found = []
    for commit in world.rows.commits:
        if commit.segment is None:
            continue
        row = world.rows.segments[commit.segment.segment_id]
        lines = [line for line in read(world.store.get(row.key, row.version_id)) if isinstance(line, Line)]
        ids = [line.id for line in lines if line.entry["event"]["severity"] >= HIGH]
        assert row.alerts == len(ids), "a row counts other alerts than its segment holds"
        found += ids
    assert len(found) == len(set(found)), "an entry is due in two segments"
    return found


def assert_alerted(world: World, *, once: bool, but: Collection[str] = ()) -> None:
    """What is due left by each way, at least once or (the ways in `but` apart) exactly, and nothing else did."""
    ids = due(world)
    for name, way in world.ways.items():
        assert set(way.sent) == set(ids), f"by {name}, other alerts left than were due"
        assert not once or name in but or sorted(way.sent) == sorted(ids), f"by {name}, an alert left twice"
    assert FakeSegments(world.rows, world.clock).count_unalerted() == (0, 0), "a segment still owes alerts"
