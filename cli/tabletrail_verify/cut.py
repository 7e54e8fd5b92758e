"""The cut: which segments and checkpoints this verification is about, while capture goes on.

    1 the checkpoints (before)   each segment that they know of is committed
    2 the segments' rows         so it is seen here; some that are newer may be seen as well
    3 the checkpoints (after)    and whatever was seen in 2 is known to these

Rules
- A scan is no snapshot: of two segments committed meanwhile it may show the second only. Where a link's predecessor is
  missing the rows are scanned once more; what only that shows is `late`: it closes chains, and nothing else is asked.
- A transaction may become visible row by row, within moments: a pause between the steps outlasts that.
- What is committed after step 2 is no matter of this verification.

Called by `verification`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tabletrail_verify.canonical_form import GENESIS
from tabletrail_verify.findings import Finding
from tabletrail_verify.rows import (
    Item,
    RowError,
    SegmentRow,
    coverage_of,
    name_of,
    scan,
    segment_of,
    shard_of,
)
from tabletrail_verify.state import State

PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Tables:
    streams: str
    shards: str
    segments: str


@dataclass(frozen=True, slots=True)
class Question:
    """Which part of the log is asked for; empty means all of it. Times are seconds since the epoch, of commits."""

    table: str = ""
    index: str = ""
    since: int = 0
    until: int = 0

    @property
    def is_whole(self) -> bool:
        return self == Question()

    def asks(self, row: SegmentRow) -> bool:
        """True if the segment may hold entries that are asked for. One without links may be about any table."""
        tables = {table_of(link.stream_arn) for link in row.links}
        if self.table and tables and self.table not in tables:
            return False
        if self.index and self.index not in row.indices:
            return False
        return self.since <= row.committed_at and (not self.until or row.committed_at < self.until)


@dataclass(frozen=True, slots=True)
class Cutter:
    """`client` is boto3's for DynamoDB. `now` gives seconds since the epoch, `pause` waits."""

    client: Any
    tables: Tables
    state: State
    question: Question
    now: Callable[[], float]
    pause: Callable[[float], None]

    def take(self) -> None:
        """Once for a verification; a second call does nothing."""
        if self.state.fact("cut"):
            return
        with self.state.step():
            self.state.set_fact("begun_at", str(int(self.now())))
            self._checkpoints("before")
            self.pause(PAUSE_SECONDS)
            self._segments(late=False)
            self.pause(PAUSE_SECONDS)
            self._checkpoints("after")
            if self.state.one(_LOOSE, bytes.fromhex(GENESIS)):
                self._segments(late=True)
            self.state.set_fact("cut", "taken")

    def _checkpoints(self, column: str) -> None:
        for page in scan(self.client, self.tables.shards):
            for item in page:
                self._checkpoint(item, column)
        for page in scan(self.client, self.tables.streams):
            for item in page:
                self._stream(item, column)

    def _checkpoint(self, item: Item, column: str) -> None:
        try:
            self.state.put_checkpoint(shard_of(item), column)
        except RowError as error:
            stream, shard = name_of(item, "stream_arn"), name_of(item, "shard_id")
            self.state.find(Finding("row-unreadable", f"a checkpoint: {error}", stream=stream, shard=shard))

    def _stream(self, item: Item, column: str) -> None:
        try:
            arn, number = coverage_of(item)
        except RowError as error:
            self.state.find(Finding("row-unreadable", f"a stream's row: {error}", stream=name_of(item, "stream_arn")))
            return
        self.state.db.execute("INSERT OR IGNORE INTO streams (stream_arn) VALUES (?)", (arn,))
        self.state.db.execute(f"UPDATE streams SET {column} = ? WHERE stream_arn = ?", (number, arn))  # noqa: S608

    def _segments(self, *, late: bool) -> None:
        for page in scan(self.client, self.tables.segments):
            for item in page:
                try:
                    row = segment_of(item)
                    self.state.add_segment(row, asked=not late and self.question.asks(row), late=late)
                except (RowError, ValueError) as error:
                    segment = name_of(item, "segment_id")
                    self.state.find(Finding("row-unreadable", f"a segment's row: {error}", segment))


_LOOSE = """
SELECT count(*) FROM links AS one WHERE previous != ? AND NOT EXISTS
  (SELECT 1 FROM links AS other WHERE other.shard = one.shard AND other.chain = one.previous)
"""
"""Links whose predecessor was not seen."""


def table_of(stream_arn: str) -> str:
    """The table's name in a stream's ARN."""
    return stream_arn.partition(":table/")[2].partition("/")[0]
