"""All that may happen next in a state. Called by `tests.model.explorer`."""

from __future__ import annotations

from collections.abc import Iterator

from tests.model import capturing, indexing, walking
from tests.model.sizes import Sizes, State, Step


def steps(sizes: Sizes, state: State) -> Iterator[Step]:
    yield from capturing.steps(sizes, state)
    if sizes.indexes:
        yield from indexing.steps(sizes, state)
    yield from walking.steps(sizes, state)
