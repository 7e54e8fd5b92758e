"""Is each kind of damage to the tables found: lost and altered rows, broken chains, moved checkpoints?"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from tabletrail.aws.rows import encode_segment
from tabletrail.core.chain import link_of
from tabletrail.core.checkpoint import GENESIS_CHAIN, SegmentRow, ShardKey, ShardLink
from tabletrail_verify.findings import KINDS, Finding
from tests.verify.checked_world import Checked, segments_of


def only(findings: list[Finding], code: str) -> Finding:
    (found,) = [finding for finding in findings if finding.code == code]
    assert found.facts()["advice"] == KINDS[code][1]
    return found


def test_a_lost_row_in_the_middle_of_a_chain(checked: Checked, orders: str, victim: SegmentRow) -> None:
    checked.tables.changes[victim.segment_id] = None
    findings = checked.findings()
    holes = {finding.shard: finding for finding in findings if finding.code == "chain-hole"}
    following = segments_of(checked.world, orders, "shard-1")[2]
    assert holes["shard-1"].segment == following.segment_id
    assert {finding.code for finding in findings} <= {"chain-hole", "checkpoint-records", "coverage-hole"}


def test_a_lost_row_at_the_end_of_a_chain(checked: Checked, orders: str) -> None:
    last = segments_of(checked.world, orders, "rolled")[-1]
    checked.tables.changes[last.segment_id] = None
    findings = checked.findings()
    assert only(findings, "checkpoint-ahead").shard == "rolled"
    assert {finding.code for finding in findings} == {"checkpoint-ahead", "checkpoint-records"}


def test_a_lost_row_that_holds_coverage_only(checked: Checked) -> None:
    row = next(row for row in checked.world.rows.segments.values() if not row.links)
    checked.tables.changes[row.segment_id] = None
    entry = next(one for one in checked.world.lines() if one["log"]["segment"] == row.segment_id)
    (found,) = checked.findings()
    assert (found.code, found.stream) == ("coverage-hole", entry["stream"]["arn"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", {"S": "large"}),
        ("size", {"N": "9" * 30}),
        ("entries", {"N": "-1"}),
        ("key", {"N": "1"}),
        ("links", {"L": [{"L": []}]}),
        ("stream_arns", {"L": []}),
        ("indices", {"S": "all"}),
    ],
)
def test_a_row_that_cannot_be_read(checked: Checked, victim: SegmentRow, name: str, value: dict[str, Any]) -> None:
    item = checked.tables.segment(victim.segment_id)
    item[name] = value
    checked.tables.changes[victim.segment_id] = item
    assert only(checked.findings(), "row-unreadable").segment == victim.segment_id


@pytest.mark.parametrize(("place", "value"), [(2, {"S": "1"}), (4, {"N": "77"}), (5, {"B": b"x" * 32})])
def test_an_altered_link(checked: Checked, victim: SegmentRow, place: int, value: dict[str, Any]) -> None:
    item = checked.tables.segment(victim.segment_id)
    at = next(n for n, packed in enumerate(item["links"]["L"]) if packed["L"][1]["S"] == "shard-1")
    item["links"]["L"][at]["L"][place] = value
    checked.tables.changes[victim.segment_id] = item
    findings = checked.findings()
    found = only(findings, "chain-altered")
    assert (found.segment, found.shard) == (victim.segment_id, "shard-1")
    assert only(findings, "link-differs").segment == victim.segment_id


def test_a_checkpoint_that_was_moved_on(checked: Checked, orders: str) -> None:
    """As whoever wants records skipped would do it."""
    move(checked, orders, "right", sequence_no="99999")
    found = only(checked.findings(), "checkpoint-position")
    assert (found.shard, found.stream) == ("right", orders)


def test_a_checkpoint_that_was_moved_back(checked: Checked, orders: str) -> None:
    link = segments_of(checked.world, orders, "rolled")[0].links
    first = next(one for one in link if one.shard_id == "rolled")
    move(checked, orders, "rolled", sequence_no=first.last, chain_hash=first.chain, records=first.count)
    assert {finding.code: finding.shard for finding in checked.findings()} == {
        "checkpoint-behind": "rolled",
        "checkpoint-records": "rolled",
    }


def test_a_checkpoint_that_was_made_anew(checked: Checked, orders: str) -> None:
    move(checked, orders, "rolled", sequence_no=None, chain_hash=GENESIS_CHAIN, records=0)
    assert "checkpoint-behind" in checked.codes()


def test_a_young_checkpoint_that_is_gone(checked: Checked, orders: str) -> None:
    del checked.world.rows.shards[ShardKey(orders, "rolled")]
    (found,) = checked.findings()
    assert (found.code, found.shard) == ("checkpoint-missing", "rolled")


def test_a_checkpoint_that_counted_others(checked: Checked, orders: str) -> None:
    row = checked.world.rows.shards[ShardKey(orders, "right")]
    move(checked, orders, "right", records=row.records + 1)
    (found,) = checked.findings()
    assert (found.code, found.shard) == ("checkpoint-records", "right")


def test_a_child_that_begins_before_its_parent_ends(checked: Checked, orders: str) -> None:
    row = checked.world.rows.shards[ShardKey(orders, "right")]
    move(checked, orders, "right", parent_shard_id="rolled")
    assert row.parent_shard_id == "shard-0"
    (found,) = checked.findings()
    assert (found.code, found.shard) == ("child-order", "right")


def test_an_order_that_was_forged_in_object_and_rows(checked: Checked, orders: str) -> None:
    """Whoever may write all of them can make every hash right, but records do not come in another order."""
    (row,) = segments_of(checked.world, orders, "right")
    (link,) = [one for one in row.links if one.shard_id == "right"]
    at = row.links.index(link)

    def forge(lines: list[dict[str, Any]]) -> None:
        ours = [n for n, one in enumerate(lines[1:], 1) if one["entry"]["stream"]["shard"] == "right"]
        first, second = ours[:2]
        lines[first], lines[second] = lines[second], lines[first]
        for number, one in enumerate(lines[1:], 1):
            one["entry"]["log"]["line"] = number
        numbers = [lines[n]["entry"]["stream"]["sequence"] for n in ours]
        lines[0]["links"][at] = asdict(link_of(link.previous_chain, orders, "right", numbers))
        links.append(ShardLink(**lines[0]["links"][at]))

    links: list[ShardLink] = []
    checked.rewrite(row, forge, row_too=True)
    forged = replace(row, links=(*row.links[:at], links[0], *row.links[at + 1 :]))
    checked.tables.changes[row.segment_id]["links"] = encode_segment(forged)["links"]  # type: ignore[index]
    move(checked, orders, "right", chain_hash=links[0].chain)
    (found,) = checked.findings()
    assert (found.code, found.segment, found.shard) == ("link-differs", row.segment_id, "right")
    assert "do not rise" in found.detail


def test_a_table_that_was_restored_and_read_on(checked: Checked, items: str) -> None:
    """The records that the stream still has are read again: their entries stand in the log twice."""
    world = checked.world
    world.write(items, "shard-0", 3)
    before = world.rows.shards[ShardKey(items, "shard-0")]
    world.run()
    world.rows.shards[ShardKey(items, "shard-0")] = before
    world.run()
    findings = checked.findings()
    assert len([finding for finding in findings if finding.code == "entry-doubled"]) == 3
    assert only(findings, "chain-fork").shard == "shard-0"
    doubled = {entry["event"]["id"] for entry in world.lines()[-3:]}
    assert {finding.entry for finding in findings if finding.code == "entry-doubled"} == doubled


def move(checked: Checked, stream: str, shard: str, **values: Any) -> None:
    key = ShardKey(stream, shard)
    checked.world.rows.shards[key] = replace(checked.world.rows.shards[key], **values)
