"""Is the history of an item whole, and is the item of a past time the one that was there?"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.document import Entry
from tabletrail.core.entry import convert, coverage_entry, gap_entry, reduced_entry, retried_entry
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_log import Log, a_log
from tests.end_to_end.cli_story import CONVERSION, number, record, source, text

pytestmark = pytest.mark.stack

BEGIN = datetime(2033, 5, 1, 12, 0, tzinfo=UTC)
LONG_NUMBER = "1234567890.1234567890123456789012345678"


def minutes(count: float) -> datetime:
    return BEGIN + timedelta(minutes=count)


def _changes(table: str) -> list[Entry]:
    """item a: created, changed twice in one second, removed, created again; b: only changed; w: two key parts."""
    first = {"status": text("new"), "price": number(LONG_NUMBER), "updatedBy": text("alice")}
    paid = {**first, "status": text("paid"), "updatedBy": text("bob")}
    shipped = {**paid, "status": text("shipped"), "updatedBy": text("carol")}
    records = [
        record(1, minutes(10), "a", None, first),
        record(2, minutes(20), "a", first, paid),
        record(3, minutes(20), "a", paid, shipped),
        record(4, minutes(30), "a", shipped, None),
        record(5, minutes(40), "a", None, {"again": {"BOOL": True}}),
        record(6, minutes(45), "b", {"v": number("1")}, {"v": number("2")}),
    ]
    for n, (key, sort) in enumerate((("w", "10"), ("10", "w"))):
        wide = record(70 + n, minutes(46 + n), key, None, {"sort": text(sort)})
        wide["dynamodb"]["Keys"]["sort"] = text(sort)
        records.append(wide)
    return [convert(one, source(table, "shop"), CONVERSION) for one in records]


@pytest.fixture(scope="module")
def log(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with a_log(stack, tmp_path_factory.mktemp("named"), fill) as found:
        yield found


def fill(log: Log) -> None:
    joined = coverage_entry(source(log.table), CONVERSION, "joined", 1, int(minutes(0).timestamp()))
    bodies = log.commit([joined, *_changes(log.table)])
    gap = gap_entry(source(log.table), CONVERSION, str(10**20 + 5), "certain", int(minutes(90).timestamp()))
    bodies += log.commit([gap])
    large = convert(record(8, minutes(47), "p" * 600, None, {"v": text("parked")}), source(log.table), CONVERSION)
    [full] = log.commit([large])
    bodies += [reduced_entry(full, "mapper_parsing_exception"), retried_entry(full)]
    log.documents = [json.loads(body) for body in bodies]


def answer_at(log: Log, key: str, moment: datetime) -> tuple[int, dict[str, Any], str]:
    result = log.ask("history", key, "--at", moment.isoformat(), "--json")
    return result.code, json.loads(result.out or "{}"), result.err


def test_given_an_item_is_its_story_told_from_the_beginning(log: Log) -> None:
    result = log.ask("history", "a", "--zone", "Europe/Berlin")
    assert result.code == 0
    assert result.out.splitlines() == [
        "2033-05-01 14:10:00 +02:00  insert  alice (possible, attribute)",
        "  + id: a",
        f"  + price: {LONG_NUMBER}",
        "  + status: new",
        "  + updatedBy: alice",
        "2033-05-01 14:20:00 +02:00  modify  bob (possible, attribute)",
        "    status: new → paid",
        "    updatedBy: alice → bob",
        "2033-05-01 14:20:00 +02:00  modify  carol (possible, attribute)",
        "    status: paid → shipped",
        "    updatedBy: bob → carol",
        "2033-05-01 14:30:00 +02:00  remove  unknown (last known: carol)",
        "  - id: a",
        f"  - price: {LONG_NUMBER}",
        "  - status: shipped",
        "  - updatedBy: carol",
        "2033-05-01 14:40:00 +02:00  insert  unknown",
        "  + again: true",
        "  + id: a",
    ]


@pytest.mark.parametrize("key", ['{"id": "w", "sort": "10"}', '{"sort": {"S": "10"}, "id": {"S": "w"}}', "w/10"])
def test_given_a_key_of_two_parts_is_the_item_found_and_not_its_mirror(log: Log, key: str) -> None:
    assert [entry["after"] for entry in log.ask("history", key, "--json").entries] == [{"id": "w", "sort": "10"}]


def test_given_a_parked_entry_that_was_indexed_after_all_does_it_show_once(log: Log) -> None:
    entries = log.ask("history", "p" * 600, "--json").entries
    assert [entry["tabletrail"]["kind"] for entry in entries] == ["change"]
    assert answer_at(log, "p" * 600, minutes(50))[1]["item"]["v"] == {"S": "parked"}


@pytest.mark.parametrize(
    ("at", "state", "why", "status"),
    [
        (5, "absent", "created at 2033-05-01T12:10:00Z", None),
        (10, "existed", "as written at 2033-05-01T12:10:00Z", "new"),
        (19.99, "existed", "as written at 2033-05-01T12:10:00Z", "new"),
        # Two changes in one second: the later one is the item.
        (20, "existed", "as written at 2033-05-01T12:20:00Z", "shipped"),
        (29, "existed", "as written at 2033-05-01T12:20:00Z", "shipped"),
        (30, "absent", "removed at 2033-05-01T12:30:00Z", None),
        (39, "absent", "removed at 2033-05-01T12:30:00Z", None),
    ],
)
def test_given_a_time_is_the_item_the_one_that_was_there(
    log: Log, at: float, state: str, why: str, status: str | None
) -> None:
    code, answer, err = answer_at(log, "a", minutes(at))
    assert (answer["state"], answer["why"], err) == (state, why, "")
    assert code == (0 if state == "existed" else 1)
    assert (answer["item"] or {}).get("status", {}).get("S") == status


def test_given_long_numbers_are_all_their_digits_there(log: Log) -> None:
    assert answer_at(log, "a", minutes(15))[1]["item"]["price"] == {"N": LONG_NUMBER}
    shown = log.ask("history", "a", "--at", minutes(15).isoformat()).out
    assert f"  price: {LONG_NUMBER}\n" in shown
    assert "existed, as written at 2033-05-01T12:10:00Z" in shown


def test_given_only_a_later_change_is_the_item_what_that_change_replaced(log: Log) -> None:
    code, answer, _ = answer_at(log, "b", minutes(30))
    assert (code, answer["item"]["v"]) == (0, {"N": "1"})


def test_given_a_time_before_the_auditing_is_nothing_claimed(log: Log) -> None:
    for key in ("a", "b", "never-seen"):
        code, answer, _ = answer_at(log, key, minutes(-10))
        assert (code, answer["state"], answer["why"]) == (1, "unknown", "unknown before 2033-05-01T12:00:00Z")


def test_given_an_item_without_entries_is_that_said(log: Log) -> None:
    code, answer, _ = answer_at(log, "never-seen", minutes(30))
    assert (code, answer["state"]) == (1, "unknown")
    assert "has not changed since auditing began" in answer["why"]
    assert log.ask("history", "never-seen").code == 1


def test_given_a_gap_that_may_hide_a_change_is_the_answer_called_uncertain(log: Log) -> None:
    """The gap was seen at 90, and the last record before it is of 40: it hides nothing before that."""
    assert answer_at(log, "a", minutes(35))[2] == ""
    for at in (60, 120):
        assert "not certain: 2033-05-01T13:30:00Z: changes of" in answer_at(log, "a", minutes(at))[2]


def test_given_a_segment_that_waits_for_indexing_is_the_answer_called_uncertain(log: Log) -> None:
    with log.waiting():
        assert "1 segments wait to be indexed" in answer_at(log, "a", minutes(15))[2]


def _damaged(log: Log, row: SegmentRow) -> tuple[int, str]:
    """What is said while the first segment's row is this one."""
    client = log.stack.session().client("dynamodb")
    names = {"version_id": row.version_id, "sha256": row.sha256}

    def put(values: dict[str, str]) -> None:
        client.update_item(
            TableName=log.tables.segments,
            Key={"segment_id": {"S": row.segment_id}},
            UpdateExpression="SET version_id = :v, sha256 = :s",
            ExpressionAttributeValues={":v": {"S": values["version_id"]}, ":s": {"S": values["sha256"]}},
        )

    put(names)
    try:
        result = log.ask("history", "a", "--at", minutes(15).isoformat())
    finally:
        put({"version_id": log.rows[0].version_id, "sha256": log.rows[0].sha256})
    assert result.out == ""
    return result.code, result.err


def test_given_an_object_that_is_not_the_committed_one_is_it_called_damage(log: Log) -> None:
    s3 = log.stack.session().client("s3")
    forged = s3.put_object(Bucket=log.bucket, Key=log.rows[0].key, Body=b"forged")["VersionId"]
    code, err = _damaged(log, replace(log.rows[0], version_id=forged))
    assert code == 4
    assert "is not what was committed: its SHA-256 is" in err


def test_given_an_object_that_is_gone_is_it_called_damage(log: Log) -> None:
    code, err = _damaged(log, replace(log.rows[0], version_id=str(uuid.uuid4())))
    assert code == 4
    assert "the log is damaged" in err
