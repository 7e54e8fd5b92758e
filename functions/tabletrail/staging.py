"""Step 3 of the commit protocol: entries become one object in S3, under a name that nobody had before.

Rules
- Each try has an attempt id of its own and never adopts an object that lies there, not even its own of a lost reply:
  what a name holds is then unknown.
- An object without a row never happened. Nobody deletes it: only a lifecycle rule may.

Called by `tabletrail.capture` and `tabletrail.plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from tabletrail.core.alert import is_due
from tabletrail.core.checkpoint import SegmentRow, ShardLink
from tabletrail.core.entry import Entry
from tabletrail.core.segment import encode
from tabletrail.core.staged_names import key_of
from tabletrail.errors import ObjectExistsError, TransientError
from tabletrail.index import Document
from tabletrail.ports import Clock, SegmentStore

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Staged:
    """`row` is what a commit makes true; `documents` are the entries as the index gets them."""

    row: SegmentRow
    token: str
    documents: tuple[Document, ...]


def new_attempt() -> str:
    return uuid4().hex


@dataclass(frozen=True, slots=True)
class Stager:
    store: SegmentStore
    clock: Clock
    attempt: Callable[[], str] = new_attempt

    def stage(self, run_id: str, group_id: str, links: Sequence[ShardLink], entries: Sequence[Entry]) -> Staged:
        """Durable on return, not committed. TransientError when the store does not take it."""
        for _ in range(ATTEMPTS):
            token = self.attempt()
            try:
                return self._stage(token, run_id, group_id, links, entries)
            except ObjectExistsError:
                continue
        raise TransientError("no free name for a segment was found: is another writer using this bucket's prefix?")

    def _stage(
        self, token: str, run_id: str, group_id: str, links: Sequence[ShardLink], entries: Sequence[Entry]
    ) -> Staged:
        now = int(self.clock.now())
        segment_id = f"{run_id}-{group_id}-{token}"
        encoded = encode(segment_id, run_id, group_id, links, entries)
        key = key_of(segment_id, now)
        row = SegmentRow(
            segment_id=segment_id,
            run_id=run_id,
            group_id=group_id,
            key=key,
            version_id=self.store.put(key, encoded.body),
            sha256=encoded.sha256,
            size=len(encoded.body),
            entries=len(entries),
            committed_at=now,
            indices=tuple(sorted({entry.index for entry in entries})),
            links=tuple(links),
            alerts=sum(is_due(entry.severity) for entry in entries),
        )
        documents = tuple(
            Document(segment_id, entry.id, entry.index, body)
            for entry, body in zip(entries, encoded.documents, strict=True)
        )
        return Staged(row, token, documents)
