"""The indices' names in memory, and the segments' rows in the order of a scan: what a rebuild works with.

Rules, as the server has them
- A name is an index or an alias, never both. `replace` does all or nothing, and refuses names that lead elsewhere.
- A scan goes by a hash of the key, reads each row when it comes to it, so it may miss what is written behind its place.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tabletrail.core.checkpoint import SegmentRow
from tabletrail.core.periods import ALIAS
from tabletrail.core.rebuilds import Layout, Tally
from tabletrail.errors import ReindexError, TransientError
from tests.fakes.checkpoints import Rows
from tests.fakes.index import FakeIndex


@dataclass
class FakeShelf:
    """`IndexShelf` over the indices of `index`."""

    index: FakeIndex
    version: int = 1

    def ensure(self, index: str) -> bool:
        return self.index.ensure(index)

    def layout(self) -> Layout:
        names: dict[str, set[str]] = {index: {ALIAS} for index in self.index.indices}
        for alias, index in self.index.aliases.items():
            names[index].add(alias)
        return Layout({index: frozenset(aliases) for index, aliases in names.items()})

    def template_version(self) -> int:
        return self.version

    def make_hidden(self, index: str) -> None:
        if index not in self.index.indices:
            self.index.indices[index] = {}
            self.index.hidden.add(index)

    def refresh(self, index: str) -> None:
        if self.index.aliases.get(index, index) not in self.index.indices:
            raise ReindexError(f"no such index {index}")

    def replace(self, name: str, old: str | None, new: str) -> None:
        indices, aliases = self.index.indices, self.index.aliases
        is_taken = name in indices and name != old
        if new not in indices or (old is not None and old not in indices) or is_taken:
            raise TransientError("the names lead elsewhere")
        if old is not None:
            del indices[old]
            self.index.aliases = {alias: index for alias, index in aliases.items() if index != old}
        self.index.aliases[name] = new
        self.index.hidden.discard(new)

    def remove(self, index: str) -> None:
        self.index.indices.pop(index, None)
        self.index.hidden.discard(index)

    def holdings(self, index: str) -> dict[str, int]:
        documents = self.index.indices[index].values()
        kept = (document for document in documents if "supersedes" not in document["tabletrail"])
        return dict(Counter(str(document["table"]["arn"]) for document in kept))


class FakeSegmentPages:
    """`SegmentPages` over `rows`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def tallies(self) -> dict[str, Tally]:
        found: dict[str, Tally] = defaultdict(Tally)
        for row in self._rows.segments.values():
            for index in row.indices:
                found[index] = Tally(found[index].segments + 1, found[index].entries + row.entries)
        return dict(found)

    def rows(self, index: str, behind: str, marked_since: int) -> Iterator[SegmentRow]:
        place = self._order()[behind] if behind else ""
        while True:
            left = sorted((key, name) for name, key in self._order().items() if key > place)
            if not left:
                return
            place, name = left[0]
            row = self._rows.segments[name]
            if index in row.indices and (not row.indexed_at or row.indexed_at >= marked_since):
                yield row

    def _order(self) -> dict[str, str]:
        """As if at random, but the same in each run of a test, though segments have random names."""
        return {name: hashlib.sha256(str(n).encode()).hexdigest() for n, name in enumerate(self._rows.segments)}
