"""Is each change of a legal hold an entry in the log of the tables that it is about, once, whatever dies?"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tabletrail.core.checkpoint import StreamState
from tabletrail.core.holds import Holds
from tabletrail.core.notices import COVERAGE
from tabletrail.errors import TransientError
from tabletrail.hold_entries import ENTRIES, HoldEntries
from tabletrail.holding import Holding
from tabletrail.log_survey import CoverageFact
from tabletrail.plan import Plan as RunPlan
from tabletrail.rebuilt_streams import rebuilt_stream
from tabletrail_cli.doubts import HARMLESS
from tests.fakes.faulty import Crash, Fault, Plan, Way
from tests.fakes.holds import FakeHoldBook
from tests.faults.world import World

ANN = "arn:aws:iam::123456789012:user/ann"


@dataclass
class HeldWorld(World):
    book: FakeHoldBook = field(default_factory=FakeHoldBook)

    def planner(self, run_id: str) -> RunPlan:
        plan = super().planner(run_id)
        plan.holds = HoldEntries(self.faults.wrap(self.book, "book"))
        return plan

    def hold(self, text: str, hold_id: str = "h1") -> None:
        Holding(self.book, self.clock, ANN).set(text, "case 114", hold_id)

    def release(self, hold_id: str = "h1") -> None:
        Holding(self.book, self.clock, ANN).release(hold_id, "case closed")

    def told(self) -> list[tuple[str, str, str]]:
        """(table, what, detail) of each entry about a hold, in the log's order; their numbers have no hole."""
        found = [one for one in self.lines() if one["tabletrail"]["kind"] == "coverage"]
        for arn in {one["stream"]["arn"] for one in found}:
            numbers = [one["tabletrail"]["coverage"]["number"] for one in found if one["stream"]["arn"] == arn]
            assert numbers == list(range(1, len(numbers) + 1))
        return [
            (one["table"]["name"], one["event"]["action"], one["tabletrail"]["coverage"]["detail"])
            for one in found
            if one["event"]["action"].startswith("hold_")
        ]


def world_with(*tables: str) -> HeldWorld:
    world = HeldWorld()
    for table in tables:
        world.add_table(table)
    world.run()
    return world


def test_does_the_entry_say_what_by_whom_and_why() -> None:
    world = world_with("orders")
    world.hold("all")
    world.run()
    world.release()
    world.run()
    world.run()
    assert world.told() == [
        ("orders", "hold_set", f"h1 on all, by {ANN}: case 114"),
        ("orders", "hold_released", f"h1 on all, by {ANN}: case closed"),
    ]
    world.assert_complete()


@pytest.mark.parametrize(
    ("text", "tables"),
    [("all", ["bills", "orders"]), ("2026.11", ["bills", "orders"]), ("orders", ["orders"]), ("unknown", [])],
)
def test_is_it_in_the_log_of_the_tables_that_it_is_about(text: str, tables: list[str]) -> None:
    world = world_with("orders", "bills")
    world.hold(text)
    world.run()
    world.run()
    assert sorted(table for table, _, _ in world.told()) == tables


def test_is_a_table_that_joins_later_not_told_of_what_was_before() -> None:
    world = world_with("orders")
    world.hold("all")
    world.run()
    world.add_table("late")
    world.run()
    world.run()
    assert [table for table, _, _ in world.told()] == ["orders"]
    world.release()
    world.run()
    assert sorted(table for table, _, _ in world.told()) == ["late", "orders", "orders"]


def test_does_a_run_tell_so_much_at_most_and_the_next_the_rest() -> None:
    names = [f"table-{number:03d}" for number in range(ENTRIES + 5)]
    world = world_with(*names)
    world.run()
    world.hold("all")
    world.run()
    assert len(world.told()) == ENTRIES
    world.run()
    assert sorted(table for table, _, _ in world.told()) == names


def test_does_a_book_that_cannot_be_read_hold_nothing_up() -> None:
    world = world_with("orders")
    world.hold("all")
    world.faults.add(Fault(Way.BEFORE, method="book.read", error=lambda: TransientError("no answer")))
    stream = next(iter(world.rows.streams))
    world.write(stream, "shard-0", 3)
    world.run()
    assert world.told() == []
    assert any("changes of holds are not told yet" in one for one in world.notes.read("last_run")["problems"])
    world.run()
    assert len(world.told()) == 1
    world.assert_complete()


def died() -> BaseException:
    return Crash("died")


def plan_only(world: HeldWorld, run_id: str) -> None:
    """PlanRun alone, which tells; ReportRun would free its lease."""
    world.planner(run_id).run(run_id)
    world.leases.held.clear()
    world.clock.advance(60)


@pytest.mark.parametrize("way", list(Way))
@pytest.mark.parametrize("kind", ["error", "crash"])
def test_is_it_said_once_wherever_a_run_fails(way: Way, kind: str) -> None:
    for number in range(1000):
        world = world_with("orders", "bills")
        world.hold("all")
        world.release()
        world.faults = Plan([Fault(way, number=number, error=died if kind == "crash" else None)])
        try:
            plan_only(world, "dying")
        except (Crash, TransientError):
            world.leases.held.clear()
        is_struck = bool(world.faults.struck)
        world.faults = Plan()
        plan_only(world, "next")
        plan_only(world, "last")
        assert sorted((table, what) for table, what, _ in world.told()) == [
            ("bills", "hold_released"),
            ("bills", "hold_set"),
            ("orders", "hold_released"),
            ("orders", "hold_set"),
        ]
        world.drain()
        world.assert_complete()
        if not is_struck:
            break
    assert number > 15


def test_is_nothing_asked_more_where_nothing_is_held() -> None:
    world = world_with("orders")
    world.faults = Plan()
    world.run()
    assert world.faults.count("book.read") == 1
    assert world.faults.count("commit") == 0
    assert world.book.read() == Holds()


@pytest.mark.parametrize("what", ["hold_set", "hold_released"])
def test_does_a_hold_end_no_audit_and_cast_no_doubt(what: str) -> None:
    """A row that is rebuilt from a log whose last word is of a hold is of a table that is audited."""
    world = world_with("orders")
    world.hold("all")
    world.run()
    if what == "hold_released":
        world.release()
        world.run()
    entries = [one for one in world.lines() if one["tabletrail"]["kind"] == "coverage"]
    numbers = [one["tabletrail"]["coverage"]["number"] for one in entries]
    facts = [
        CoverageFact(one["stream"]["arn"], number, one["event"]["action"], 1, one)
        for one, number in zip(entries, numbers, strict=True)
    ]
    assert facts[-1].what == what
    row = rebuilt_stream(None, facts, None, 0)
    assert (row.state, row.is_enabled) == (StreamState.ACTIVE, True)
    assert what in HARMLESS


@pytest.mark.parametrize("what", sorted(COVERAGE))
def test_does_only_an_end_make_a_rebuilt_stream_end(what: str) -> None:
    ends = {"left", "stream_replaced", "stream_ended", "stream_disabled", "stream_gone", "table_deleted"}
    world = world_with("orders")
    world.run()
    joined = next(one for one in world.lines() if one["event"]["action"] == "joined")
    words = ("joined", what)
    facts = [CoverageFact(joined["stream"]["arn"], number, word, 1, joined) for number, word in enumerate(words, 1)]
    assert (rebuilt_stream(None, facts, None, 0).state is StreamState.ACTIVE) == (what not in ends)
