"""Is what Firehose writes of EventBridge's events the same calls as the trail's own file?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.cloudtrail import LogFile, read_log, unique
from tests.core.trail import ACCOUNT, REGION, SCOPE, delete, event, log, put, read, table_arn, update, user

KEY = {"customer": "c-17", "order": "2026/0001"}
RECORDS = [
    put(KEY, eventID="1"),
    update(KEY, eventID="2", userIdentity=user("bob")),
    delete({"n": 12345678901234567890123456789012345678}, eventID="3"),
    put(KEY, eventID="4", errorCode="AccessDenied"),
    event("GetItem", {"tableName": "orders", "key": KEY}, eventID="5", readOnly=True),
]


def enveloped(record: dict[str, Any]) -> dict[str, Any]:
    """As EventBridge has it, without an InputPath."""
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.dynamodb",
        "account": ACCOUNT,
        "time": record.get("eventTime"),
        "region": REGION,
        "resources": [table_arn("orders")],
        "detail": record,
    }


def firehose(*records: Any, between: str = "") -> bytes:
    return between.join(json.dumps(record) for record in records).encode()


@pytest.mark.parametrize("between", ["", "\n", " \r\n\t"])
@pytest.mark.parametrize("form", [lambda record: record, enveloped], ids=["detail", "event"])
def test_it_says_what_the_trail_s_own_file_says(form: Any, between: str) -> None:
    found = read_log(firehose(*map(form, RECORDS), between=between) + between.encode(), SCOPE)
    assert found == read(*RECORDS)
    assert (len(found.calls), found.records) == (3, 5)


def test_one_call_in_both_files_is_one() -> None:
    both = read(*RECORDS).calls + read_log(firehose(*map(enveloped, RECORDS)), SCOPE).calls
    assert [call.id for call in unique(both)] == ["1", "2", "3"]


@pytest.mark.parametrize("cut", [1, 10, 400])
def test_of_a_file_that_breaks_off_what_stands_before_counts_and_the_break_is_told(cut: int) -> None:
    found = read_log(firehose(*RECORDS[:2])[:-cut], SCOPE)
    assert [call.id for call in found.calls] == ["1"]
    assert (found.records, found.bad) == (2, {"file breaks off": 1})


@pytest.mark.parametrize("broken", [b"\xff", b'{"userAgent": "\xc3'])
def test_a_break_within_a_letter_is_told_too(broken: bytes) -> None:
    found = read_log(firehose(put({"id": "straße"}, eventID="1")) + broken, SCOPE)
    assert found.calls[0].writes[0].key == (("id", "straße"),)
    assert (found.records, found.bad) == (2, {"file breaks off": 1})


def test_no_byte_is_left_out_of_a_key() -> None:
    """A key with a byte that is no letter would be another item's without it."""
    broken = firehose(put({"id": "order-@7"}, eventID="2")).replace(b"@", b"\xff")
    found = read_log(firehose(put({"id": "1"}, eventID="1")) + broken, SCOPE)
    assert [call.id for call in found.calls] == ["1"]
    assert found.bad == {"file breaks off": 1}


def test_a_number_keeps_each_digit() -> None:
    digits = "0.12345678901234567890123456789012345678"
    [call] = read_log(firehose(put({"n": "@"})).replace(b'"@"', digits.encode()), SCOPE).calls
    assert call.writes[0].key == (("n", digits),)


def test_what_is_no_record_among_them_is_bad_and_the_others_count() -> None:
    found = read_log(firehose(RECORDS[0], 7, {"detail": RECORDS[1]}, RECORDS[2]), SCOPE)
    assert [call.id for call in found.calls] == ["1", "3"]
    assert found.bad == {"record is not an object": 1, "record is of an unknown version": 1}
    assert found.records == 4


@pytest.mark.parametrize("data", [b" ", b"{", firehose({"detail": {}}), firehose(7, RECORDS[0])])
def test_a_file_that_begins_as_none_does_is_one_bad_record(data: bytes) -> None:
    found = read_log(data, SCOPE)
    assert (found.records, len(found.calls), sum(found.bad.values())) == (1, 0, 1)


def test_files_of_both_kinds_in_one_are_read_to_the_end() -> None:
    found = read_log(log(RECORDS[0]) + firehose(RECORDS[1]) + log(RECORDS[2]), SCOPE)
    assert [call.id for call in found.calls] == ["1", "2", "3"]


@given(st.binary(max_size=40), st.integers(0, 3))
def test_nothing_in_it_raises_and_each_record_counts_once(rest: bytes, number: int) -> None:
    found: LogFile = read_log(firehose(*RECORDS[:number]) + rest, SCOPE)
    assert found.records == len(found.calls) + sum(found.left_out.values()) + sum(found.bad.values())
    assert len(found.calls) == number
    if rest.strip(b" \t\r\n"):
        assert found.bad
