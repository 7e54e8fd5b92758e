"""Is each record of a CloudTrail file a call that shows what it wrote, or counted?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tabletrail.core import cloudtrail
from tabletrail.core.cloudtrail import LogFile, read_log, unique
from tabletrail.core.cloudtrail_writes import UNKNOWN, Write
from tests.core.trail import (
    NOON,
    OTHER_ACCOUNT,
    SCOPE,
    call,
    delete,
    event,
    log,
    put,
    read,
    table_arn,
    update,
    user,
)

KEY = {"customer": "c-17", "order": "2026/0001"}
SHOWN = (("customer", "c-17"), ("order", "2026/0001"))
ONE = Write("orders", "put", SHOWN)


def total(found: LogFile) -> int:
    return len(found.calls) + sum(found.left_out.values()) + sum(found.bad.values())


@pytest.mark.parametrize(
    ("record", "writes"),
    [
        (put(KEY), (ONE,)),
        (update(KEY), (Write("orders", "update", SHOWN),)),
        (delete(KEY), (Write("orders", "delete", SHOWN),)),
        (put(KEY, table_arn("orders")), (ONE,)),
        (put({"id": 12345678901234567890123456789012345678}), None),
        (put({"id": {"S": "7"}}), (Write("orders", "put", (("id", "7"),)),)),
        (put({"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}), (Write("orders", "put"),)),
        (event("PutItem", None), (Write("orders", "put"),)),
        (event("PutItem", {"tableName": "orders", "key": "odd"}), (Write("orders", "put"),)),
        (event("UpdateItem", {"TableName": "orders", "Key": KEY}), (Write("orders", "update", SHOWN),)),
    ],
)
def test_a_single_call_shows_table_and_key(record: dict[str, Any], writes: tuple[Write, ...] | None) -> None:
    number = (Write("orders", "put", (("id", "12345678901234567890123456789012345678"),)),)
    assert call(record).writes == (writes or number)


def test_a_transaction_shows_each_item_and_its_checks_write_nothing() -> None:
    """The guide's example: names in either case, a ConditionCheck among the actions."""
    items = [
        {"operation": "Put", "tableName": "orders", "key": KEY, "items": ["customer", "order"]},
        {"operation": "Update", "tableName": "stock", "key": {"sku": "s1"}, "ConditionExpression": "size(x) > :one"},
        {"operation": "Delete", "TableName": "orders", "key": {"customer": "c-18", "order": "1"}},
        {"operation": "ConditionCheck", "TableName": "orders", "Key": {"customer": "c-19", "order": "1"}},
        {"operation": "Put", "tableName": "unaudited", "key": {"id": "1"}},
    ]
    assert call(event("TransactWriteItems", {"requestItems": items})).writes == (
        Write("orders", "delete", (("customer", "c-18"), ("order", "1"))),
        ONE,
        Write("stock", "update", (("sku", "s1"),)),
    )


@pytest.mark.parametrize(
    "items",
    [
        [
            {"operation": "Put", "tableName": "orders", "key": KEY},
            {"operation": "Delete", "tableName": "stock", "key": {"sku": "1"}},
        ],
        [
            {"tableName": "orders", "putRequest": {"key": KEY}},
            {"tableName": "stock", "deleteRequest": {"key": {"sku": "1"}}},
        ],
        {"orders": [{"PutRequest": {"key": KEY}}], "stock": [{"DeleteRequest": {"Key": {"sku": {"S": "1"}}}}]},
    ],
)
def test_a_batch_is_read_in_each_form(items: Any) -> None:
    found = call(event("BatchWriteItem", {"requestItems": items}))
    assert found.writes == (ONE, Write("stock", "delete", (("sku", "1"),)))


@pytest.mark.parametrize(
    "parameters",
    [None, {}, {"omitted": True}, {"requestItems": []}, {"requestItems": "odd"}, {"requestItems": [{}] * 101}, [1]],
)
def test_a_batch_that_is_not_understood_may_have_written_anything(parameters: Any) -> None:
    found = call(event("BatchWriteItem", parameters))
    assert found.writes == (Write("orders", UNKNOWN.operation),)


def test_a_part_without_a_table_is_of_any_table_that_the_call_names() -> None:
    items = [{"operation": "Put", "tableName": "stock", "key": {"sku": "1"}}, "odd"]
    found = call(event("BatchWriteItem", {"requestItems": items}, resources=None))
    assert Write("stock", "unknown") in found.writes


@pytest.mark.parametrize(
    ("name", "parameters", "writes"),
    [
        (
            "ExecuteStatement",
            {"statement": "UPDATE orders SET x = ***(Redacted) WHERE customer = 'c-17' AND \"order\" = '2026/0001'"},
            (Write("orders", "change", SHOWN),),
        ),
        (
            "BatchExecuteStatement",
            {"requestItems": [{"statement": "INSERT INTO orders VALUE {'customer' : ***(Redacted)}"}]},
            (Write("orders", "insert"),),
        ),
        (
            "ExecuteTransaction",
            {"transactStatements": [{"statement": "DELETE FROM stock WHERE sku = ?", "parameters": ["x"]}]},
            (Write("stock", "delete"),),
        ),
    ],
)
def test_statements_show_what_their_text_shows(name: str, parameters: Any, writes: tuple[Write, ...]) -> None:
    assert call(event(name, parameters)).writes == writes


