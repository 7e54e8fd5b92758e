"""Rows of the outbox from a real table: many, large, torn, throttled, lost, refused; is it all, or an error?"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tabletrail.aws import outbox as outbox_module
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.direct_calls import DirectCalls
from tabletrail.aws.outbox import TableOutbox
from tabletrail.aws.tries import Tries
from tabletrail.core.outbox import RowKey, Span, id_span, row_in
from tabletrail.deadline import Deadline
from tabletrail.errors import OutboxError, ThrottledError, TransientError
from tabletrail_client.context import Act
from tabletrail_client.outbox import row as row_of
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.ports.local_tables import drop_tables, make_table, unique
from tests.ports.test_lost_replies import AFTER, BEFORE, TIMEOUT, LossyClient, StingyClient, reply_error

pytestmark = pytest.mark.stack

ALWAYS = id_span(0, 2**48 - 1)
ACT = Act("alice", service="crm", reason="a refund", context={"ticket": 17})


@dataclass
class Tables:
    """An outbox; `direct` stands in its adapter for the SDK's client."""

    sdk: Any
    direct: DirectCalls
    outbox: str

    def put(self, *rows: dict[str, Any]) -> list[RowKey]:
        for start in range(0, len(rows), 25):
            requests = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
            self.sdk.batch_write_item(RequestItems={self.outbox: requests})
        return [RowKey(row["item"]["S"], row["id"]["S"]) for row in rows]

    def reader(self, client: Any = None, clock: Any = None) -> TableOutbox:
        clock = clock or FakeClock()
        return TableOutbox(client or self.direct, self.outbox, Tries(clock), clock)


@pytest.fixture(scope="module")
def tables(stack: StackInfo) -> Iterator[Tables]:
    session = stack.session()
    sdk = dynamodb_client(session)
    tables = Tables(sdk, DirectCalls(session, sdk), unique("outbox"))
    make_table(sdk, tables.outbox, "item", "id")
    yield tables
    drop_tables(sdk, tables.outbox)


def rows(count: int, action: str = "update", table: str = "") -> list[dict[str, Any]]:
    """As the writers' package makes them, of as many items."""
    table = table or unique("orders")
    return [row_of(ACT, action, table, {"pk": {"S": f"order#{number}"}}) for number in range(count)]


def one_item(count: int, action: str = "delete") -> list[dict[str, Any]]:
    """Rows of one item, in the order of their ids."""
    table = unique("orders")
    return [row_of(ACT, action, table, {"pk": {"S": "order#17"}}) for _ in range(count)]


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"]["S"] for item in items]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_all_rows_come(tables: Tables, count: int) -> None:
    keys = tables.put(*rows(count))
    absent = [RowKey("0" * 64, key.id) for key in keys]
    found = tables.reader().rows([*keys, *absent, *keys])
    assert Counter(ids(found)) == Counter(key.id for key in keys)
    assert all(row_in(item) for item in found)


def test_a_key_that_cannot_be_spoils_no_others(tables: Tables) -> None:
    [key] = tables.put(*rows(1))
    assert ids(tables.reader().rows([RowKey("", key.id), key, RowKey(key.item, "")])) == [key.id]
    spans: dict[Span, list[Any]] = {Span("", *ALWAYS): [], Span("0" * 64, *ALWAYS): []}
    assert tables.reader().deletes(spans) == spans


def test_rows_come_whole_from_among_items_of_any_size(tables: Tables) -> None:
    """Sixty are more than the 16 MB that the service gives in one reply."""
    made = [{**row, "reason": {"S": "x" * (390_000 if number % 10 else 1_000)}} for number, row in enumerate(rows(66))]
    for row in made:
        tables.sdk.put_item(TableName=tables.outbox, Item=row)
    keys = [RowKey(row["item"]["S"], row["id"]["S"]) for row in made]
    found = TableOutbox(tables.direct, tables.outbox, Tries(SystemClock()), SystemClock()).rows(keys)
    assert sorted(found, key=str) == sorted(made[::10], key=str)


def test_keys_that_are_left_are_asked_for_again(tables: Tables) -> None:
    keys = tables.put(*rows(5))
    stingy = StingyClient(tables.direct, "", [])
    assert sorted(ids(tables.reader(stingy).rows(keys))) == sorted(key.id for key in keys)


def test_keys_that_are_left_for_good_are_an_error(tables: Tables) -> None:
    keys = tables.put(*rows(9))
    with pytest.raises(ThrottledError):
        tables.reader(StingyClient(tables.direct, "", [])).rows(keys)


def test_deletes_come_in_order_and_no_other_action(tables: Tables) -> None:
    made = [*one_item(3), row_of(ACT, "update", unique("other"), {"pk": {"S": "order#17"}})]
    changed = {**row_of(ACT, "update", "orders", {"pk": {"S": "x"}}), "item": made[0]["item"]}
    tables.put(*made, changed)
    spans = [Span(made[0]["item"]["S"], *ALWAYS), Span("0" * 64, *ALWAYS)]
    found = tables.reader(StingyClient(tables.direct, "", [])).deletes(spans)
    assert [ids(found[span]) for span in spans] == [ids(made[:3]), []]


def test_both_bounds_of_a_span_are_in_it(tables: Tables) -> None:
    made = one_item(3)
    tables.put(*made)
    item, first, last = made[0]["item"]["S"], *ids(made[::2])
    assert ids(tables.reader().deletes([Span(item, first, last)])[Span(item, first, last)]) == ids(made)
    assert ids(tables.reader().deletes([Span(item, last, last)])[Span(item, last, last)]) == [last]


