"""A rebuild over the fakes of a `World`, with something else happening before any of its calls.

The rebuild's calls go through a plan of their own, so that faults strike it and not the runs beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tabletrail.core.periods import PREFIX, index_of
from tabletrail.core.rebuilds import Rebuilt
from tabletrail.filling import Filler
from tabletrail.reindex import LEASE, MARGIN_SECONDS, Reindex
from tests.fakes.executor import SameThread
from tests.fakes.faulty import Plan
from tests.fakes.shelf import FakeSegmentPages, FakeShelf
from tests.faults import world_log
from tests.faults.world import SETTINGS, World, dumps
from tests.validation import assert_valid_entry

Happening = Callable[[int], None]


class Meanwhile:
    """A port before each call of which `happen` is called with the call's number."""

    def __init__(self, port: Any, numbers: itertools.count[int], happen: Happening) -> None:
        self._port, self._numbers, self._happen = port, numbers, happen

    def __getattr__(self, method: str) -> Any:
        target = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._happen(next(self._numbers))
            return target(*args, **kwargs)

        return call


MONTH = 31 * 24 * 3600
LAST = "tabletrail-v1-2026.12"
SMALL = replace(SETTINGS, cycle_records=4, bulk_bytes=6_000)
"""So that a log of some records has several segments, and each several requests."""


@dataclass
class Rebuilding:
    """What an operator does to a world's index. `version` is that of the template that the cluster has."""

    world: World
    plan: Plan = field(default_factory=Plan)
    version: int = 1
    happen: Happening = lambda _: None
    owner: str = "operator"
    _owners: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def name(self) -> str:
        """The name of the present period's index."""
        return index_of(int(self.world.clock.now()), "month")

    def command(self, only_missing: bool = False, force: bool = False) -> Reindex:
        """One process of the command."""
        world, numbers = self.world, itertools.count()

        def port(target: object, name: str) -> Any:
            return Meanwhile(self.plan.wrap(target, name), numbers, self.happen)

        index = port(world.index, "index")
        store = port(world.store, "store")
        filler = Filler(store, [index], SameThread(), world.clock, world.settings.bulk_bytes, lambda: 1.0)
        return Reindex(
            port(FakeShelf(world.index, self.version), "shelf"),
            port(FakeSegmentPages(world.rows), "pages"),
            filler,
            port(world.leases, "leases"),
            port(world.notes, "notes"),
            world.clock,
            lambda _: None,
            only_missing,
            force,
            renew_seconds=0,
        )

    def run(self, name: str | None = None, only_missing: bool = False, force: bool = False) -> list[Rebuilt]:
        """The command from its beginning to its end; all periods for None."""
        return self.command(only_missing, force).run(name, f"{self.owner}{next(self._owners)}")

    def forget_lease(self) -> None:
        """The time in which a dead rebuild's lease ends."""
        self.world.leases.held.pop(LEASE, None)

    def lose(self, *names: str) -> None:
        """Indices are deleted, as an administrator can: all of them without names."""
        index = self.world.index
        for name in names or tuple(index.indices):
            target = index.aliases.get(name, name)
            index.indices.pop(target, None)
            index.hidden.discard(target)
            index.aliases = {alias: old for alias, old in index.aliases.items() if old != target}

    def numbers(self) -> list[int]:
        """Of the rebuilds whose indices are there."""
        return sorted(int(index[-6:]) for index in self.world.index.indices if "-r" in index.removeprefix(PREFIX))


def a_log(settings: Any = SMALL) -> Rebuilding:
    """Two tables, the last period and the present one, a document that the index refused, one segment in both."""
    world = World(settings)
    world.stream.page_records = 3
    orders, payments = world.add_table("orders", shards=2), world.add_table("payments")
    last_month = int(world.clock.now()) - MONTH
    assert index_of(last_month, "month") == LAST
    world.index.ensure(LAST)
    world.write(orders, "shard-0", 5, created=last_month)
    world.write(orders, "shard-0", 4)
    world.write(orders, "shard-1", 3)
    world.write(payments, "shard-0", 6)
    poison = world.written[orders, "shard-1"][1]
    world.index.refuses = lambda document: (
        document.get("stream", {}).get("sequence") == poison and document["tabletrail"]["kind"] != "parked"
    )
    world.run()
    world.run()
    world.drain()
    world.assert_complete()
    # So long ago that only the first pass of a rebuild looks at it.
    world.clock.advance(2 * MARGIN_SECONDS)
    rebuilding = Rebuilding(world)
    assert kinds(rebuilding)["parked"] == 1
    return rebuilding


def kinds(rebuilding: Rebuilding) -> dict[str, int]:
    found: dict[str, int] = {}
    for document in rebuilding.world.index.documents().values():
        kind = document["tabletrail"]["kind"]
        found[kind] = found.get(kind, 0) + 1
    return found


def capture(rebuilding: Rebuilding, count: int = 2) -> None:
    world = rebuilding.world
    for arn, shard_id in list(world.written):
        world.write(arn, shard_id, count)
    world.run()


def settle(rebuilding: Rebuilding) -> None:
    for _ in range(3):
        rebuilding.world.run()
        rebuilding.world.drain()


@pytest.fixture
def each_entry_is_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeps meet the same few entries thousands of times; only their places differ."""
    seen: set[str] = set()

    def validate(entry: dict[str, Any]) -> None:
        content = dumps({name: value for name, value in entry.items() if name != "log"})
        if content not in seen:
            assert_valid_entry(entry)
            seen.add(content)

    monkeypatch.setattr(world_log, "assert_valid_entry", validate)
