"""What the workload's services have in common: a choice of acts, a count of items, people who sometimes forget to sign.

Called by the services of the workload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from tabletrail_local.workload_truth import Item

_FORGETS = 0.15
"""Share of writes that do not say who made them: then the log must not say so either."""


class Cast:
    """Random choices of one service, and the items that it has. Items are kept by key, in the order of their making."""

    def __init__(self, random: Random, run: str, people: Sequence[str]) -> None:
        self.random = random
        self.items: dict[str, Item] = {}
        self._run = run
        self._people = people
        self._made = 0

    def new_key(self, kind: str) -> str:
        self._made += 1
        return f"{kind}-{self._run}-{self._made:03}"

    def some(self) -> Item | None:
        """One of the items, more often one of the first, so that some have a history worth reading."""
        if not self.items:
            return None
        keys = list(self.items)
        place = int(len(keys) * self.random.random() ** 2)
        return self.items[keys[place]]

    def signed(self) -> dict[str, Any]:
        if self.random.random() < _FORGETS:
            return {}
        return {"updatedBy": self.random.choice(self._people)}

    def choose(self, acts: Mapping[Callable[[], None], int]) -> None:
        """Does one of them; the number is how often, compared with the others."""
        self.random.choices(list(acts), weights=list(acts.values()))[0]()