def test_a_hundred_of_a_span_are_enough(tables: Tables) -> None:
    made = one_item(130)
    tables.put(*made)
    span = Span(made[0]["item"]["S"], *ALWAYS)
    assert ids(tables.reader().deletes([span])[span]) == ids(made[:100])


def test_many_spans_are_answered_each(tables: Tables) -> None:
    made = rows(60, "delete")
    spans = [Span(key.item, *ALWAYS) for key in tables.put(*made)]
    found = tables.reader().deletes(spans)
    assert [ids(found[span]) for span in spans] == [[one] for one in ids(made)]


@pytest.mark.parametrize("method", ["batch_get_item", "query"])
@pytest.mark.parametrize("way", [BEFORE, AFTER])
def test_a_lost_reply_is_asked_for_again(tables: Tables, method: str, way: str) -> None:
    made = one_item(2)
    keys = tables.put(*made)
    lossy = LossyClient(tables.direct, method, [(way, TIMEOUT), (way, reply_error("ThrottlingException"))])
    reader, span = tables.reader(lossy), Span(keys[0].item, *ALWAYS)
    found = reader.rows(keys) if method == "batch_get_item" else reader.deletes([span])[span]
    assert sorted(ids(found)) == ids(made)
    assert len(lossy.sent) == 3


def test_every_read_is_consistent(tables: Tables) -> None:
    """The local AWS answers so in any case; the service only if it is asked to."""
    batches, queries = (LossyClient(tables.direct, method, []) for method in ("batch_get_item", "query"))
    keys = tables.put(*rows(101))
    tables.reader(batches).rows(keys)
    tables.reader(queries).deletes([Span(key.item, *ALWAYS) for key in keys[:2]])
    asked = [*(sent["RequestItems"][tables.outbox] for sent in batches.sent), *queries.sent]
    assert [one["ConsistentRead"] for one in asked] == [True] * 4


class Failing:
    """A client whose reads fail; counts them. `clock` is moved by each."""

    def __init__(self, error: Exception, clock: FakeClock, seconds: float = 0.0) -> None:
        self.asked, self._error, self._clock, self._seconds = 0, error, clock, seconds
        self._lock = threading.Lock()

    def batch_get_item(self, **_: Any) -> Any:
        with self._lock:
            self.asked += 1
            self._clock.advance(self._seconds)
        raise self._error

    query = transact_write_items = batch_get_item


KEYS = [RowKey("a" * 64, f"id-{number}") for number in range(5_000)]
SPANS = [Span(f"{number}", "a", "b") for number in range(500)]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"])
def test_an_outbox_that_may_not_be_read_is_asked_a_few_times_only(code: str) -> None:
    clock = FakeClock()
    for read, most in (("rows", outbox_module.BATCHES_AT_ONCE), ("deletes", outbox_module.QUERIES_AT_ONCE)):
        client = Failing(reply_error(code), clock)
        reader = TableOutbox(client, "outbox", Tries(clock), clock)
        with pytest.raises(OutboxError, match=f"the outbox outbox cannot be read.*{code}"):
            getattr(reader, read)(KEYS if read == "rows" else SPANS)
        assert client.asked <= most


def test_a_throttled_outbox_is_an_error_in_bounded_time() -> None:
    clock = FakeClock()
    client = Failing(reply_error("ProvisionedThroughputExceededException"), clock)
    with pytest.raises(ThrottledError):
        TableOutbox(client, "outbox", Tries(clock), clock).deletes(SPANS)
    assert client.asked <= 6 * outbox_module.QUERIES_AT_ONCE


def test_a_slow_outbox_is_left(tables: Tables) -> None:
    clock = FakeClock()

    class Slow:
        def query(self, **request: Any) -> Any:
            clock.advance(1.0)
            return tables.direct.query(**request)

    with pytest.raises(TransientError, match="not read in time"):
        tables.reader(Slow(), clock).deletes(SPANS)


def test_no_page_and_no_try_is_begun_after_the_deadline() -> None:
    clock = FakeClock()
    failing = Failing(reply_error("ThrottlingException"), clock, 1.0)
    with pytest.raises(ThrottledError):
        TableOutbox(failing, "outbox", Tries(clock), clock).rows(KEYS[:1], Deadline.after(clock, 2.5))
    assert failing.asked <= 3

    class Endless:
        """Page after page without a delete."""

        pages = 0

        def query(self, **_: Any) -> Any:
            self.pages += 1
            assert self.pages < 20
            clock.advance(1.0)
            return {"Items": [], "LastEvaluatedKey": {"id": {"S": "x"}}}

    endless = Endless()
    with pytest.raises(TransientError, match="not read in time"):
        TableOutbox(endless, "outbox", Tries(clock), clock).deletes(SPANS[:1], Deadline.after(clock, 4.5))
    assert endless.pages == 5


def test_a_missing_outbox_says_so(tables: Tables) -> None:
    reader = TableOutbox(tables.direct, unique("nowhere"), Tries(FakeClock()), FakeClock())
    with pytest.raises(OutboxError, match="ResourceNotFoundException"):
        reader.rows(KEYS[:1])


def test_a_row_of_the_writers_package_is_read_as_it_was_written(tables: Tables) -> None:
    [row] = rows(1)
    [found] = tables.reader().rows(tables.put(row))
    read = row_in(found)
    assert read is not None
    assert (read.actor, read.service, read.reason, json.loads(read.context)) == (
        "alice",
        "crm",
        "a refund",
        ACT.context,
    )
