"""A log to be damaged: what the tests of damaged segments and of damaged rows begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tabletrail.core.checkpoint import SegmentRow
from tabletrail_verify.verification import Wish
from tests.faults.world import World
from tests.verify.checked_world import Checked, eventful_world, segments_of


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return Checked(eventful_world(), tmp_path, Wish(index=False))


@pytest.fixture
def world(checked: Checked) -> World:
    return checked.world


@pytest.fixture
def orders(world: World) -> str:
    return next(arn for arn in world.rows.streams if "table/orders/" in arn)


@pytest.fixture
def items(world: World) -> str:
    return next(arn for arn in world.rows.streams if "table/items/" in arn)


@pytest.fixture
def victim(world: World, orders: str) -> SegmentRow:
    """The middle one of a shard that had four commits."""
    return segments_of(world, orders, "shard-1")[1]
