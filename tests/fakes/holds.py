"""Holds in memory, in two copies as the tables keep them: a test may restore or lose either."""

from __future__ import annotations

from dataclasses import dataclass, field

from tabletrail.core.holds import Holds, newest

TABLES = ("runs", "segments")


@dataclass
class FakeHoldBook:
    """`HoldBook`. `copies` is what is durable, by table."""

    copies: dict[str, Holds] = field(default_factory=dict)

    def read(self) -> Holds:
        return newest(tuple(self.copies.get(table) for table in TABLES))

    def write(self, before: Holds, after: Holds) -> bool:
        if self.read() != before:
            return False
        self.copies = dict.fromkeys(TABLES, after)
        return True
