"""Is a log with entries of kind attribution found whole, and is each of them found that is forged, moved or astray?"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tabletrail.attribution_commit import GROUP
from tabletrail.core.checkpoint import SegmentRow
from tabletrail_verify.verification import Wish
from tests.fakes.faulty import Plan
from tests.fakes.rules import KEY
from tests.faults.attributing import ALICE, BOB, TrailWorld, begun
from tests.faults.ruled import SECRET
from tests.verify.checked_world import Checked, in_turn, sealed

Lines = list[dict[str, Any]]


@cache
def _world() -> TrailWorld:
    """Changes with a caller, one without, a call without a change; under rules that hide the items' keys."""
    world = TrailWorld()
    world.publish(SECRET)
    world, (orders,) = begun("orders", world=world)
    for number in range(3):
        world.call(orders, f"planted-{number}", ALICE)
        world.clock.advance(60)
    world.changed(orders, "planted-unseen")
    world.tell(orders, "planted-nothing", BOB)
    world.deliver()
    world.minutes(20)
    world.settle()
    world.attribute()
    for _ in range(2):
        world.drain()
    world.assert_attributed()
    return world


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    world = deepcopy(_world(), {id(_world().faults): Plan()})
    return Checked(world, tmp_path, Wish(all_schemas=True), lambda: KEY)


@pytest.fixture
def victim(checked: Checked) -> SegmentRow:
    [row] = [row for row in checked.world.rows.segments.values() if row.group_id == GROUP]
    return row


def test_is_a_log_with_attributions_whole(checked: Checked) -> None:
    result, findings = checked.run()
    assert findings == []
    assert result.entries == len(checked.world.lines())


def test_is_a_hidden_key_shown_nowhere(checked: Checked) -> None:
    world = checked.world
    assert isinstance(world, TrailWorld)
    found = world.found()
    assert [entry["event"]["action"] for entry in found].count("attributed") == 3
    assert {entry["event"]["action"] for entry in found} == {"attributed", "unattributed", "unrecorded"}
    assert "planted" not in json.dumps(found)
    changes = {one["event"]["id"]: one["item"] for one in world.lines() if one["tabletrail"]["kind"] == "change"}
    for entry in found:
        assert entry["item"]["id"].startswith("token:"), "the same item can be asked for"
        if "about" in entry["tabletrail"]:
            assert entry["item"] == changes[entry["tabletrail"]["about"]]


def about_another(entry: dict[str, Any]) -> None:
    entry["tabletrail"]["about"] = "a" * 64


def another_call(entry: dict[str, Any]) -> None:
    entry["principal"]["call"] = "another"


def another_name(entry: dict[str, Any]) -> None:
    entry["principal"]["name"] = "mallory"


def in_clear(entry: dict[str, Any]) -> None:
    entry["item"]["key"] = {"id": "planted-0"}


@pytest.mark.parametrize(
    ("line", "change", "codes"),
    [
        (1, about_another, {"entry-id", "about-missing"}),
        (-1, another_call, {"entry-id"}),
        (1, in_clear, {"value-clear"}),
    ],
    ids=["about", "call", "clear"],
)
def test_is_a_forged_one_found_though_its_hash_fits(
    checked: Checked, victim: SegmentRow, line: int, change: Callable[[dict[str, Any]], None], codes: set[str]
) -> None:
    def forge(lines: Lines) -> None:
        entry = lines[line]["entry"]
        in_turn(change, sealed)(entry)

    checked.rewrite(victim, forge, row_too=True)
    assert codes <= checked.codes()


def test_is_an_altered_one_found(checked: Checked, victim: SegmentRow) -> None:
    def forge(lines: Lines) -> None:
        another_name(lines[1]["entry"])

    checked.rewrite(victim, forge, row_too=True)
    assert "entry-hash" in checked.codes()


def test_is_one_found_whose_change_is_gone(checked: Checked) -> None:
    """The row of the changes' segment was lost, say; what was said of them is there."""
    rows = checked.world.rows.segments
    [changes] = [row for row in rows.values() if row.links]
    checked.tables.changes[changes.segment_id] = None
    assert {"about-missing", "checkpoint-ahead"} <= checked.codes()
