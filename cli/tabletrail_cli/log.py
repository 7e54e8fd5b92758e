"""The adapters of one place, as the commands read them: tables, notes, the log's objects.

Called by the commands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import control_client, dynamodb_client, s3_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.commit import TableNames
from tabletrail.aws.holds import TableHolds
from tabletrail.aws.runs import TableLeases, TableRunNotes
from tabletrail.aws.segment_scan import TableSegmentScan
from tabletrail.aws.segment_store import BucketSegmentStore
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tables import AccountTables
from tabletrail.aws.tries import Tries
from tabletrail.core.segment import Line, read
from tabletrail.errors import SegmentError
from tabletrail_cli.errors import DamageError
from tabletrail_cli.place import Place


@dataclass(frozen=True)
class Log:
    """The ports' own errors: TransientError, ThrottledError, RefusedError."""

    place: Place

    @cached_property
    def checkpoints(self) -> TableCheckpoints:
        settings = self.place.settings
        names = TableNames(settings.streams_table, settings.shards_table, settings.segments_table)
        return TableCheckpoints(self._dynamodb, names, self._tries)

    @cached_property
    def segments(self) -> TableSegments:
        return TableSegments(self._dynamodb, self.place.settings.segments_table, self._tries)

    @cached_property
    def segment_scan(self) -> TableSegmentScan:
        return TableSegmentScan(self._dynamodb, self.place.settings.segments_table, self._tries)

    @cached_property
    def leases(self) -> TableLeases:
        return TableLeases(self._dynamodb, self.place.settings.runs_table, self._tries)

    @cached_property
    def notes(self) -> TableRunNotes:
        return TableRunNotes(self._dynamodb, self.place.settings.runs_table, self._tries)

    @cached_property
    def holds(self) -> TableHolds:
        settings = self.place.settings
        return TableHolds(self._dynamodb, settings.runs_table, settings.segments_table, self._tries)

    @cached_property
    def store(self) -> BucketSegmentStore:
        return BucketSegmentStore(s3_client(self.place.session), self.place.settings.segments_bucket)

    @cached_property
    def tables(self) -> AccountTables:
        settings, session = self.place.settings, self.place.session
        return AccountTables(
            control_client(session, "dynamodb"),
            control_client(session, "resourcegroupstaggingapi"),
            SystemClock(),
            tag=(settings.tag_key, settings.tag_value),
            service_tag=settings.service_tag,
        )

    def line(self, segment_id: str, number: int, entry_id: str) -> Line:
        """One line of the log, from an object whose bytes are the committed ones. DamageError if they are not."""
        for line in self.lines(segment_id, {number: entry_id}):
            return line
        raise SegmentError(f"line {number}: the segment {segment_id} has no such line")

    def lines(self, segment_id: str, wanted: Mapping[int, str]) -> Iterator[Line]:
        """Those of `wanted` (line number: its entry's id) that the segment has, in order; it is read once."""
        row = self.segments.get(segment_id)
        if row is None:
            raise DamageError(
                f"segment {segment_id} has no row, yet the index holds an entry of it: "
                "that entry was not written by tabletrail, or the table of segments lost the row"
            )
        body = self.store.get(row.key, row.version_id)
        found = hashlib.sha256(body).hexdigest()
        if found != row.sha256:
            raise DamageError(
                f"{row.key}, version {row.version_id}, is not what was committed: its SHA-256 is {found}, "
                f"its row says {row.sha256}"
            )
        for line in read(body):
            if isinstance(line, Line) and line.number in wanted:
                yield _of_entry(line, segment_id, wanted[line.number])

    @cached_property
    def _dynamodb(self) -> object:
        return dynamodb_client(self.place.session)

    @cached_property
    def _tries(self) -> Tries:
        return Tries(SystemClock())


def _of_entry(line: Line, segment_id: str, entry_id: str) -> Line:
    """A retried entry has an id of its own and names the one that it supersedes; either is this line's."""
    if line.id != entry_id:
        raise DamageError(
            f"line {line.number} of segment {segment_id} holds the entry {line.id}, the index says {entry_id}: "
            "one of the two was altered"
        )
    return line
