"""Do holds outlive races, a lost reply and the loss of a table? In memory and in the stack's own DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.holds import RESERVED, TableHolds
from tabletrail.aws.runs import TableLeases, TableRunNotes
from tabletrail.aws.segment_scan import TableSegmentScan
from tabletrail.aws.tries import Tries
from tabletrail.core.holds import ALL, PERIOD, Hold, Holds
from tabletrail.errors import QueryError
from tabletrail.holding import HoldBook, Holding
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.fakes.holds import FakeHoldBook
from tests.ports.local_tables import drop_tables, make_table, remake_table, unique

ANN = "arn:aws:iam::123456789012:user/ann"
BOB = "arn:aws:sts::123456789012:assumed-role/legal/bob"


def hold(number: int = 1, kind: str = ALL, target: str = "") -> Hold:
    return Hold(f"h{number}", kind, target, "a lawsuit, “Smith”", ANN, 1_795_000_000 + number)


class HoldBookContract:
    def test_is_nothing_held_at_first(self, book: HoldBook) -> None:
        assert book.read() == Holds()

    def test_does_it_keep_each_field(self, book: HoldBook) -> None:
        first = Holds().with_new(hold())
        assert book.write(Holds(), first)
        second = first.with_new(hold(2, PERIOD, "tabletrail-v1-2026.11")).released("h1", 5, BOB, "settled")
        assert book.write(first, second)
        assert book.read() == second

    def test_does_the_second_of_two_lose(self, book: HoldBook) -> None:
        """Both read the same; neither's hold may be overwritten."""
        mine, theirs = Holds().with_new(hold(1)), Holds().with_new(hold(2))
        assert book.write(Holds(), theirs)
        assert not book.write(Holds(), mine)
        assert book.read() == theirs

    def test_do_two_people_keep_both_holds(self, book: HoldBook) -> None:
        Holding(book, FakeClock(), ANN).set("all", "one", "h1")
        Holding(book, FakeClock(), BOB).set("2026.11", "two", "h2")
        Holding(book, FakeClock(), BOB).release("h1", "over")
        assert [(one.id, one.by, one.is_active) for one in book.read().every] == [("h1", ANN, False), ("h2", BOB, True)]

    def test_is_what_cannot_be_held_or_released_refused(self, book: HoldBook) -> None:
        holding = Holding(book, FakeClock(), ANN)
        with pytest.raises(QueryError, match="neither"):
            holding.set("no such thing", "why", "h1")
        with pytest.raises(QueryError, match="reason"):
            holding.set("all", "  ", "h1")
        with pytest.raises(QueryError, match="there is no hold"):
            holding.release("h1", "why")
        holding.set("all", "why", "h1")
        holding.release("h1", "why")
        FakeClock.advance(holding.clock, 60)  # type: ignore[arg-type]
        with pytest.raises(QueryError, match="released already"):
            holding.release("h1", "why")


class TestFakeHolds(HoldBookContract):
    @pytest.fixture
    def book(self) -> FakeHoldBook:
        return FakeHoldBook()


class RacingBook(FakeHoldBook):
    """Somebody else changes the holds between each read and the write after it, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def write(self, before: Holds, after: Holds) -> bool:
        if self.times:
            self.times -= 1
            found = self.read()
            assert super().write(found, found.with_new(hold(100 + self.times)))
        return super().write(before, after)


def test_is_a_race_decided_anew_over_what_the_other_left() -> None:
    book = RacingBook(3)
    Holding(book, FakeClock(), ANN).set("orders", "mine", "h1")
    assert [one.id for one in book.read().every] == ["h102", "h101", "h100", "h1"]


@pytest.mark.stack
class TestTableHolds(HoldBookContract):
    @pytest.fixture
    def client(self, stack: StackInfo) -> Any:
        return dynamodb_client(stack.session())

    @pytest.fixture
    def names(self, client: Any) -> Iterator[tuple[str, str]]:
        runs, segments = unique("runs"), unique("segments")
        make_table(client, runs, "name")
        make_table(client, segments, "segment_id")
        yield runs, segments
        drop_tables(client, runs, segments)

    @pytest.fixture
    def tries(self) -> Tries:
        return Tries(SystemClock())

    @pytest.fixture
    def book(self, client: Any, names: tuple[str, str], tries: Tries) -> TableHolds:
        return TableHolds(client, *names, tries)

    @pytest.mark.parametrize("lost", [0, 1])
    def test_does_the_loss_of_a_table_lose_no_hold(
        self, client: Any, names: tuple[str, str], book: TableHolds, lost: int
    ) -> None:
        first = Holds().with_new(hold())
        assert book.write(Holds(), first)
        remake_table(client, names[lost], [])
        assert book.read() == first
        second = first.with_new(hold(2))
        assert book.write(first, second)
        remake_table(client, names[1 - lost], [])
        assert book.read() == second, "the change wrote both copies again"

    def test_does_an_older_copy_of_a_restored_table_not_count(
        self, client: Any, names: tuple[str, str], book: TableHolds
    ) -> None:
        first = Holds().with_new(hold())
        assert book.write(Holds(), first)
        key = {"name": {"S": RESERVED}}
        old = client.get_item(TableName=names[0], Key=key)["Item"]
        second = first.with_new(hold(2))
        assert book.write(first, second)
        client.put_item(TableName=names[0], Item=old)
        assert book.read() == second
        assert not book.write(first, first.with_new(hold(3)))
        assert book.write(second, second.with_new(hold(3)))

    def test_does_no_other_reader_meet_the_row(
        self, client: Any, names: tuple[str, str], book: TableHolds, tries: Tries
    ) -> None:
        assert book.write(Holds(), Holds().with_new(hold()))
        runs, segments = names
        scan = TableSegmentScan(client, segments, tries)
        assert scan.tallies() == {}
        assert list(scan.rows("tabletrail-v1-2026.11", "", 0)) == []
        assert TableRunNotes(client, runs, tries).read("holds") == {}
        assert TableLeases(client, runs, tries).acquire("holds", "me", 1, 1)
        assert "expires_at" not in client.get_item(TableName=runs, Key={"name": {"S": RESERVED}})["Item"]