def test_how_the_call_came_is_told() -> None:
    found = call(put(KEY, userIdentity=user("alice") | {"invokedBy": "cloudformation.amazonaws.com"}))
    assert (found.source_address, found.request_id[:4]) == ("192.0.2.10", "4KBN")
    assert found.user_agent.startswith("aws-cli/")
    assert found.invoked_by == "cloudformation.amazonaws.com"
    assert found.seconds == NOON


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (put(KEY, errorCode="ConditionalCheckFailedException"), "failed"),
        (put(KEY, errorMessage="The conditional request failed"), "failed"),
        (event("TransactWriteItems", {}, errorCode="TransactionCanceledException"), "failed"),
        (put(KEY, errorCode="AccessDenied"), "failed"),
        (put(KEY, awsRegion="us-east-1"), "other region"),
        (put(KEY, table_arn("orders", OTHER_ACCOUNT)), "other account"),
        (put(KEY, "orders", resources=[{"ARN": table_arn("orders", OTHER_ACCOUNT)}]), "other account"),
        (put(KEY, "unaudited"), "other table"),
        (put(KEY, eventSource="s3.amazonaws.com"), "other service"),
        (event("GetItem", {"tableName": "orders", "key": KEY}, readOnly=True), "not a write"),
        (event("UpdateTable", {"tableName": "orders"}), "not a write"),
        (event("ExecuteStatement", {"statement": "SELECT * FROM orders WHERE customer = 'c-17'"}), "not a write"),
        (event("ExecuteStatement", {"statement": "x"}, readOnly=True), "not a write"),
    ],
)
def test_what_is_none_of_ours_is_left_out_with_a_count(record: dict[str, Any], reason: str) -> None:
    found = read(record, put(KEY))
    assert (len(found.calls), found.left_out, found.bad) == (1, {reason: 1}, {})


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (None, "record is not an object"),
        ([], "record is not an object"),
        ({}, "record is of an unknown version"),
        (put(KEY, eventVersion="2.0"), "record is of an unknown version"),
        (put(KEY, eventTime=None), "record has no usable eventTime"),
        (put(KEY, eventTime="2026-11-31T12:00:00Z"), "record has no usable eventTime"),
        (put(KEY, eventTime=1795500000), "record has no usable eventTime"),
        (put(KEY, eventID=None), "record has no eventID"),
        (event("PutItem", None, resources=None), "record names no table"),
    ],
)
def test_what_cannot_be_read_is_bad_with_its_reason(record: Any, reason: str) -> None:
    found = read(record, put(KEY), record)
    assert (len(found.calls), found.bad, found.left_out) == (1, {reason: 2}, {})


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "file is not JSON"),
        (b"\xff", "file is not JSON"),
        (b"[" * 100_000, "file is not JSON"),
        (b"7", "file has no Records"),
        (b"[]", "file has no Records"),
        (b"{}", "file has no Records"),
        (b'{"Records": {}}', "file has no Records"),
    ],
)
def test_a_file_that_is_none_is_one_bad_record(data: bytes, reason: str) -> None:
    assert read_log(data, SCOPE) == LogFile(records=1, bad={reason: 1})


def test_a_file_above_the_bound_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudtrail, "FILE_BYTES", 10)
    assert read_log(log(put(KEY)), SCOPE).bad == {"file too large": 1}


def test_one_call_is_one_in_however_many_files_and_accounts() -> None:
    first = call(put(KEY))
    shared = call(put(KEY, eventID="x", sharedEventID="s", userIdentity=user("zoe", OTHER_ACCOUNT)))
    again = call(put(KEY, eventID="y", sharedEventID="s", userIdentity=user("zoe", OTHER_ACCOUNT)))
    assert [one.id for one in unique([shared, first, again, first])] == [first.id, "s"]


@pytest.mark.parametrize(("was", "is_now"), [("alice", "bob"), ("bob", "alice")])
def test_an_updated_event_replaces_the_first(was: str, is_now: str) -> None:
    first = put(KEY, userIdentity=user(was))
    addendum = {"reason": "UPDATED_DATA", "originalEventID": first["eventID"]}
    later = put(KEY, userIdentity=user(is_now), eventID="later", addendum=addendum)
    for order in ([first, later], [later, first]):
        [found] = unique(read(*order).calls)
        assert found.principal.name == is_now


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("orders"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*put(KEY), "errorCode", "addendum", "sharedEventID"])
PARAMETERS = st.dictionaries(
    st.sampled_from(["tableName", "key", "requestItems", "statement", "transactItems", "operation"]), values, max_size=3
)
NAMES = st.sampled_from(["PutItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement", "ExecuteTransaction"])
odd_records = st.one_of(
    values,
    st.builds(event, NAMES, PARAMETERS),
    st.builds(lambda name, odd: put(KEY) | {name: odd}, FIELDS, values),
)


@given(st.lists(odd_records, max_size=4))
@example([put({"id": "\ud800"}, userAgent="\ud800")])
def test_nothing_in_a_file_raises_and_each_record_counts_once(records: list[Any]) -> None:
    found = read(*records)
    assert found.records == total(found) == len(records)
    for one in found.calls:
        assert one.writes
        assert {write.table for write in one.writes} <= SCOPE.tables
        one.user_agent.encode()
